import * as v from 'valibot'
import { Act, Badge, Empty, type Figure, Figures, Panel, Table, Time, Trouble } from '../components.tsx'
import { Trends } from '../figures.ts'
import { count, counted, duration, NONE, percent, words } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'
import { JobChart } from './trend-charts.tsx'

const JobsByLane = v.record(
  v.string(),
  v.object({ outcomes: v.record(v.string(), v.number()), meanWaitMs: v.nullable(v.number()) }),
)
const Summary = v.object({
  lanes: JobsByLane,
  hits: v.object({ total: v.number(), onWarmed: v.number(), share: v.nullable(v.number()) }),
})
const Waiting = v.nullable(v.object({ waiting: v.number(), at: v.string() }))
const Warming = v.object({
  lastFiveMinutes: JobsByLane,
  lastHour: Summary,
  lastDay: Summary,
  popular: v.array(
    v.object({
      key: v.nullable(v.string()),
      recipe: v.object({ resource: v.string(), params: v.record(v.string(), v.unknown()) }),
      score: v.number(),
      costMs: v.number(),
    }),
  ),
  backlogs: v.object({ events: v.nullable(v.number()) }),
  laneBacklogs: v.object({ high: Waiting, low: Waiting }),
})

export async function warmingPage({ c, inner, now }: PageContext): Promise<PageContent> {
  const [answer, trends] = await Promise.all([
    inner.get(c, '/warming', Warming),
    inner.get(c, '/analytics/trends', Trends),
  ])
  const page = {
    path: `${UI_PATH}/warming`,
    title: 'Warming',
    says: 'What the consumer loads into KV ahead of its readers, and what it was good for.',
    poll: POLL.statistics,
  }
  if (!answer.ok) return { ...page, body: <Trouble refusal={answer} /> }
  const { lastFiveMinutes, lastHour, lastDay, popular, backlogs, laneBacklogs } = answer.data
  const failed = sumOf(lastHour.lanes, 'failed')
  return {
    ...page,
    body: (
      <>
        <div id="warming-figures" data-live="">
          <Figures
            figures={[
              {
                label: 'Jobs done',
                value: count(sumOf(lastFiveMinutes)),
                beside: 'in the last 5 minutes',
              },
              waitingIn('Waiting, high lane', laneBacklogs.high, now),
              waitingIn('Waiting, low lane', laneBacklogs.low, now),
              {
                label: 'Waiting, events',
                value: backlogs.events === null ? 'not told' : count(backlogs.events),
                beside: backlogs.events === null ? 'by the platform here' : 'whose jobs follow',
              },
              {
                label: 'Failed, last hour',
                value: count(failed),
                beside: failed === 0 ? 'none' : 'tried again up to 5 times, then a dead letter',
              },
              {
                label: 'Hits on what was warmed',
                value: percent(lastHour.hits.share),
                beside: `of ${counted(lastHour.hits.total, 'hit')}; last 24 h: ${percent(lastDay.hits.share)}`,
              },
            ]}
          />
        </div>
        {trends.ok ? <JobChart trends={trends.data} /> : <Trouble refusal={trends} />}
        <div class="two">
          <Lanes id="lanes-hour" title="Lanes, last hour" summary={lastHour} />
          <Lanes id="lanes-day" title="Lanes, last 24 hours" summary={lastDay} />
        </div>
        <Panel
          id="warm-all"
          title="Warm everything"
          says="A full warm-up under the consumer's settings: before traffic moves to a new version, say. It runs at the low priority and changes no data."
        >
          <div class="actions">
            <Act label="Start a full warm-up" action={`${UI_PATH}/warm`} isPrimary />
          </div>
        </Panel>
        <Panel
          id="popular"
          title="Popular keys"
          says="The most read of late, estimated from samples; a read counts half after twelve hours. These are warmed first."
          live
        >
          {popular.length === 0 ? (
            <Empty title="No popular keys yet">Isolates tell what they read every 10 to 60 seconds.</Empty>
          ) : (
            <Table
              caption="Popular keys"
              rows={popular}
              columns={[
                {
                  title: 'Key',
                  isWide: true,
                  of: ({ key, recipe }) =>
                    key === null ? (
                      <span class="muted">{recipe.resource}, which is no more</span>
                    ) : (
                      <a class="mono" href={withQuery(`${UI_PATH}/key`, { key })}>
                        {key}
                      </a>
                    ),
                },
                { title: 'Resource', of: ({ recipe }) => recipe.resource },
                { title: 'Reads, estimated', isNumber: true, of: ({ score }) => count(score) },
                { title: 'One load', isNumber: true, of: ({ costMs }) => duration(costMs) },
              ]}
            />
          )}
        </Panel>
      </>
    ),
  }
}

function sumOf(lanes: v.InferOutput<typeof JobsByLane>, only?: string): number {
  let sum = 0
  for (const { outcomes } of Object.values(lanes))
    for (const [outcome, times] of Object.entries(outcomes))
      if (only === undefined || outcome === only) sum += times
  return sum
}

/** What the consumer saw last of one of its queues. */
function waitingIn(label: string, seen: v.InferOutput<typeof Waiting>, now: Date): Figure {
  if (seen === null) return { label, value: NONE, beside: 'no batch so far' }
  return {
    label,
    value: count(seen.waiting),
    beside: (
      <>
        as of <Time at={seen.at} now={now} brief />
      </>
    ),
  }
}

function Lanes({
  id,
  title,
  summary,
}: {
  id: string
  title: string
  summary: v.InferOutput<typeof Summary>
}) {
  const rows = Object.entries(summary.lanes).toSorted(([a], [b]) => a.localeCompare(b))
  return (
    <Panel id={id} title={title} live>
      {rows.length === 0 ? (
        <Empty title="No warm jobs in this time">Writes and the schedule bring them.</Empty>
      ) : (
        <Table
          caption={title}
          rows={rows}
          columns={[
            { title: 'Lane', of: ([lane]) => <strong>{lane}</strong> },
            {
              title: 'Outcomes',
              of: ([, { outcomes }]) => (
                <span class="actions">
                  {Object.entries(outcomes).map(([outcome, times]) => (
                    <Badge tone={times > 0 && outcome === 'failed' ? 'critical' : 'plain'}>
                      {words(outcome)} {count(times)}
                    </Badge>
                  ))}
                </span>
              ),
            },
            { title: 'Mean wait', isNumber: true, of: ([, { meanWaitMs }]) => duration(meanWaitMs) },
          ]}
        />
      )}
    </Panel>
  )
}
