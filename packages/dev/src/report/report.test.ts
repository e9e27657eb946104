import { describe, expect, it } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../replay/http-client.ts'
import { chart } from './chart.ts'
import { report } from './report.ts'
import { parseReportOptions, REPORT_HELP } from './report-options.ts'

const local = { email: 'admin@example.com', password: 'secret' }

describe('the command line', () => {
  it('knows the local administrator, and where the report goes', () => {
    expect(parseReportOptions([], {}, local)).toEqual({
      help: false,
      out: null,
      url: 'http://localhost:8787',
      ...local,
    })
    expect(parseReportOptions(['--out', 'report.md'], {}, local).out).toBe('report.md')
    expect(() => parseReportOptions(['--url', 'https://api.example.com'], {}, local)).toThrow(
      'set FRESHET_EMAIL and FRESHET_PASSWORD to an administrator of api.example.com',
    )
    expect(parseReportOptions(['--help', '--url', 'https://api.example.com'], {}, local).help).toBe(true)
  })
})

describe('a chart', () => {
  it('ends now, has room above the highest, and draws what it does not know like the step before', () => {
    const series = [
      { kind: 'bar' as const, values: [1, 2 / 3, 8] },
      { kind: 'line' as const, values: [null, 5, undefined] },
    ]
    expect(chart('Reads', 'hours', 'n', series)).toBe(`\`\`\`mermaid
xychart-beta
  title "Reads"
  x-axis "hours ago" -2 --> 0
  y-axis "n" 0 --> 8.4
  bar [1, 0.667, 8]
  line [5, 5, 5]
\`\`\``)
  })

  it('of nothing but zeros, or of nothing, still has a height', () => {
    expect(chart('Nothing', 'hours', 'n', [{ kind: 'line', values: [0] }])).toContain('0 --> 1\n')
    expect(chart('Nothing', 'hours', 'n', [{ kind: 'line', values: [null] }])).toContain('line [0]')
  })
})

