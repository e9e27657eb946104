import * as v from 'valibot'
import { Ask, Badge, Empty, Facts, Figures, Notice, Panel, Table, Time, Trouble } from '../components.tsx'
import { atMost, count, duration, NONE, pretty, setShare } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'

export const VERIFICATION_PATH = `${UI_PATH}/verification`

const DAY_MS = 86_400_000

const Checks = v.object({
  checks: v.number(),
  violations: v.number(),
  younger: v.number(),
  absent: v.optional(v.number()),
  upperLimit: v.nullable(v.number()),
})
const Span = v.object({ hits: Checks, delayed: Checks })
const Side = v.nullish(
  v.object({
    stamp: v.nullish(v.number()),
    seq: v.nullish(v.number()),
    etag: v.nullish(v.string()),
    found: v.nullish(v.boolean()),
    text: v.nullish(v.string()),
  }),
)
const Violation = v.object({
  id: v.union([v.number(), v.string()]),
  at: v.string(),
  kind: v.string(),
  key: v.string(),
  source: v.nullish(v.string()),
  requestId: v.nullish(v.string()),
  cause: v.string(),
  says: v.string(),
  maxStalenessMs: v.nullish(v.number()),
  served: Side,
  current: Side,
  row: v.nullish(
    v.object({
      seq: v.number(),
      pattern: v.nullish(v.string()),
      eventId: v.nullish(v.string()),
      type: v.nullish(v.string()),
    }),
  ),
})
const Verification = v.object({
  sample: v.number(),
  confidence: v.number(),
  lastHour: Span,
  lastDay: Span,
  violations: v.array(Violation),
  total: v.number(),
})

export async function verificationPage({ c, inner, now }: PageContext): Promise<PageContent> {
  const answer = await inner.get(c, '/verification', Verification)
  const page = {
    path: VERIFICATION_PATH,
    title: 'Verification',
    says: 'Hits are compared with D1 in the background, and what was written with what is served 5, 60 and 120 seconds later.',
    poll: POLL.statistics,
  }
  if (!answer.ok) return { ...page, body: <Trouble refusal={answer} /> }
  const { sample, confidence, lastHour, lastDay, violations, total } = answer.data
  const { hits } = lastDay
  // What was kept is known at once; the counts come with the isolate's next message, or die with it.
  const kept = violations.filter(({ at }) => now.getTime() - Date.parse(at) < DAY_MS).length
  const broken = Math.max(kept, hits.violations + lastDay.delayed.violations)
  return {
    ...page,
    body: (
      <>
        <div id="verdict" data-live="">
          {broken > 0 ? (
            <Notice tone="critical">
              <strong>The promise was broken.</strong> Read what happened below, then{' '}
              <code>docs/operations.md#violations</code>.
            </Notice>
          ) : sample === 0 ? (
            <Notice tone="warning">
              No hits are compared: <code>CACHE_VERIFY_SAMPLE</code> is 0. Set it to a share such as 0.001.
            </Notice>
          ) : hits.checks === 0 ? (
            <Notice tone="ok">
              Nothing was compared in the last 24 hours, so nothing is known of them. {setShare(sample)} of
              hits are.
            </Notice>
          ) : (
            <Notice tone="ok">
              No violation in {count(hits.checks)} checks: with {setShare(confidence)} confidence, at most{' '}
              {atMost(hits.upperLimit)} of hits are older than Δ allows.
            </Notice>
          )}
          <Figures
            figures={[
              {
                label: 'Hits compared, 24 h',
                value: count(hits.checks),
                beside: `last hour: ${count(lastHour.hits.checks)}`,
              },
              {
                label: 'Violations, 24 h',
                value: count(broken),
                beside: `among hits: ${count(hits.violations)}`,
              },
              {
                label: 'Wrong at most',
                value: atMost(hits.upperLimit),
                beside: `with ${setShare(confidence)} confidence`,
              },
              { label: 'Different within Δ', value: count(hits.younger), beside: 'allowed, and explained' },
              {
                label: 'Writes followed, 24 h',
                value: count(lastDay.delayed.checks),
                beside: `${count(lastDay.delayed.violations)} wrong, ${count(lastDay.delayed.absent)} not in KV`,
              },
              { label: 'Sampled', value: setShare(sample), beside: 'of all hits' },
            ]}
          />
        </div>
        <Panel id="violations" title={`Violations${total > 0 ? ` (${count(total)})` : ''}`} live>
          {violations.length === 0 ? (
            <Empty title="No violations">
              One would be here with both versions, and what the isolate knew when it answered.
            </Empty>
          ) : (
            <Table
              caption="Violations, the newest first"
              rows={violations}
              columns={[
                {
                  title: 'Key',
                  isWide: true,
                  of: ({ key }) => (
                    <a class="mono" href={withQuery(`${UI_PATH}/key`, { key })}>
                      {key}
                    </a>
                  ),
                },
                { title: 'Cause', of: ({ cause }) => <Badge tone="critical">{cause}</Badge> },
                { title: 'What happened', of: (one) => <Violated one={one} /> },
                { title: 'When', of: ({ at }) => <Time at={at} now={now} /> },
              ]}
            />
          )}
          {violations.length > 0 && (
            <div class="actions">
              <Ask
                label="Forget them…"
                confirm="Forget all violations"
                action={`${VERIFICATION_PATH}/forget`}
              >
                Once you know why: health is good again, and what is found from now on is new.
              </Ask>
            </div>
          )}
        </Panel>
      </>
    ),
  }
}

function Violated({ one }: { one: v.InferOutput<typeof Violation> }) {
  return (
    <details class="inline">
      <summary>{one.says}</summary>
      <Facts
        facts={[
          ['Kind', one.kind],
          ['Source', one.source ?? NONE],
          ['Δ', duration(one.maxStalenessMs)],
          ['Request', <span class="mono">{one.requestId ?? NONE}</span>],
          ['Row', one.row == null ? NONE : `seq ${one.row.seq}, ${one.row.type ?? 'unknown'}`],
        ]}
      />
      <h3>Served, stamp {one.served?.stamp ?? NONE}</h3>
      <pre tabindex={0}>{one.served?.text == null ? 'not shown' : pretty(one.served.text)}</pre>
      <h3>Current, seq {one.current?.seq ?? NONE}</h3>
      <pre tabindex={0}>{one.current?.text == null ? 'not shown' : pretty(one.current.text)}</pre>
    </details>
  )
}
