import * as v from 'valibot'
import { Badge, Empty, Facts, Panel, Trouble } from '../components.tsx'
import { bytes, count, counted, dollars, duration, percent, title as titleOf } from '../format.ts'
import type { PageContent, PageContext } from '../page.tsx'
import { UI_PATH } from '../paths.ts'

const Recommendations = v.object({
  from: v.string(),
  to: v.string(),
  items: v.array(
    v.object({
      kind: v.string(),
      severity: v.string(),
      title: v.string(),
      why: v.string(),
      action: v.string(),
      figures: v.record(v.string(), v.nullable(v.number())),
      patterns: v.optional(v.array(v.object({ pattern: v.string(), events: v.number() })), []),
    }),
  ),
})

export async function recommendationsPage({ c, inner }: PageContext): Promise<PageContent> {
  const answer = await inner.get(c, '/analytics/recommendations', Recommendations)
  const page = {
    path: `${UI_PATH}/recommendations`,
    title: 'Recommendations',
    says: 'What could be set better, with the figures that say so.',
  }
  if (!answer.ok) return { ...page, body: <Trouble refusal={answer} /> }
  const { items } = answer.data
  return {
    ...page,
    body:
      items.length === 0 ? (
        <Empty title="Nothing to change">
          Namespaces that gain little, lifetimes shorter than re-use, entries that are too large or never read
          again, and patterns that invalidate more than they change would be here.
        </Empty>
      ) : (
        items.map(({ title, severity, why, action, figures, patterns }, place) => (
          <Panel
            id={`advice-${place}`}
            title={title}
            aside={<Badge tone={severity === 'warning' ? 'warning' : 'plain'}>{severity}</Badge>}
          >
            <p>{why}</p>
            <p>
              <strong>Do:</strong> {action}
            </p>
            <Facts facts={Object.entries(figures).map(([name, value]) => factOf(name, value))} />
            {patterns.length > 0 && (
              <div class="fields">
                <h3>Wildcards of the newest events that meet it</h3>
                <ul class="plain-list">
                  {patterns.map(({ pattern, events }) => (
                    <li>
                      <code>{pattern}</code> in {counted(events, 'event')}
                    </li>
                  ))}
                </ul>
              </div>
            )}
          </Panel>
        ))
      ),
  }
}

/** What figures are called here, where their names of the JSON surface say too little. */
const LABELS: Readonly<Record<string, string>> = {
  savedQueries: 'D1 queries saved',
  invalidByFence: 'Invalidated',
  reloadedSame: 'Loaded again unchanged',
  sameShare: 'That is',
  expiredShare: 'Of the misses',
  ttlSeconds: 'Lifetime',
  kvWrites: 'Writes to KV',
  kvHits: 'Hits in KV',
  reReadShare: 'Read again',
  spentUsd: 'Spent on KV',
  refused: 'Refused by memory',
  meanBytes: 'Size of a value',
  filled: 'Values that came in',
  evictedShare: 'Evicted, of them',
}

/** A figure with its unit, which its name ends with: `ttlSeconds` is a lifetime, `spentUsd` money. */
function factOf(name: string, value: number | null): readonly [string, string] {
  return [LABELS[name] ?? titleOf(name), figureOf(name, value)]
}

function figureOf(name: string, value: number | null): string {
  if (name.endsWith('Usd')) return dollars(value)
  if (name.endsWith('Seconds')) return duration(value && value * 1000)
  if (name.endsWith('Bytes')) return bytes(value)
  return /rate|share/i.test(name) ? percent(value) : count(value)
}
