import { describe, expect, it } from 'vitest'
import { type Measured, openMetrics } from './open-metrics.ts'

interface Family {
  type: string
  unit: string | undefined
  help: string | undefined
  samples: { name: string; labels: Record<string, string>; value: number }[]
}

const SUFFIXES: Record<string, readonly string[]> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
}

/** Reads OpenMetrics text as its specification has it, as far as it is used here. @throws where it is broken */
function parse(text: string): Map<string, Family> {
  expect(text.endsWith('\n# EOF\n')).toBe(true)
  const families = new Map<string, Family>()
  let family: Family | undefined
  let current = ''
  const closed = new Set<string>()
  for (const line of text.split('\n').slice(0, -2)) {
    const [, word, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line) ?? []
    if (word === 'TYPE') {
      expect(families.has(name)).toBe(false)
      family = { type: rest, unit: undefined, help: undefined, samples: [] }
      families.set(name, family)
      current = name
      continue
    }
    if (family === undefined) throw new Error(`no family yet: ${line}`)
    if (word !== undefined) {
      expect(name).toBe(current)
      expect(family.samples).toEqual([])
      if (word === 'UNIT') family.unit = rest
      else family.help = rest
      continue
    }
    const [, sample = '', inner = '', value = ''] =
      /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(line) ?? []
    const labels: Record<string, string> = {}
    for (const [, label = '', quoted = ''] of inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)) {
      expect(labels).not.toHaveProperty(label)
      labels[label] = quoted.replaceAll('\\"', '"').replaceAll('\\\\', '\\')
    }
    expect([line, SUFFIXES[family.type]?.map((suffix) => current + suffix).includes(sample)]).toEqual([
      line,
      true,
    ])
    // All samples of one metric stand together.
    const metric = JSON.stringify([current, { ...labels, le: undefined }])
    const last = family.samples.at(-1)
    if (last !== undefined && metric !== JSON.stringify([current, { ...last.labels, le: undefined }]))
      closed.add(JSON.stringify([current, { ...last.labels, le: undefined }]))
    expect([line, closed.has(metric)]).toEqual([line, false])
    family.samples.push({ name: sample, labels, value: Number(value) })
  }
  return families
}

const SINCE = 1_700_000_000_000
const measured: Measured = {
  sums: {
    content: {
      memoryHits: 7,
      misses: 2,
      loads: 2,
      loadBytes: 1_000,
      kvReads: 3,
      'load.0': 1,
      'load.5': 2,
      'load.9': 1,
    },
    user: { memoryHits: 1 },
    'made "up"\\': { kvHits: 4 },
    other1: { kvHits: 5 },
    '*': {
      d1Queries: 11,
      refreshes: 3,
      'refresh.4': 3,
      kvErrors: 1,
      verifyChecks: 40,
      delayedChecks: 3,
      delayedViolations: 1,
    },
  },
  since: SINCE,
  namespaces: { content: 5_000, user: 5_000, session: 1_000 },
  events: { processed: 9, dead: 1 },
  warmJobs: { loaded: 3, 'not found': 1 },
  pipeline: null,
  backlogs: { 'cache-events': 4, 'cache-stats': null },
  isolates: 2.5,
  now: SINCE + 60_000,
}

describe('the fleet as OpenMetrics', () => {
  const families = parse(openMetrics(measured))
  const sample = (name: string, labels: Record<string, string> = {}) =>
    [...families.values()]
      .flatMap(({ samples }) => samples)
      .find((one) => one.name === name && JSON.stringify(one.labels) === JSON.stringify(labels))?.value

  it('has a type and a help for each family, and its unit as its last word', () => {
    expect(families.size).toBeGreaterThan(20)
    for (const [name, { help, unit, type, samples }] of families) {
      expect(help).toMatch(/\.$/)
      expect(samples.length).toBeGreaterThan(0)
      if (unit !== undefined) expect(name.endsWith(`_${unit}`)).toBe(true)
      if (type === 'histogram') expect(unit).toBe('seconds')
    }
  })

  it('tells what was counted', () => {
    expect(sample('freshet_reads_total', { namespace: 'content', outcome: 'memory_hit' })).toBe(7)
    expect(sample('freshet_reads_created', { namespace: 'content', outcome: 'memory_hit' })).toBe(
      SINCE / 1000,
    )
    expect(sample('freshet_kv_operations_total', { namespace: 'content', operation: 'read' })).toBe(3)
    expect(sample('freshet_d1_queries_total')).toBe(11)
    expect(sample('freshet_warm_jobs_total', { outcome: 'not found' })).toBe(1)
    expect(sample('freshet_events_total', { outcome: 'dead' })).toBe(1)
    expect(sample('freshet_verification_checks_total', { kind: 'hit' })).toBe(40)
    expect(sample('freshet_violations_total', { kind: 'hit' })).toBe(0)
    expect(sample('freshet_violations_total', { kind: 'delayed' })).toBe(1)
    expect(sample('freshet_isolates')).toBe(2.5)
    expect(sample('freshet_max_staleness_seconds', { namespace: 'session' })).toBe(1)
    expect(sample('freshet_queue_backlog', { queue: 'cache-events' })).toBe(4)
  })

  it('has buckets that grow to their count', () => {
    const of = families
      .get('freshet_load_seconds')
      ?.samples.filter(({ labels }) => labels.namespace === 'content')
    const buckets = of?.filter(({ labels }) => labels.le !== undefined) ?? []
    expect(buckets.slice(0, 5).map(({ labels, value }) => [labels.le, value])).toEqual([
      ['0.001', 1],
      ['0.002', 1],
      ['0.004', 1],
      ['0.008', 3],
      ['0.016', 4],
    ])
    expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' }, value: 4 })
    expect(sample('freshet_load_seconds_count', { namespace: 'content' })).toBe(4)
    expect(sample('freshet_load_seconds_sum', { namespace: 'content' })).toBeCloseTo(0.019)
    expect(sample('freshet_fence_refresh_seconds_count')).toBe(3)
  })

  it('has no more labels than there are policies, whatever namespaces there are', () => {
    const names = new Set(families.get('freshet_reads')?.samples.map(({ labels }) => labels.namespace))
    expect(names).toEqual(new Set(['content', 'user', 'session', 'other']))
    expect(sample('freshet_reads_total', { namespace: 'other', outcome: 'kv_hit' })).toBe(9)
  })

  it('leaves out what nobody knows', () => {
    expect(families.has('freshet_dead_letters')).toBe(false)
    expect(sample('freshet_queue_backlog', { queue: 'cache-stats' })).toBe(undefined)
    const pipeline = { deadLetters: 2, unprocessed: 3, oldestUnprocessedAt: SINCE }
    const known = parse(openMetrics({ ...measured, pipeline }))
    expect(known.get('freshet_dead_letters')?.samples).toEqual([
      { name: 'freshet_dead_letters', labels: {}, value: 2 },
    ])
    expect(known.get('freshet_oldest_unprocessed_event_seconds')?.samples[0]?.value).toBe(60)
    const idle = parse(openMetrics({ ...measured, pipeline: { ...pipeline, oldestUnprocessedAt: null } }))
    expect(idle.get('freshet_oldest_unprocessed_event_seconds')?.samples[0]?.value).toBe(0)
  })

  it('quotes what it must', () => {
    const text = openMetrics({ ...measured, warmJobs: { 'a "b" \\ c\nd': 1 } })
    expect(text).toContain('freshet_warm_jobs_total{outcome="a \\"b\\" \\\\ c\\nd"} 1.0')
  })
})
