import { CACHE_CONFIGS } from '@freshet/cms'
import * as v from 'valibot'
import { Badge, Empty, Pager, Panel, Table, type Tone, Trouble } from '../components.tsx'
import { bytes, count, counted, duration, NONE } from '../format.ts'
import type { PageContent, PageContext } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'

export const BROWSER_PATH = `${UI_PATH}/browser`

/** Keys of a page. */
const SHOWN = 25

const Listing = v.object({
  tier: v.string(),
  items: v.array(
    v.object({
      key: v.nullable(v.string()),
      name: v.nullable(v.string()),
      namespace: v.string(),
      version: v.nullable(v.string()),
      generation: v.nullable(v.number()),
      isCurrent: v.boolean(),
      isPrivate: v.boolean(),
      verdict: v.string(),
      stamp: v.number(),
      found: v.boolean(),
      bytes: v.nullable(v.number()),
      reads: v.nullable(v.number()),
      ageMs: v.nullable(v.number()),
      remainingMs: v.number(),
    }),
  ),
  next: v.nullable(v.string()),
  total: v.nullable(v.number()),
})

/** How a verdict is to be taken: what is not valid is no fault, only news. */
export function toneOf(verdict: string): Tone {
  if (verdict === 'valid') return 'ok'
  return ['garbage', 'unavailable'].includes(verdict)
    ? 'critical'
    : verdict === 'none' || verdict === 'not used'
      ? 'plain'
      : 'warning'
}

export async function browserPage({ c, inner }: PageContext): Promise<PageContent> {
  const { namespace, prefix, cursor } = c.req.query()
  const tier = c.req.query('tier') === 'kv' ? 'kv' : 'memory'
  const here = { tier, namespace, prefix }
  const answer = await inner.get(c, withQuery('/browser', { ...here, cursor, limit: SHOWN }), Listing)
  return {
    path: BROWSER_PATH,
    title: 'Browser',
    says: 'What the tiers hold. Memory is that of the isolate that answers; KV is everybody’s.',
    body: (
      <Panel id="keys" title="Keys">
        <nav class="tabs" aria-label="Tier">
          {(['memory', 'kv'] as const).map((one) => (
            <a
              href={withQuery(BROWSER_PATH, { ...here, tier: one })}
              {...(one === tier && { 'aria-current': 'true' as const })}
            >
              {one === 'kv' ? 'Workers KV' : 'This isolate’s memory'}
            </a>
          ))}
        </nav>
        <form method="get" action={BROWSER_PATH} class="fields row">
          <input type="hidden" name="tier" value={tier} />
          <div>
            <label for="namespace">Namespace</label>
            <select id="namespace" name="namespace">
              <option value="">all</option>
              {Object.keys(CACHE_CONFIGS).map((name) => (
                <option value={name} {...(name === namespace && { selected: true })}>
                  {name}
                </option>
              ))}
            </select>
          </div>
          <div class="grow">
            <label for="prefix">Key begins with{namespace && `, after ${namespace}:`}</label>
            <input
              id="prefix"
              name="prefix"
              autocomplete="off"
              spellcheck={false}
              value={prefix ?? ''}
              class="mono"
            />
          </div>
          <button type="submit" class="primary">
            Search
          </button>
        </form>
        <form method="get" action={`${UI_PATH}/key`} class="fields row">
          <div class="grow">
            <label for="key">Or explain one key, held or not</label>
            <input
              id="key"
              name="key"
              required
              autocomplete="off"
              spellcheck={false}
              placeholder="content:item:42"
            />
          </div>
          <button type="submit">Explain</button>
        </form>
        {answer.ok ? <Keys {...answer.data} /> : <Trouble refusal={answer} />}
        {answer.ok && (
          <Pager
            first={cursor ? withQuery(BROWSER_PATH, here) : null}
            next={answer.data.next && withQuery(BROWSER_PATH, { ...here, cursor: answer.data.next })}
          />
        )}
      </Panel>
    ),
  }
}

function Keys({ tier, items, total, next }: v.InferOutput<typeof Listing>) {
  if (items.length === 0) {
    return (
      <Empty title={next === null ? 'No such keys' : 'None on this page'}>
        {next === null
          ? 'What is read will be here: an isolate starts with an empty memory, and KV is filled behind the first answers.'
          : 'KV answers page by page; there may be some on the next one.'}
      </Empty>
    )
  }
  const isMemory = tier === 'memory'
  return (
    <>
      {total !== null && <p class="muted small">{counted(total, 'key')}</p>}
      {!isMemory && items.some(({ isCurrent }) => !isCurrent) && (
        <p class="muted small">
          Superseded names are asked for by nobody: an invalidation or a new version has moved their key to
          another one. They go when their life is over.
        </p>
      )}
      <Table
        caption={`Keys in ${tier}`}
        rows={items}
        columns={[
          {
            title: 'Key',
            isWide: true,
            of: ({ key, name, isPrivate, isCurrent, found }) => (
              <>
                {key === null ? (
                  <span class="mono muted">{name}</span>
                ) : (
                  <a class="mono" href={withQuery(`${UI_PATH}/key`, { key })}>
                    {key}
                  </a>
                )}{' '}
                {isPrivate && <Badge>private</Badge>} {!found && <Badge>cached as not found</Badge>}{' '}
                {!isCurrent && <Badge>superseded</Badge>}
              </>
            ),
          },
          {
            title: 'Verdict',
            // What has been superseded is nobody's concern: nobody asks for its name any more.
            of: ({ verdict, isCurrent }) => (
              <Badge tone={isCurrent ? toneOf(verdict) : 'plain'}>{verdict}</Badge>
            ),
          },
          {
            title: isMemory ? 'Version' : 'Version, generation',
            of: ({ version, generation }) =>
              version === null ? NONE : generation === null ? version : `${version}.${generation}`,
          },
          { title: 'Stamp', isNumber: true, of: ({ stamp }) => stamp },
          ...(isMemory
            ? [
                { title: 'Size', isNumber: true, of: (one: { bytes: number | null }) => bytes(one.bytes) },
                {
                  title: 'Reads lately',
                  isNumber: true,
                  of: (one: { reads: number | null }) => count(one.reads),
                },
                { title: 'Age', isNumber: true, of: (one: { ageMs: number | null }) => duration(one.ageMs) },
              ]
            : []),
          {
            title: 'Life left',
            isNumber: true,
            of: ({ remainingMs }) => (remainingMs > 0 ? duration(remainingMs) : 'over'),
          },
        ]}
      />
    </>
  )
}
