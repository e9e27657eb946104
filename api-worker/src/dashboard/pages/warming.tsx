import * as v from 'valibot'
import { Act, Badge, Empty, Figures, Panel, Table, Trouble } from '../components.tsx'
import { count, duration, percent, words } from '../format.ts'
import type { PageContent, PageContext } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'

const Summary = v.object({
  lanes: v.record(
    v.string(),
    v.object({ outcomes: v.record(v.string(), v.number()), meanWaitMs: v.nullable(v.number()) }),
  ),
  hits: v.object({ total: v.number(), onWarmed: v.number(), share: v.nullable(v.number()) }),
})
const Warming = v.object({
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
  backlogs: v.record(v.string(), v.nullable(v.number())),
})

/** Outcomes that somebody should look into. */
const TROUBLE = ['failed', 'dead', 'timeout', 'error']

export async function warmingPage({ c, inner }: PageContext): Promise<PageContent> {
  const answer = await inner.get(c, '/warming', Warming)
  const page = {
    path: `${UI_PATH}/warming`,
    title: 'Warming',
    says: 'What the consumer loads into KV ahead of its readers, and what it was good for.',
    poll: 5,
  }
  if (!answer.ok) return { ...page, body: <Trouble refusal={answer} /> }
  const { lastHour, lastDay, popular, backlogs } = answer.data
  return {
    ...page,
    body: (
      <>
        <div id="warming-figures" data-live="">
          <Figures
            figures={[
              {
                label: 'Hits on what was warmed',
                value: percent(lastHour.hits.share),
                beside: `of ${count(lastHour.hits.total)} hits in the last hour`,
              },
              {
                label: 'The same, last 24 h',
                value: percent(lastDay.hits.share),
                beside: `of ${count(lastDay.hits.total)} hits`,
              },
              ...Object.entries(backlogs).map(([queue, waiting]) => ({
                label: `Backlog of cache-${queue}`,
                value: waiting === null ? 'not told' : count(waiting),
                beside: waiting === null ? 'by the platform here' : 'messages wait',
              })),
            ]}
          />
        </div>
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
          says="The most read of late; a read counts half after twelve hours. These are warmed first."
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
                { title: 'Reads, decayed', isNumber: true, of: ({ score }) => count(score) },
                { title: 'One load', isNumber: true, of: ({ costMs }) => duration(costMs) },
              ]}
            />
          )}
        </Panel>
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
                    <Badge tone={times > 0 && TROUBLE.includes(outcome) ? 'critical' : 'plain'}>
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
