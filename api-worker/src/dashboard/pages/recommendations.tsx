import * as v from 'valibot'
import { Badge, Empty, Facts, Panel, Trouble } from '../components.tsx'
import { count, percent, title as titleOf } from '../format.ts'
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
        items.map(({ title, severity, namespace, why, action, figures }, place) => (
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
            <Facts
              facts={Object.entries(figures).map(
                ([name, value]) => [titleOf(name), figureOf(name, value)] as const,
              )}
            />
          </Panel>
        ))
      ),
  }
}

function figureOf(name: string, value: number | null): string {
  if (/rate|share/i.test(name)) return percent(value)
  return value === null || Number.isInteger(value) || Math.abs(value) >= 100
    ? count(value)
    : value.toPrecision(3)
}
