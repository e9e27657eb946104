import * as v from 'valibot'
import { RecipeSchema } from '../source.ts'
import { addTo, FLEET, type Sums } from './sums.ts'

const VERSION = 2

/** Namespaces that one message tells of by name, the most counted ones; the others are told of together. */
const MAX_NAMESPACES = 30
/** Bytes of the counts: with 16 KB of recipes a message stays below the 64 KB from which it costs more operations. */
const MAX_COUNTS_BYTES = 40_000
/** Where the counts of the others go. */
const OTHERS = '(others)'

const Count = v.pipe(v.number(), v.minValue(0))
const Reads = v.array(v.object({ recipe: RecipeSchema, reads: Count, costMs: Count }))
const SumsSchema = v.record(
  v.pipe(v.string(), v.regex(/^[A-Za-z0-9]+(?:\.\d{1,3})?$/)),
  v.pipe(Count, v.finite()),
)

const StatsMessageSchema = v.object({
  v: v.literal(VERSION),
  /** When it was counted, clock, ms. */
  at: v.pipe(v.number(), v.finite()),
  reads: Reads,
  namespaces: v.record(v.string(), SumsSchema),
})

/** Of Workers from before the statistics of the fleet: one deploy may meet their messages. */
const OldMessageSchema = v.object({
  v: v.literal(1),
  reads: Reads,
  counts: v.record(v.string(), Count),
})

/** What an isolate tells of itself on `cache-stats`: deltas since it last did, so that they add up in any order. */
export type StatsMessage = v.InferOutput<typeof StatsMessageSchema>

/** Makes a message that one queue message can hold, however many namespaces there are. */
export function statsMessage(stats: Omit<StatsMessage, 'v'>): StatsMessage {
  return { v: VERSION, ...stats, namespaces: bounded(stats.namespaces) }
}

/** @returns null for anything else: statistics are not worth a dead letter */
export function parseStatsMessage(body: unknown): StatsMessage | null {
  const parsed = v.safeParse(StatsMessageSchema, body)
  if (parsed.success) return parsed.output
  const old = v.safeParse(OldMessageSchema, body)
  if (!old.success) return null
  const { reads, counts } = old.output
  const sums: Sums = {}
  for (const [name, value] of Object.entries(counts)) {
    if (name.startsWith('reads.')) sums[name.slice('reads.'.length)] = value
  }
  // It told of all namespaces together, and not of when.
  return { v: VERSION, at: Number.NaN, reads, namespaces: { [OTHERS]: sums } }
}

/** The largest ones by name, as many as fit; the others together. */
function bounded(namespaces: Readonly<Record<string, Sums>>): Record<string, Sums> {
  const { [FLEET]: fleet, ...own } = namespaces
  const bySize = Object.entries(own)
    .map(([name, sums]) => ({ name, sums, bytes: JSON.stringify(sums).length + name.length + 4 }))
    .sort((a, b) => b.bytes - a.bytes)
  const kept: Record<string, Sums> = fleet === undefined ? {} : { [FLEET]: fleet }
  const others: Sums = {}
  let bytes = 0
  for (const [place, one] of bySize.entries()) {
    const isIn = place < MAX_NAMESPACES && bytes + one.bytes <= MAX_COUNTS_BYTES
    if (!isIn) addTo(others, one.sums)
    else {
      bytes += one.bytes
      kept[one.name] = one.sums
    }
  }
  if (Object.keys(others).length > 0) kept[OTHERS] = others
  return kept
}
