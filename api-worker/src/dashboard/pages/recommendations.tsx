import * as v from 'valibot'
import { Badge, Empty, Facts, Panel, Table, Trouble } from '../components.tsx'
import { bytes, count, dollars, duration, percent, title as titleOf } from '../format.ts'
import type { PageContent, PageContext } from '../page.tsx'
import { UI_PATH } from '../paths.ts'

const Recommendations = v.object({
  from: v.string(),
  to: v.string(),
  items: v.array(
    v.object({
      kind: v.string(),
      namespace: v.nullable(v.string()),
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
        items.map(({ title, severity, namespace, why, action, figures, patterns }, place) => (
          <Panel
            id={`advice-${place}`}
            title={title}
            aside={
              <span class="actions">
                {namespace !== null && <Badge>{namespace}</Badge>}
                <Badge tone={severity === 'warning' ? 'warning' : 'plain'}>{severity}</Badge>
              </span>
            }
          >
            <p>{why}</p>
            <p>
              <strong>Do:</strong> {action}
            </p>
            <Facts facts={Object.entries(figures).map(([name, value]) => factOf(name, value))} />
            {patterns.length > 0 && (
              <Table
                caption="Patterns with wildcards that meet it"
                rows={patterns}
                columns={[
                  {
                    title: 'Pattern of the newest events',
                    isWide: true,
                    of: ({ pattern }) => <code>{pattern}</code>,
                  },
                  { title: 'Events', isNumber: true, of: ({ events }) => count(events) },
                ]}
              />
            )}
          </Panel>
        ))
      ),
  }
}

/** A figure with its unit, which its name ends with: `ttlSeconds` is a lifetime, `spentUsd` money. */
function factOf(name: string, value: number | null): readonly [string, string] {
  if (name.endsWith('Usd')) return [titleOf(name.slice(0, -3)), dollars(value)]
  if (name.endsWith('Seconds')) return [titleOf(name.slice(0, -7)), duration(value && value * 1000)]
  if (name.endsWith('Bytes')) return [titleOf(name.slice(0, -5)), bytes(value)]
  return [titleOf(name), /rate|share/i.test(name) ? percent(value) : count(value)]
}
