import { CACHE_CONFIGS } from '@freshet/cms'
import * as v from 'valibot'
import { Problem } from '../../http/problem.ts'
import { Ask, Badge, Facts, Figures, Panel, Table, Trouble } from '../components.tsx'
import { Counts, Stats, Trends } from '../figures.ts'
import { count, duration, percent } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'
import { BROWSER_PATH } from './browser.tsx'
import { ReadCharts, TimeCharts } from './trend-charts.tsx'

export const NAMESPACES_PATH = `${UI_PATH}/namespaces`

export async function namespacesPage({ c, inner }: PageContext): Promise<PageContent> {
  const stats = await inner.get(c, '/stats', Stats)
  const { isolate } = c.get('setup')
  const lastHour = stats.ok ? stats.data.fleet?.lastHour.namespaces : undefined
  const rows = Object.keys(CACHE_CONFIGS).map((name) => ({
    name,
    policy: isolate.policy(name),
    counts: lastHour?.[name],
  }))
  return {
    path: NAMESPACES_PATH,
    title: 'Namespaces',
    says: 'How each part of the content is cached, and how that went in the last hour, over all isolates.',
    poll: POLL.statistics,
    body: (
      <>
        {!stats.ok && <Trouble refusal={stats} />}
        <Panel id="namespaces" title="Policies and the last hour" live>
          <Table
            caption="Namespaces"
            rows={rows}
            columns={[
              {
                title: 'Namespace',
                of: ({ name, policy }) => (
                  <>
                    <a href={`${NAMESPACES_PATH}/${name}`}>
                      <strong>{name}</strong>
                    </a>{' '}
                    {policy.visibility === 'private' && <Badge>private</Badge>}
                  </>
                ),
              },
              { title: 'TTL', isNumber: true, of: ({ policy }) => duration(policy.ttl * 1000) },
              { title: 'Δ', isNumber: true, of: ({ policy }) => duration(policy.maxStalenessMs) },
              {
                title: 'Tiers',
                of: ({ policy }) =>
                  [policy.memoryEnabled && 'memory', policy.kvEnabled && 'KV'].filter(Boolean).join(' + ') ||
                  'none',
              },
              { title: 'Reads', isNumber: true, of: ({ counts }) => count(counts?.reads) },
              { title: 'Hit rate', isNumber: true, of: ({ counts }) => percent(counts?.hitRate) },
              { title: 'Loads', isNumber: true, of: ({ counts }) => count(counts?.loads) },
              {
                title: 'Load p50',
                isNumber: true,
                of: ({ counts }) => duration(counts?.latencyMs.load?.p50),
              },
              { title: 'Invalid', isNumber: true, of: ({ counts }) => count(counts?.invalidByFence) },
              { title: 'Queries saved', isNumber: true, of: ({ counts }) => count(counts?.saved.queries) },
            ]}
          />
        </Panel>
        <Panel
          id="clear"
          title="Clear everything"
          says="One row in the log. Until it is warm again, each first read of a key is a load from D1."
        >
          <div class="actions">
            <Ask label="Clear all namespaces…" confirm="Clear everything" action={`${UI_PATH}/clear`}>
              All that is cached becomes invalid in every isolate within Δ, and the consumer takes it out of
              KV. D1 has to load all of it again: on a busy site, rather clear one namespace.
            </Ask>
          </div>
        </Panel>
      </>
    ),
  }
}

const Detail = v.object({
  lastHour: v.nullable(Counts),
  lastDay: v.nullable(Counts),
})

export async function namespacePage({ c, inner }: PageContext, name: string): Promise<PageContent> {
  if (!Object.hasOwn(CACHE_CONFIGS, name)) throw new Problem(404, `There is no namespace ${name}.`)
  const [detail, trends] = await Promise.all([
    inner.get(c, `/stats/${name}`, Detail),
    inner.get(c, withQuery('/analytics/trends', { span: 'hour', namespace: name }), Trends),
  ])
  const policy = c.get('setup').isolate.policy(name)
  return {
    path: NAMESPACES_PATH,
    title: name,
    says: <a href={NAMESPACES_PATH}>All namespaces</a>,
    poll: POLL.statistics,
    body: (
      <>
        <div id="namespace-figures" data-live="">
          {detail.ok ? <Headline {...detail.data} /> : <Trouble refusal={detail} />}
        </div>
        {trends.ok ? (
          <>
            <ReadCharts trends={trends.data} />
            <TimeCharts trends={trends.data} deltaMs={policy.maxStalenessMs} />
          </>
        ) : (
          <Trouble refusal={trends} />
        )}
        <Panel
          id="policy"
          title="Policy"
          aside={policy.visibility === 'private' ? <Badge>private</Badge> : <Badge>public</Badge>}
        >
          <Facts
            facts={[
              ['Lifetime', `${duration(policy.ttl * 1000)}, spread by ±10 %`],
              ['Δ', duration(policy.maxStalenessMs)],
              ['Memory', policy.memoryEnabled ? 'yes' : 'no'],
              ['KV', policy.kvEnabled ? 'yes' : 'no'],
              [
                'While D1 fails',
                policy.staleIfErrorSeconds === 0
                  ? 'nothing stale is served'
                  : `served stale for up to ${duration(policy.staleIfErrorSeconds * 1000)} past its lifetime`,
              ],
              [
                'Invalidated by',
                <span class="actions">
                  {policy.invalidateOn.map((event) => (
                    <code>{event}</code>
                  ))}
                </span>,
              ],
            ]}
          />
        </Panel>
        <div class="actions">
          <a class="button" href={withQuery(BROWSER_PATH, { namespace: name })}>
            Browse its keys
          </a>
          <Ask label={`Clear ${name}…`} confirm={`Clear ${name}`} action={`${UI_PATH}/clear/${name}`}>
            All of it becomes invalid in every isolate within Δ, and the consumer takes it out of KV. What is
            read next is loaded from D1.
          </Ask>
        </div>
      </>
    ),
  }
}

function Headline({ lastHour, lastDay }: v.InferOutput<typeof Detail>) {
  return (
    <Figures
      figures={[
        {
          label: 'Hit rate',
          value: percent(lastHour?.hitRate),
          beside: `last 24 h: ${percent(lastDay?.hitRate)}`,
        },
        {
          label: 'Reads',
          value: count(lastHour?.reads ?? 0),
          beside: `last 24 h: ${count(lastDay?.reads ?? 0)}`,
        },
        {
          label: 'Loads',
          value: count(lastHour?.loads ?? 0),
          beside: `${count(lastHour?.loadErrors ?? 0)} failed`,
        },
        {
          label: 'Invalid by fence',
          value: count(lastHour?.invalidByFence ?? 0),
          beside: 'held, and refused',
        },
        { label: 'Evicted', value: count(lastHour?.evictions ?? 0), beside: 'to make room in memory' },
        {
          label: 'Staleness, p99',
          value: duration(lastHour?.stalenessMs?.p99),
          beside: `max ${duration(lastHour?.stalenessMs?.max)}`,
        },
      ]}
    />
  )
}
