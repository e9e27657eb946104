import { CACHE_CONFIGS } from '@freshet/cms'
import * as v from 'valibot'
import { ADMIN_PATH } from '../../http/admin.ts'
import { Badge, Empty, Figures, Notice, Panel, Table, type Tone, Trouble } from '../components.tsx'
import { mostIsolates, SPANS, Stats, Trends } from '../figures.ts'
import { bytes, count, counted, dollars, duration, NONE, percent, title, words } from '../format.ts'
import { type PageContent, type PageContext, POLL } from '../page.tsx'
import { UI_PATH, withQuery } from '../paths.ts'
import { ReadCharts, TimeCharts } from './trend-charts.tsx'

const Health = v.object({
  status: v.string(),
  checks: v.array(
    v.object({
      name: v.string(),
      status: v.string(),
      value: v.nullish(v.union([v.number(), v.string()]), null),
      unit: v.nullish(v.string(), null),
      thresholds: v.nullish(
        v.object({ warning: v.nullish(v.number(), null), critical: v.nullish(v.number(), null) }),
        null,
      ),
      runbook: v.nullish(v.string(), null),
      says: v.nullish(v.string(), null),
    }),
  ),
})

export async function overviewPage({ c, inner }: PageContext): Promise<PageContent> {
  const span = SPANS.find((one) => one === c.req.query('span')) ?? 'hour'
  const [stats, trends, health] = await Promise.all([
    inner.get(c, '/stats', Stats),
    inner.get(c, withQuery('/analytics/trends', { span }), Trends),
    inner.get(c, '/health', Health),
  ])
  const isolate = c.get('setup').isolate
  const deltaMs = Math.max(...Object.keys(CACHE_CONFIGS).map((name) => isolate.policy(name).maxStalenessMs))
  return {
    path: ADMIN_PATH,
    title: 'Overview',
    says: 'All isolates together. They tell what they count every 10 to 60 seconds.',
    poll: POLL.statistics,
    body: (
      <>
        <div id="health-line" data-live="">
          {health.ok ? (
            <HealthLine status={health.data.status} checks={health.data.checks} />
          ) : (
            <Trouble refusal={health} />
          )}
        </div>
        <div id="figures" data-live="">
          {stats.ok ? (
            <Headline
              fleet={stats.data.fleet}
              deltaMs={deltaMs}
              isolates={trends.ok ? mostIsolates(trends.data) : null}
            />
          ) : (
            <Trouble refusal={stats} />
          )}
        </div>
        <nav class="tabs" aria-label="Span of the charts">
          {SPANS.map((one) => (
            <a
              href={withQuery(ADMIN_PATH, { span: one === 'hour' ? null : one })}
              {...(one === span && { 'aria-current': 'true' as const })}
            >
              Last {one}
            </a>
          ))}
        </nav>
        {trends.ok ? (
          <>
            <ReadCharts trends={trends.data} />
            <TimeCharts trends={trends.data} deltaMs={deltaMs} />
          </>
        ) : (
          <Trouble refusal={trends} />
        )}
        {stats.ok && <IsolatePanel stats={stats.data} />}
        <Panel
          id="health"
          title="Health"
          says="Each check, what it finds, and past which figure it would be a warning or critical."
          live
        >
          {health.ok ? <Checks checks={health.data.checks} /> : <Empty title="Not known">See above.</Empty>}
        </Panel>
      </>
    ),
  }
}

type Checks = v.InferOutput<typeof Health>['checks']

function toneOfHealth(status: string): Tone {
  return status === 'ok' || status === 'warning' || status === 'critical' ? status : 'plain'
}

function HealthLine({ status, checks }: { status: string; checks: Checks }) {
  const bad = checks.filter((one) => one.status === 'warning' || one.status === 'critical')
  if (bad.length === 0)
    return <Notice tone="ok">Healthy: {counted(checks.length, 'check')}, all well.</Notice>
  return (
    <Notice tone={status === 'critical' ? 'critical' : 'warning'}>
      <strong>{status === 'critical' ? 'Critical' : 'Warning'}:</strong>{' '}
      {bad.map((one) => one.says ?? words(one.name)).join('; ')}. <a href="#health">What to do</a>
    </Notice>
  )
}

