import { escapeSegment } from '../keys/escape.ts'
import type { CacheConfigs } from '../policy.ts'
import type { Figures, FleetSpan } from './figures.ts'
import type { WidePattern } from './queries.ts'

/** Something to change, and the figures that say so. */
export interface Recommendation {
  kind:
    | 'little-gain'
    | 'ttl-shorter-than-reuse'
    | 'never-re-read'
    | 'oversize'
    | 'memory-too-small'
    | 'broad-patterns'
  /** Null: of all of them. */
  namespace: string | null
  severity: 'advice' | 'warning'
  title: string
  why: string
  action: string
  figures: Record<string, number>
  /** Of broad patterns: the wildcards that may be at fault. */
  patterns?: WidePattern[]
}

/** From where on figures are worth a word. */
const LIMITS = {
  /** Fewer of something prove nothing. */
  fewest: { reads: 1_000, misses: 100, kvWrites: 1_000, evictions: 1_000, invalid: 100, loads: 10 },
  lowHitRate: 0.3,
  expiredShare: 0.3,
  reReadShare: 0.1,
  evictedShare: 0.5,
  sameShare: 0.5,
  bytes: 100_000,
} as const

/**
 * What the figures of a day suggest.
 * @param patterns the wildcards used most of late
 */
export function recommend(
  day: FleetSpan,
  configs: CacheConfigs,
  patterns: readonly WidePattern[],
): Recommendation[] {
  const found: Recommendation[] = []
  for (const [namespace, figures] of Object.entries(day.namespaces)) {
    for (const judge of [littleGain, shortTtl, neverReRead, oversize])
      found.push(...judge(namespace, figures, configs))
    found.push(...broadPatterns(namespace, figures, patterns))
  }
  found.push(...memoryTooSmall(day.total))
  return found.sort((a, b) => Number(b.severity === 'warning') - Number(a.severity === 'warning'))
}

function littleGain(namespace: string, figures: Figures): Recommendation[] {
  const { reads, hitRate, saved, invalidByFence, expired, loads } = figures
  if (reads < LIMITS.fewest.reads || hitRate === null || hitRate >= LIMITS.lowHitRate) return []
  const isLoss = saved.queries < 0
  return [
    {
      kind: 'little-gain',
      namespace,
      severity: isLoss ? 'warning' : 'advice',
      title: `${namespace} gains little from the cache`,
      why: `Of ${whole(reads)} reads ${percent(hitRate)} were hits${isLoss ? ', and the cache asked D1 more than it spared it' : ''}.`,
      action:
        'If its keys are hardly ever read twice, read it past the cache. If it is invalidated all the time, give its events narrower patterns.',
      figures: { reads, hitRate, savedQueries: saved.queries, loads, invalidByFence, expired },
    },
  ]
}

function shortTtl(namespace: string, { misses, expired }: Figures, configs: CacheConfigs): Recommendation[] {
  if (misses < LIMITS.fewest.misses || expired < LIMITS.expiredShare * misses) return []
  const ttlSeconds = Object.hasOwn(configs, namespace) ? configs[namespace]?.ttl : undefined
  const known = ttlSeconds === undefined ? {} : { ttlSeconds }
  return [
    {
      kind: 'ttl-shorter-than-reuse',
      namespace,
      severity: 'advice',
      title: `${namespace} expires before it is read again`,
      why: `${whole(expired)} reads found a value past its life, beside ${whole(misses)} misses.`,
      action: `Raise its ttl${ttlSeconds === undefined ? '' : ` from ${ttlSeconds} s to ${2 * ttlSeconds} s`}: what changes is invalidated by its events, not by its age.`,
      figures: { misses, expired, expiredShare: expired / misses, ...known },
    },
  ]
}

function neverReRead(namespace: string, { kvWrites, kvHits, saved }: Figures): Recommendation[] {
  if (kvWrites < LIMITS.fewest.kvWrites || kvHits >= LIMITS.reReadShare * kvWrites) return []
  return [
    {
      kind: 'never-re-read',
      namespace,
      severity: 'advice',
      title: `${namespace} is written to KV and hardly read from it`,
      why: `${whole(kvWrites)} writes to KV brought ${whole(kvHits)} hits there. A write costs ten times what a read does.`,
      action: 'Set kvEnabled to false for it, or keep what is read once out of the cache.',
      figures: { kvWrites, kvHits, reReadShare: kvHits / kvWrites, spentUsd: saved.spentUsd },
    },
  ]
}

function oversize(namespace: string, { refused, loads, loadBytes }: Figures): Recommendation[] {
  const meanBytes = loads < LIMITS.fewest.loads ? 0 : loadBytes / loads
  if (refused === 0 && meanBytes <= LIMITS.bytes) return []
  return [
    {
      kind: 'oversize',
      namespace,
      severity: refused > 0 ? 'warning' : 'advice',
      title: `${namespace} has large values`,
      why:
        refused > 0
          ? `${whole(refused)} times a value was too large for memory.`
          : `A value takes ${Math.round(meanBytes / 1_000)} KB on average.`,
      action: 'Split the values, page the lists, or leave out what readers do not need.',
      figures: { refused, loads, meanBytes },
    },
  ]
}

function broadPatterns(
  namespace: string,
  { invalidByFence, reloadedSame }: Figures,
  patterns: readonly WidePattern[],
): Recommendation[] {
  const share = reloadedSame / invalidByFence
  if (invalidByFence < LIMITS.fewest.invalid || share < LIMITS.sameShare) return []
  return [
    {
      kind: 'broad-patterns',
      namespace,
      severity: 'advice',
      title: `${namespace} is invalidated more than it changes`,
      why: `Of ${whole(invalidByFence)} values that an event invalidated, ${whole(reloadedSame)} were loaded again without a change.`,
      action: 'Narrow the patterns of the events that meet it: name the item, not the namespace.',
      figures: { invalidByFence, reloadedSame, sameShare: share },
      patterns: patterns.filter(({ pattern }) => concerns(pattern, namespace)),
    },
  ]
}

function memoryTooSmall({ evictions, loads, kvHits }: Figures): Recommendation[] {
  const filled = loads + kvHits
  if (evictions < LIMITS.fewest.evictions || evictions < LIMITS.evictedShare * filled) return []
  return [
    {
      kind: 'memory-too-small',
      namespace: null,
      severity: 'advice',
      title: 'Memory is too small for what is read',
      why: `${whole(evictions)} values left memory to make room for ${whole(filled)}.`,
      action: 'Raise CACHE_MAX_MEMORY_SIZE (an isolate has 128 MB for everything) or CACHE_MAX_ENTRIES.',
      figures: { evictions, filled, evictedShare: evictions / filled },
    },
  ]
}

/** Whether a pattern can match keys of a namespace, by its first segment. */
function concerns(pattern: string, namespace: string): boolean {
  const [first] = pattern.split(':')
  return first === '*' || first === escapeSegment(namespace)
}

/** Rounded down, as the dashboard has it: what is not all of it never reads as 100 %. */
function percent(share: number): string {
  return `${Math.floor(share * 1000) / 10} %`
}

function whole(value: number): string {
  return value.toLocaleString('en')
}