describe('a report', () => {
  const quantiles = { count: 9, p50: 4, p95: 9, p99: 12.5, max: 140 }
  const figures = {
    reads: 1_200,
    memoryHits: 900,
    kvHits: 120,
    misses: 180,
    stale: 0,
    bypasses: 3,
    hitRate: 0.85,
    loads: 150,
    loadErrors: 1,
    invalidByFence: 7,
    fenceLagMs: { ...quantiles, p99: 3_967.5 },
    latencyMs: { kvRead: null, load: quantiles },
    saved: { queries: 850, rowsUsd: 0.000001, spentUsd: 0.0025, usd: -0.002499 },
  }
  const total = {
    ...figures,
    latencyMs: { ...figures.latencyMs, refresh: quantiles },
    isolates: 2.04,
    d1: { queries: 400, errors: 0, refreshes: 50 },
  }
  const span = {
    from: '2026-11-21T10:00:00.000Z',
    to: '2026-11-22T10:00:00.000Z',
    total,
    namespaces: { user: { ...figures, reads: 5, fenceLagMs: null }, content: figures },
  }
  const point = (i: number, reads: number) => ({
    at: new Date(Date.UTC(2026, 10, 22, 10, i)).toISOString(),
    reads,
    memoryHits: reads,
    kvHits: 0,
    misses: 0,
    hitRate: reads === 0 ? null : 1,
    loadMs: reads === 0 ? null : { p50: 5, p99: 9 },
    kvReadMs: null,
    stalenessMs: null,
    savedQueries: reads,
  })
  const advice = { severity: 'advice', title: 'A title', why: 'A reason.', action: 'An action.' }
  const analytics = {
    lastHour: span,
    lastDay: span,
    lastWeek: span,
    topKeys: [
      { key: 'content:item:a|b', score: 12.4, share: 0.5, costMs: 3.14 },
      { key: null, score: 1, share: 0.04, costMs: 0 },
    ],
    recommendations: [advice],
  }

  const none = { checks: 0, violations: 0, upperLimit: null }
  const verification = {
    sample: 0.001,
    confidence: 0.95,
    lastHour: { hits: none, delayed: none },
    lastDay: {
      hits: { checks: 2_995, violations: 0, upperLimit: 0.00099975 },
      delayed: { checks: 60, violations: 1, upperLimit: 0.0765 },
    },
    total: 1,
  }

  async function run(
    data: unknown,
    points: readonly unknown[],
    options: { out?: string; help?: boolean } = {},
  ) {
    const lines: string[] = []
    const saved: [string, string][] = []
    const answer = (body: unknown, status = 200): HttpAnswer => ({
      status,
      headers: {},
      body: JSON.stringify({ data: body }),
    })
    const send = async (url: string, { headers }: HttpRequest = {}) => {
      const path = new URL(url).pathname
      if (path === '/auth/login') return answer({ token: 't' })
      expect(headers).toEqual({ authorization: 'Bearer t' })
      if (path === '/admin/cache/analytics') return data === null ? answer('no', 503) : answer(data)
      if (path === '/admin/cache/stats/content') return answer({ policy: { maxStalenessMs: 5_000 } })
      if (path === '/admin/cache/verification') return answer(verification)
      if (path === '/admin/cache/stats/user') return answer({ policy: { maxStalenessMs: 1_000 } })
      return answer({ points })
    }
    const given = { help: options.help ?? false, out: options.out ?? null, url: 'http://api:1', ...local }
    const context = {
      http: { send },
      write: (line: string) => lines.push(line),
      save: async (file: string, text: string) => {
        saved.push([file, text])
      },
    }
    const status = await report(given, context)
    return { status, lines, saved }
  }

  it('says what the statistics say', async () => {
    const { status, lines } = await run(
      analytics,
      [0, 3, 4, 0, 5, 6, 7].map((reads, i) => point(i, reads)),
    )
    expect(status).toBe(0)
    const [text = ''] = lines
    expect(text).toContain('# How the cache of api:1 does\n\nAs of 2026-11-22T10:00:00.000Z.')
    expect(text).toContain('| hit rate | 85.0 % | 85.0 % | 85.0 % |')
    expect(text).toContain('| D1 queries, saved / made | 850 / 400 |')
    expect(text).toContain('| a load takes, p50 / p99 | 4 ms / 12.5 ms |')
    expect(text).toContain('| a read of KV, p50 / p99 | – |')
    expect(text).toContain('| rows not read, less KV and queues | −$0.0025 |')
    // The most read namespace first, its fence against its Δ.
    expect(text).toMatch(
      /\| `content` \| 1,200 .* \| 3,968 ms \/ 5,000 ms \| 850 \|\n\| `user` \| 5 .* \| – \/ 1,000 ms \|/,
    )
    expect(text).toContain('| `content:item:a\\|b` | 12 | 50.0 % | 3.1 ms |')
    expect(text).toContain('0.1 % of the hits are compared. **1 violation is kept:')
    expect(text).toContain('| hits compared with D1, last hour | 0 | 0 | – |')
    expect(text).toContain('| hits compared with D1, last 24 h | 2,995 | 0 | 0.1 % |')
    expect(text).toContain('| writes followed, last 24 h | 60 | 1 | 7.7 % |')
    expect(text).toContain('- **A title** (advice). A reason. An action.')
    expect(text.match(/```mermaid/g)).toHaveLength(8)
    // A step without reads has no hit rate, and is no zero.
    expect(text).toContain('line [100, 100, 100, 100, 100, 100, 100]')
    expect(text).toContain('bar [0, 3, 4, 0, 5, 6, 7]')
  })

  it('of an idle system has no charts', async () => {
    const idle = {
      ...analytics,
      lastDay: {
        ...span,
        namespaces: {},
        total: { ...total, reads: 0, hitRate: null, saved: { ...figures.saved, usd: 0 } },
      },
      topKeys: [],
      recommendations: [],
    }
    const { lines } = await run(
      idle,
      [0, 0].map((reads, i) => point(i, reads)),
    )
    expect(lines[0]).not.toContain('mermaid')
    expect(lines[0]).toContain('Nothing was read.')
    expect(lines[0]).toContain('| −$0.0025 | $0 | −$0.0025 |')
    expect(lines[0]).toContain('Nothing, by these figures.')
  })

  it('goes to a file', async () => {
    const { lines, saved } = await run(analytics, [], { out: 'report.md' })
    expect(lines).toEqual(['written to report.md'])
    expect(saved).toEqual([['report.md', expect.stringContaining('# How the cache')]])
  })

  it('says who did not answer', async () => {
    await expect(run(null, [])).rejects.toThrow('GET /admin/cache/analytics answered 503')
  })

  it('explains itself', async () => {
    expect((await run(null, [], { help: true })).lines).toEqual([REPORT_HELP])
  })
})
