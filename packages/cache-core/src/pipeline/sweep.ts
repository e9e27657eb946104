import pLimit from 'p-limit'
import * as v from 'valibot'
import { utf8Length } from '../keys/key.ts'
import { literalPrefix, matches } from '../keys/pattern.ts'
import { Metadata } from '../kv/envelope.ts'
import type { CacheConfigs } from '../policy.ts'
import type { KeyValueStore } from '../ports.ts'
import type { Budget } from './budget.ts'
import { coalescePatterns, type SeqPattern } from './coalesce.ts'

/** Of the six connections of an invocation: the listing's own and another one stay free. */
const CONCURRENT_DELETES = 4
/** KV's limit for a name. */
const MAX_PREFIX_BYTES = 512

/** Part of KV that is gone through for some patterns: all names with one prefix. */
export interface SweepRange {
  prefix: string
  patterns: SeqPattern[]
  /** Where to go on; null at its beginning. */
  cursor: string | null
}

/** What of a sweep is done, and what is left. */
export interface SweepResult {
  deleted: number
  /** Empty when all is done. */
  rest: SweepRange[]
  /** The first failure of KV, in words. */
  error: string | null
}

/**
 * Where in KV the entries are that patterns match: by their literal prefixes, of which one that begins with another is part of
 * it. Namespaces that KV never holds are left out: each page listed costs as much as ten reads.
 */
export function sweepRanges(patterns: readonly SeqPattern[], configs: CacheConfigs): SweepRange[] {
  const ranges: SweepRange[] = []
  const byPrefix = coalescePatterns(patterns)
    .filter(([pattern]) => mayBeInKv(pattern, configs))
    .map((one) => ({ prefix: prefixOf(one[0]), one }))
    // Names as long as that are hashed: no prefix finds them, and KV takes none.
    .filter(({ prefix }) => utf8Length(prefix) <= MAX_PREFIX_BYTES)
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  for (const { prefix, one } of byPrefix) {
    const last = ranges.at(-1)
    if (last !== undefined && prefix.startsWith(last.prefix)) last.patterns.push(one)
    else ranges.push({ prefix, patterns: [one], cursor: null })
  }
  return ranges
}

/** Names are `{path}:v{version}`: the colon keeps `content:item:4` from going through all of `content:item:42`. */
function prefixOf(pattern: string): string {
  const literal = literalPrefix(pattern)
  return literal === pattern ? `${pattern}:v` : literal
}

function mayBeInKv(pattern: string, configs: CacheConfigs): boolean {
  const namespace = pattern.slice(0, (pattern.indexOf(':') + 1 || pattern.length + 1) - 1)
  return !Object.hasOwn(configs, namespace) || configs[namespace]?.kvEnabled !== false
}

/**
 * Deletes what patterns match from KV, page by page, as far as the budget goes. Only entries that are older than the event:
 * a sweep that comes late never takes a fresh one. What is listed late, or not yet, does no harm: the log has invalidated it. A
 * range that KV fails on is left where it is, and the others are gone through all the same.
 * @param epoch of the log that the patterns' positions belong to
 */
export async function sweep(
  kv: Pick<KeyValueStore, 'list' | 'delete'>,
  ranges: readonly SweepRange[],
  epoch: string,
  budget: Budget,
): Promise<SweepResult> {
  const result: SweepResult = { deleted: 0, rest: [], error: null }
  for (const range of ranges) {
    const left = await sweepRange(kv, { ...range }, epoch, budget, result)
    if (left !== null) result.rest.push(left)
  }
  return result
}

/** @returns what is left of the range; null when it is done */
async function sweepRange(
  kv: Pick<KeyValueStore, 'list' | 'delete'>,
  range: SweepRange,
  epoch: string,
  budget: Budget,
  result: SweepResult,
): Promise<SweepRange | null> {
  const limit = pLimit(CONCURRENT_DELETES)
  while (budget.has({ kv: 2 })) {
    try {
      const page = await kv.list({ prefix: range.prefix, cursor: range.cursor })
      const old = page.keys.filter(({ name, metadata }) => mustGo(name, metadata, range.patterns, epoch))
      const outcomes = await Promise.allSettled(
        old.map(({ name }) =>
          limit(async () => {
            if (!budget.has({ kv: 1 })) return false
            await kv.delete(name)
            result.deleted++
            return true
          }),
        ),
      )
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      // Not the whole page: it is listed again, and what is gone by then is not on it.
      if (outcomes.some((outcome) => outcome.status === 'fulfilled' && !outcome.value)) return range
      if (page.list_complete) return null
      range.cursor = page.cursor
    } catch (error) {
      result.error ??= String(error)
      return range
    }
  }
  return range
}

/** Whether an entry is of those that an event wanted gone: its path matches, and its value is from before the event. */
function mustGo(name: string, metadata: unknown, patterns: readonly SeqPattern[], epoch: string): boolean {
  const about = v.safeParse(Metadata, metadata)
  // Not an entry, or one of another epoch: nobody will be served that.
  if (!about.success || about.output.e !== epoch) return false
  const path = name.slice(0, name.lastIndexOf(':'))
  return patterns.some(([pattern, seq]) => about.output.st < seq && matches(pattern, path))
}
