import * as v from 'valibot'
import { Ask, Badge, Empty, Facts, Notice, Panel, Table, Time, Trouble } from '../components.tsx'
import { bytes, count, duration, NONE, pretty } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { withQuery } from '../paths.ts'
import { BROWSER_PATH, toneOf } from './browser.tsx'
import { INVALIDATIONS_PATH } from './invalidations.tsx'

const Tier = v.object({
  tier: v.string(),
  isAsked: v.boolean(),
  isHeld: v.boolean(),
  verdict: v.string(),
  tookMs: v.nullish(v.number(), null),
  stamp: v.nullish(v.number(), null),
  upTo: v.nullish(v.number(), null),
  epoch: v.nullish(v.string(), null),
  found: v.nullish(v.boolean(), null),
  etag: v.nullish(v.string(), null),
  tags: v.nullish(v.array(v.string()), null),
  bytes: v.nullish(v.number(), null),
  isWarmed: v.nullish(v.boolean(), null),
  reads: v.nullish(v.number(), null),
  loadedAt: v.nullish(v.string(), null),
  ageMs: v.nullish(v.number(), null),
  expiresAt: v.nullish(v.string(), null),
  remainingMs: v.nullish(v.number(), null),
  by: v.nullish(
    v.object({
      name: v.string(),
      is: v.string(),
      pattern: v.nullable(v.string()),
      seq: v.nullable(v.number()),
    }),
    null,
  ),
  value: v.nullish(v.object({ text: v.string(), isTruncated: v.boolean() }), null),
})
const Explained = v.object({
  key: v.string(),
  namespace: v.string(),
  isPrivate: v.boolean(),
  isServed: v.boolean(),
  policy: v.object({ ttl: v.number(), maxStalenessMs: v.number() }),
  fence: v.object({
    head: v.number(),
    floor: v.number(),
    patterns: v.number(),
    ageMs: v.nullable(v.number()),
    isFresh: v.boolean(),
  }),
  kvName: v.nullish(v.string(), null),
  tiers: v.array(Tier),
  newest: v.array(
    v.object({
      name: v.string(),
      is: v.string(),
      pattern: v.nullable(v.string()),
      seq: v.nullable(v.number()),
      isKnown: v.boolean(),
      event: v.nullable(
        v.object({
          id: v.string(),
          type: v.string(),
          createdAt: v.string(),
          processedAt: v.nullish(v.string(), null),
        }),
      ),
    }),
  ),
  log: v.nullable(v.object({ head: v.number(), unseen: v.number() })),
  decision: v.object({ source: v.nullable(v.string()), steps: v.array(v.string()) }),
})
type Explained = v.InferOutput<typeof Explained>

const SOURCES: Readonly<Record<string, string>> = {
  memory: 'this isolate’s memory',
  kv: 'Workers KV',
  database: 'D1, by a new load',
}

export async function keyPage({ c, inner, now }: PageContext): Promise<PageContent> {
  const key = (c.req.query('key') ?? '').trim()
  const page = { path: BROWSER_PATH, title: 'One key', says: <a href={BROWSER_PATH}>All keys</a> }
  const [namespace = '', ...rest] = key.split(':')
  if (rest.length === 0) {
    return {
      ...page,
      body: (
        <Notice tone="warning">
          A key is a namespace and what follows it, such as content:item:42. This is “{key}”.
        </Notice>
      ),
    }
  }
  const answer = await inner.get(
    c,
    `/browser/${encodeURIComponent(namespace)}/${encodeURIComponent(rest.join(':'))}`,
    Explained,
  )
  if (!answer.ok) return { ...page, body: <Trouble refusal={answer} /> }
  return {
    ...page,
    poll: POLL.rows,
    body: (
      <>
        <Answer about={answer.data} />
        <div class="two" id="tiers" data-live="">
          {answer.data.tiers.map((tier) => (
            <TierPanel tier={tier} isPrivate={answer.data.isPrivate} now={now} />
          ))}
        </div>
        <Panel
          id="newest"
          title="Newest invalidations"
          says="For the key and each tag of what the tiers hold: the newest pattern that matches. What was loaded before it is invalid."
          live
        >
          <Newest about={answer.data} now={now} />
        </Panel>
        <div class="actions">
          <Ask
            label="Invalidate this key…"
            confirm="Invalidate it"
            action={`${INVALIDATIONS_PATH}/send`}
            fields={{ pattern: answer.data.key }}
          >
            One row in the log: every isolate loads it anew from D1 within Δ.
          </Ask>
          <a class="button" href={withQuery(INVALIDATIONS_PATH, { key: answer.data.key })}>
            What has invalidated it
          </a>
        </div>
      </>
    ),
  }
}

