import * as v from 'valibot'
import { Badge, Empty, Notice, Pager, Panel, Table, Time, Trouble } from '../components.tsx'
import { Trends } from '../figures.ts'
import { count, counted, duration, pretty } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'
import { type PreviewResult, preview } from '../preview.ts'
import { EventChart } from './trend-charts.tsx'

export const INVALIDATIONS_PATH = `${UI_PATH}/invalidations`

const Ms = v.nullable(v.number())
const Invalidations = v.object({
  items: v.array(
    v.object({
      seq: v.number(),
      eventId: v.string(),
      type: v.string(),
      patterns: v.array(v.string()),
      patternCount: v.number(),
      payload: v.string(),
      createdAt: v.string(),
      processedAt: v.nullable(v.string()),
      swept: v.number(),
      warmJobs: v.number(),
      took: v.object({ delivery: Ms, sweep: Ms, processing: Ms }),
    }),
  ),
  next: v.nullable(v.string()),
})
type Invalidation = v.InferOutput<typeof Invalidations>['items'][number]

/** Patterns of a row that are shown before the rest is folded away. */
const SHOWN = 3

/** @param wanted what a form that was refused had asked for; default: what the query string asks to preview */
export async function invalidationsPage(page: PageContext, wanted?: string): Promise<PageContent> {
  const { c, inner, now } = page
  const { cursor, type, key } = c.req.query()
  const pattern = (wanted ?? c.req.query('pattern'))?.trim()
  const isHard = c.req.query('hard') === 'on'
  const isPlain = !cursor && !type && !key
  const [answer, trends, previewed] = await Promise.all([
    inner.get(c, withQuery('/invalidations', { limit: 15, cursor, type, key }), Invalidations),
    isPlain && !pattern ? inner.get(c, '/analytics/trends', Trends) : null,
    pattern ? preview(page, pattern) : null,
  ])
  return {
    path: INVALIDATIONS_PATH,
    title: 'Invalidations',
    says: 'The log that decides what is valid: each row makes invalid what its patterns match, in every isolate within Δ.',
    poll: isPlain && !pattern ? POLL.statistics : 0,
    body: (
      <>
        <Panel
          id="send"
          title="Invalidate by pattern"
          says={
            <>
              <code>*</code> stands for one segment, a last <code>*</code> for the rest:{' '}
              <code>content:item:*</code>, <code>api:list:posts:*</code>. Tags are matched as well as keys.
              You see what it reaches before anything is sent.
            </>
          }
        >
          <form method="get" action={INVALIDATIONS_PATH} class="fields row">
            <div class="grow">
              <label for="pattern">Pattern</label>
              <input
                id="pattern"
                name="pattern"
                required
                autocomplete="off"
                spellcheck={false}
                value={pattern ?? ''}
              />
            </div>
            <label class="check">
              <input type="checkbox" name="hard" {...(isHard && { checked: true })} />
              Take it out of KV as well
            </label>
            <button type="submit" class={pattern ? '' : 'primary'}>
              Preview
            </button>
          </form>
          {previewed !== null && pattern && <Preview pattern={pattern} isHard={isHard} result={previewed} />}
        </Panel>
        {trends !== null && (trends.ok ? <EventChart trends={trends.data} /> : <Trouble refusal={trends} />)}
        <Panel id="log" title="Log" live>
          <form method="get" action={INVALIDATIONS_PATH} class="fields row">
            <div class="grow">
              <label for="key">What has invalidated this key or tag?</label>
              <input id="key" name="key" autocomplete="off" spellcheck={false} value={key ?? ''} />
            </div>
            <div>
              <label for="type">Type of event</label>
              <input id="type" name="type" autocomplete="off" spellcheck={false} value={type ?? ''} />
            </div>
            <button type="submit">Search</button>
            {!isPlain && (
              <a class="button" href={INVALIDATIONS_PATH}>
                Show all
              </a>
            )}
          </form>
          {answer.ok ? (
            <Log items={answer.data.items} isPlain={isPlain} hasNext={answer.data.next !== null} now={now} />
          ) : (
            <Trouble refusal={answer} />
          )}
          {answer.ok && (
            <Pager
              first={cursor ? withQuery(INVALIDATIONS_PATH, { type, key }) : null}
              next={
                answer.data.next && withQuery(INVALIDATIONS_PATH, { type, key, cursor: answer.data.next })
              }
            />
          )}
        </Panel>
      </>
    ),
  }
}