function IsolatePanel({ stats: { total, memory, fence } }: { stats: v.InferOutput<typeof Stats> }) {
  return (
    <Panel
      id="isolate"
      title="The isolate that answers"
      says="What it has counted itself since it started, up to this moment. Another one may answer next."
      live
    >
      <Figures
        figures={[
          {
            label: 'Hit rate',
            value: <span id="isolate-hit-rate">{percent(total.hitRate)}</span>,
            beside: `${count(total.memoryHits)} memory, ${count(total.kvHits)} KV, ${count(total.misses)} D1`,
          },
          {
            label: 'Memory',
            value: bytes(memory.bytes),
            beside: `${count(memory.entries)} ${memory.entries === 1 ? 'entry' : 'entries'}, ${count(memory.evictions)} evicted`,
          },
          {
            label: 'Fence',
            value: fence.ageMs === null ? 'not asked yet' : duration(fence.ageMs),
            beside: `old; at seq ${fence.head}, ${counted(fence.patterns, 'pattern')}`,
          },
        ]}
      />
    </Panel>
  )
}

function Headline({
  fleet,
  deltaMs,
  isolates,
}: {
  fleet: v.InferOutput<typeof Stats>['fleet']
  deltaMs: number
  isolates: number | null
}) {
  if (fleet === null) {
    return (
      <Notice tone="critical">
        D1 does not answer, so the figures of all isolates are not known. Reads go on.
      </Notice>
    )
  }
  const { lastHour, lastDay } = fleet
  const { total } = lastHour
  return (
    <Figures
      figures={[
        {
          label: 'Hit rate',
          value: <span id="hit-rate">{percent(total.hitRate)}</span>,
          beside: `last 24 h: ${percent(lastDay.total.hitRate)}`,
        },
        {
          label: 'Reads',
          value: <span id="reads">{count(total.reads)}</span>,
          beside: `${count(total.memoryHits)} memory, ${count(total.kvHits)} KV`,
        },
        {
          label: 'Loads from D1',
          value: count(total.loads),
          beside:
            total.latencyMs.load === null
              ? 'none timed'
              : `p50 ${duration(total.latencyMs.load.p50)}, p99 ${duration(total.latencyMs.load.p99)}`,
        },
        {
          label: 'D1 queries saved',
          value: count(total.saved.queries),
          beside: `last 24 h: ${count(lastDay.total.saved.queries)}`,
        },
        {
          label: 'Money saved, last 24 h',
          value: dollars(lastDay.total.saved.usd),
          beside: `${dollars(lastDay.total.saved.rowsUsd)} less for D1, ${dollars(lastDay.total.saved.spentUsd)} for KV and queues`,
        },
        {
          label: 'Staleness, p99',
          value: duration(total.stalenessMs?.p99),
          beside: `max ${duration(total.stalenessMs?.max)}, Δ ${duration(deltaMs)}`,
        },
        {
          label: 'Served stale',
          value: count(total.stale),
          beside: 'labelled, while D1 failed',
        },
        {
          label: 'Isolates',
          value: count(isolates),
          beside: 'told of themselves, at most at once',
        },
      ]}
    />
  )
}

function Checks({ checks }: { checks: Checks }) {
  return (
    <Table
      caption="Health checks"
      rows={checks}
      columns={[
        { title: 'Check', of: ({ name }) => <strong>{title(name)}</strong> },
        { title: 'Status', of: ({ status }) => <Badge tone={toneOfHealth(status)}>{status}</Badge> },
        { title: 'Says', of: ({ says }) => says ?? NONE },
        {
          title: 'Warning over',
          isNumber: true,
          of: ({ thresholds, unit }) => threshold(thresholds?.warning, unit),
        },
        {
          title: 'Critical over',
          isNumber: true,
          of: ({ thresholds, unit }) => threshold(thresholds?.critical, unit),
        },
        { title: 'Runbook', of: ({ runbook, name }) => <Runbook runbook={runbook} name={name} /> },
      ]}
    />
  )
}

/** A threshold with its unit, which is a time or what is counted. */
function threshold(value: number | null | undefined, unit: string | null): string {
  if (value == null) return NONE
  if (unit === 'ms') return duration(value)
  return unit === 's' ? duration(value * 1000) : count(value)
}

/** Where in the repository the section is; for dead letters and the like there is a page here as well. */
function Runbook({ runbook, name }: { runbook: string | null; name: string }) {
  const page = {
    deadLetters: 'dead-letters',
    verification: 'verification',
    oldestUnprocessed: 'invalidations',
  }[name]
  return (
    <span class="small">
      {page !== undefined && (
        <>
          <a href={`${UI_PATH}/${page}`}>Look</a> ·{' '}
        </>
      )}
      <code>{runbook ?? NONE}</code>
    </span>
  )
}