function Answer({ about }: { about: Explained }) {
  const { key, decision, fence, log, policy, isServed, isPrivate } = about
  return (
    <Panel
      id="answer"
      title={key}
      aside={
        <span class="actions">
          {isPrivate && <Badge>private</Badge>}
          {!isServed && <Badge tone="warning">past the cache</Badge>}
        </span>
      }
      live
    >
      <p>
        A read now would be answered from <strong>{SOURCES[decision.source ?? ''] ?? 'nowhere'}</strong>.
      </p>
      <ol class="steps">
        {decision.steps.map((step) => (
          <li>{step}</li>
        ))}
      </ol>
      <Facts
        facts={[
          [
            'Δ',
            `${duration(policy.maxStalenessMs)}; the fence is ${fence.ageMs === null ? 'unknown' : duration(fence.ageMs)} old${fence.isFresh ? '' : ', so D1 is asked first'}`,
          ],
          [
            'Log',
            log === null
              ? 'D1 does not answer'
              : `at ${log.head}; this fence knows up to ${fence.head}${log.unseen > 0 ? `, ${count(log.unseen)} rows behind` : ''}`,
          ],
          ['Lifetime', duration(policy.ttl * 1000)],
          ...(about.kvName === null
            ? []
            : [['Name in KV', <span class="mono">{about.kvName}</span>] as const]),
        ]}
      />
    </Panel>
  )
}

function TierPanel({
  tier,
  isPrivate,
  now,
}: {
  tier: v.InferOutput<typeof Tier>
  isPrivate: boolean
  now: Date
}) {
  const title = tier.tier === 'kv' ? 'Workers KV' : 'Memory'
  return (
    <Panel
      id={`tier-${tier.tier}`}
      title={title}
      aside={<Badge tone={toneOf(tier.verdict)}>{tier.verdict}</Badge>}
    >
      {tier.isHeld ? (
        <>
          {tier.by !== null && (
            <Notice tone="warning">
              Invalid since <strong>seq {tier.by.seq}</strong>: its {tier.by.is} <code>{tier.by.name}</code>
              {tier.by.pattern === null ? (
                ', or a name that shares its place among those that were folded, was invalidated'
              ) : (
                <>
                  {' '}
                  is matched by <code>{tier.by.pattern}</code>
                </>
              )}
              .
            </Notice>
          )}
          <Facts
            facts={[
              ['Holds', tier.found === false ? 'that there is none' : 'a value'],
              [
                'Stamp',
                `${tier.stamp ?? NONE}${tier.upTo !== null && tier.upTo !== tier.stamp ? `, known valid up to ${tier.upTo}` : ''}`,
              ],
              ['Loaded', tier.loadedAt === null ? NONE : <Time at={tier.loadedAt} now={now} />],
              ['Life left', duration(tier.remainingMs)],
              ['Size', bytes(tier.bytes)],
              ...(tier.reads === null ? [] : [['Reads', count(tier.reads)] as const]),
              ...(tier.isWarmed ? [['Brought by', 'a warm job'] as const] : []),
              ['ETag', <span class="mono">{tier.etag ?? NONE}</span>],
              [
                'Tags',
                tier.tags === null || tier.tags.length === 0 ? (
                  NONE
                ) : (
                  <ul class="plain-list">
                    {tier.tags.map((tag) => (
                      <li>
                        <code>{tag}</code>
                      </li>
                    ))}
                  </ul>
                ),
              ],
            ]}
          />
          {isPrivate ? (
            <p class="muted">Its value is private: nobody’s to look at here.</p>
          ) : (
            tier.value !== null && (
              <>
                <h3>Value{tier.value.isTruncated && ', the beginning'}</h3>
                <pre tabindex={0}>{pretty(tier.value.text)}</pre>
              </>
            )
          )}
        </>
      ) : (
        <Empty title={tier.isAsked ? 'Not held' : 'Not asked'}>
          {tier.verdict === 'not used'
            ? 'The policy or a setting leaves this tier out.'
            : tier.verdict === 'unavailable'
              ? 'It does not answer. Reads go on without it.'
              : 'The next read that is loaded will put it here.'}
        </Empty>
      )}
    </Panel>
  )
}

function Newest({ about: { newest }, now }: { about: Explained; now: Date }) {
  if (newest.length === 0) return <Empty title="Nothing matches">No row of the log names this key.</Empty>
  return (
    <Table
      caption="Newest invalidations of the key and its tags"
      rows={newest}
      columns={[
        {
          title: 'Name',
          isWide: true,
          of: ({ name, is }) => (
            <>
              <code>{name}</code> <span class="muted small">({is})</span>
            </>
          ),
        },
        {
          title: 'Pattern',
          of: ({ pattern, seq }) =>
            pattern === null ? (
              <span class="muted">{seq === null ? 'none' : 'folded'}</span>
            ) : (
              <code>{pattern}</code>
            ),
        },
        { title: 'Seq', isNumber: true, of: ({ seq }) => seq ?? NONE },
        { title: 'Event', of: ({ event, seq }) => event?.type ?? (seq === null ? NONE : 'pruned') },
        { title: 'When', of: ({ event }) => <Time at={event?.createdAt ?? null} now={now} /> },
        {
          title: 'This fence',
          of: ({ isKnown, seq }) => (seq === null ? NONE : isKnown ? 'knows it' : 'has not seen it yet'),
        },
      ]}
    />
  )
}