function Log({
  items,
  isPlain,
  hasNext,
  now,
}: {
  items: Invalidation[]
  isPlain: boolean
  hasNext: boolean
  now: Date
}) {
  if (items.length === 0) {
    if (isPlain)
      return (
        <Empty title="The log is empty">
          Each write of content, media, users or configuration adds a row.
        </Empty>
      )
    return (
      <Empty title="Nothing here matches">
        {hasNext
          ? 'A page looks at 1,000 rows: go on to older ones below.'
          : 'Older rows may have been pruned, once nothing in any cache was from before them.'}
      </Empty>
    )
  }
  return (
    <Table
      caption="Invalidations, the newest first"
      rows={items}
      columns={[
        { title: 'Seq', isNumber: true, of: ({ seq }) => seq },
        {
          title: 'Cause',
          of: ({ type, payload, eventId }) => (
            <details class="inline">
              <summary class="whole">{type}</summary>
              <p class="small muted">
                Event <span class="mono">{eventId}</span>
              </p>
              <pre tabindex={0}>{pretty(payload)}</pre>
            </details>
          ),
        },
        { title: 'Patterns', of: (row) => <Patterns row={row} /> },
        {
          title: 'Reach',
          of: ({ swept, warmJobs }) => (
            <span class="small">
              {counted(warmJobs, 'warm job')}
              {swept > 0 && `, ${count(swept)} swept from KV`}
            </span>
          ),
        },
        { title: 'Committed', of: ({ createdAt }) => <Time at={createdAt} now={now} /> },
        {
          title: 'Processed',
          of: ({ processedAt, took }) =>
            processedAt === null ? (
              <Badge tone="warning">waits</Badge>
            ) : (
              <span class="small">
                after {duration((took.delivery ?? 0) + (took.processing ?? 0))}
                <span class="muted">
                  {' '}
                  ({duration(took.delivery)} to arrive, {duration(took.processing)} to process
                  {took.sweep !== null && `, ${duration(took.sweep)} of it swept`})
                </span>
              </span>
            ),
        },
      ]}
    />
  )
}

function Patterns({ row }: { row: Invalidation }) {
  const rest = row.patterns.slice(SHOWN)
  const more = row.patternCount - SHOWN
  const list = (patterns: string[]) => (
    <ul class="plain-list">
      {patterns.map((pattern) => (
        <li>
          <code>{pattern}</code>
        </li>
      ))}
    </ul>
  )
  return (
    <>
      {list(row.patterns.slice(0, SHOWN))}
      {more > 0 && (
        <details class="inline small">
          <summary>{more} more</summary>
          {list(rest)}
        </details>
      )}
    </>
  )
}

function Preview({ pattern, isHard, result }: { pattern: string; isHard: boolean; result: PreviewResult }) {
  if (!result.ok) return <Notice tone="critical">{result.error}</Notice>
  const { memory, kv, namespaces } = result
  const examples = [...new Set([...memory.keys, ...(kv?.keys ?? [])])].slice(0, 12)
  return (
    <div class="fields" id="preview">
      <h3>
        What <code>{pattern}</code> matches now
      </h3>
      <dl class="stats">
        <div class="stat">
          <dt>In this isolate's memory</dt>
          <dd class="figure">{count(memory.byKey + memory.byTag)}</dd>
          <dd class="beside">
            of {count(memory.total)}: {count(memory.byKey)} by key, {count(memory.byTag)} by tag
          </dd>
        </div>
        <div class="stat">
          <dt>In KV, by key</dt>
          <dd class="figure">
            {kv === null ? 'not told' : `${count(kv.found)}${kv.isAll ? '' : ' or more'}`}
          </dd>
          <dd class="beside">
            {kv === null
              ? 'KV does not answer'
              : `of ${count(kv.seen)} names looked at; a listing has no tags`}
          </dd>
        </div>
        <div class="stat">
          <dt>Namespaces</dt>
          <dd class="figure">{namespaces.length === 0 ? '–' : count(namespaces.length)}</dd>
          <dd class="beside">{namespaces.join(', ') || 'none that is cached here'}</dd>
        </div>
      </dl>
      {examples.length > 0 && (
        <details class="inline">
          <summary>Some of them</summary>
          <ul class="plain-list">
            {examples.map((key) => (
              <li>
                <a class="mono" href={withQuery(`${UI_PATH}/key`, { key })}>
                  {key}
                </a>
              </li>
            ))}
          </ul>
        </details>
      )}
      <form method="post" action={`${INVALIDATIONS_PATH}/send`} class="actions">
        <input type="hidden" name="pattern" value={pattern} />
        {isHard && <input type="hidden" name="hard" value="on" />}
        <button type="submit" class="primary">
          Send this invalidation
        </button>
        <a class="button" href={INVALIDATIONS_PATH}>
          Cancel
        </a>
      </form>
      <p class="hint">
        Other isolates have memories of their own, which obey as well. What is invalid is loaded again when it
        is next read: the broader the pattern, the more D1 has to do.
      </p>
    </div>
  )
}
