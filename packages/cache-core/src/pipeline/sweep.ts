import pLimit from 'p-limit'
import * as v from 'valibot'
import { literalPrefix, matches } from '../keys/pattern.ts'
import { Metadata } from '../kv/envelope.ts'
import type { CacheConfigs } from '../policy.ts'
import type { KeyValueStore } from '../ports.ts'
import type { Budget } from './budget.ts'
import { coalescePatterns, type SeqPattern } from './coalesce.ts'

/** Of the six connections of an invocation: the listing's own and another one stay free. */
const CONCURRENT_DELETES = 4

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
 * a sweep that comes late never takes a fresh one. What is listed late, or not yet, does no harm: the log has invalidated it.
 * @param epoch of the log that the patterns' positions belong to
 * @throws whatever KV throws; what was deleted stays deleted, and the rest is done by whoever tries again
 */
export async function sweep(
  kv: KeyValueStore,
  ranges: readonly SweepRange[],
  epoch: string,
  budget: Budget,
): Promise<SweepResult> {
  const limit = pLimit(CONCURRENT_DELETES)
  let deleted = 0
  for (const [place, range] of ranges.entries()) {
    let { cursor } = range
    for (;;) {
      const left = () => [{ ...range, cursor }, ...ranges.slice(place + 1)]
      if (!budget.has({ kv: 2 })) return { deleted, rest: left() }
      const page = await kv.list({ prefix: range.prefix, cursor })
      const old = page.keys.filter(({ name, metadata }) => mustGo(name, metadata, range.patterns, epoch))
      const outcomes = await Promise.all(
        old.map(({ name }) =>
          limit(async () => {
            if (!budget.has({ kv: 1 })) return false
            await kv.delete(name)
            deleted++
            return true
          }),
        ),
      )
      // Not the whole page: it is listed again, and what is gone by then is not on it.
      if (outcomes.includes(false)) return { deleted, rest: left() }
      if (page.list_complete) break
      cursor = page.cursor
    }
  }
  return { deleted, rest: [] }
}

/** Whether an entry is of those that an event wanted gone: its path matches, and its value is from before the event. */
function mustGo(name: string, metadata: unknown, patterns: readonly SeqPattern[], epoch: string): boolean {
  const about = v.safeParse(Metadata, metadata)
  // Not an entry, or one of another epoch: nobody will be served that.
  if (!about.success || about.output.e !== epoch) return false
  const path = name.slice(0, name.lastIndexOf(':'))
  return patterns.some(([pattern, seq]) => about.output.st < seq && matches(pattern, path))
}
