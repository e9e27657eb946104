import { readdirSync, readFileSync } from 'node:fs'
import { CacheService, cachePolicy, Isolate, type KeyValueStore, parseSettings } from '@freshet/cache-core'
import { ManualRuntime, MemoryKv, SqliteD1 } from '@freshet/test-support'
import type { Bench, Result } from '../bench.ts'
import { Meter, type Operations } from '../meter.ts'
import { inTurns, median, spread } from '../rounds.ts'

const SIZES = [1_000, 10_000, 100_000, 1_000_000]
/** Of the keys, one in so many matches the pattern. */
const GROUPS = 10
const ROUNDS = 9
/** Of keys that the pattern does not match, right after it. */
const NEXT_HITS = 1_000
/** Names in a page of KV's list. */
const PAGE = 1_000

const MIGRATIONS = new URL('../../../../packages/cache-core/migrations/', import.meta.url)

const nameOf = (i: number) => `content:group${i % GROUPS}:${i}`
const patternOf = (round: number) => `content:group${round % GROUPS}:*`

/** One way to take what a pattern matches out of a cache with live keys. */
interface Invalidating {
  invalidate(pattern: string): Promise<void>
  /** Reads a key that no pattern has matched; null where that is not what is compared. */
  read: ((key: string) => Promise<unknown> | unknown) | null
  operations: Operations
}

/** What the log says, once: entries are judged by it when they are asked for. */
async function freshet(keys: number): Promise<Invalidating> {
  const d1 = new SqliteD1()
  for (const name of readdirSync(MIGRATIONS).sort()) d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  const meter = new Meter()
  const isolate = new Isolate({
    configs: { content: cachePolicy('content', { visibility: 'public', ttl: 86_400 }) },
    settings: { ...parseSettings({}), maxEntries: 2 * keys, maxMemoryBytes: 4_000 * keys },
    runtime: new ManualRuntime(),
  })
  const io = { db: meter.d1(d1), kv: meter.kv(new MemoryKv()), events: null, waitUntil: ignore }
  const cache = new CacheService(isolate, io)
  await cache.getOrSet('content:model:1', async () => ({ title: 'A post' }))
  const model = isolate.memory.get('content:model:1')?.entry
  if (model === undefined) throw new Error('memory did not keep the entry')
  for (let i = 0; i < keys; i++) {
    const key = isolate.keyAt(nameOf(i))
    isolate.remember(key, { ...model, path: key.path })
  }
  if (isolate.memory.entries <= keys) throw new Error(`memory kept only ${isolate.memory.entries} entries`)
  return {
    invalidate: async (pattern) => {
      await cache.invalidate(pattern)
    },
    read: (key) => cache.get(key),
    operations: meter.operations,
  }
}

/** Goes through all names of a map: what a cache without an index does, in each isolate that hears of it. */
async function scanOfMemory(keys: number): Promise<Invalidating> {
  const held = new Map<string, string>()
  for (let i = 0; i < keys; i++) held.set(nameOf(i), 'A post')
  return {
    invalidate: async (pattern) => {
      const prefix = pattern.slice(0, -1)
      for (const name of held.keys()) if (name.startsWith(prefix)) held.delete(name)
    },
    read: (key) => held.get(key),
    operations: new Meter().operations,
  }
}

/** Lists the pattern's prefix in KV and deletes what is there: only the operations are of interest. */
async function scanOfKv(keys: number): Promise<Invalidating> {
  const meter = new Meter()
  const kv = meter.kv(new Names(keys))
  return {
    invalidate: async (pattern) => {
      const prefix = pattern.slice(0, -1)
      let cursor: string | null = null
      do {
        const page = await kv.list({ prefix, cursor })
        for (const { name } of page.keys) await kv.delete(name)
        cursor = page.list_complete ? null : page.cursor
      } while (cursor !== null)
    },
    read: null,
    operations: meter.operations,
  }
}

/** So many names in KV, in pages. */
class Names implements KeyValueStore {
  readonly #groups: string[][]

  constructor(keys: number) {
    this.#groups = Array.from({ length: GROUPS }, (_, group) =>
      Array.from({ length: Math.ceil((keys - group) / GROUPS) }, (_, i) => nameOf(group + i * GROUPS)),
    )
  }

  getWithMetadata(): never {
    throw new Error('nothing is read here')
  }

  put(): never {
    throw new Error('nothing is written here')
  }

  async list({ prefix, cursor }: { prefix: string; cursor?: string | null }) {
    const names = this.#groups.find(([first]) => first?.startsWith(prefix)) ?? []
    const from = Number(cursor ?? 0)
    const keys = names.slice(from, from + PAGE).map((name) => ({ name, metadata: null }))
    return from + PAGE >= names.length
      ? { keys, list_complete: true as const }
      : { keys, list_complete: false as const, cursor: String(from + PAGE) }
  }

  async delete(): Promise<void> {}
}

const SYSTEMS: readonly (readonly [name: string, make: (keys: number) => Promise<Invalidating>])[] = [
  ['scan of memory, in each isolate', scanOfMemory],
  ['scan and delete in KV', scanOfKv],
  ['freshet', freshet],
]

/** One system with so many live keys. */
interface Contender extends Invalidating {
  system: string
  keys: number
  /** Keys that no pattern matches, to be read after each call. */
  others: readonly string[]
  rounds: number
  calls: number[]
  hits: number[]
}

/** What one pattern costs, by how many keys are live. */
export const invalidation: Bench = {
  name: 'invalidation',
  about: `one pattern that matches a tenth of the live keys, in one process: the call, the next ${count(NEXT_HITS)} hits of other keys, and what KV and D1 are asked for one call. Medians of ${ROUNDS} rounds in which all systems and sizes take turns; the ratio is to the same system with ${count(SIZES[0] ?? 0)} keys`,
  async run(write) {
    const contenders: Contender[] = []
    for (const keys of SIZES) {
      for (const [system, make] of SYSTEMS) contenders.push(await contender(system, keys, make))
      write(`  ${count(keys)} keys are there`)
    }
    await inTurns(contenders, { rounds: ROUNDS, warmUp: 0 }, turn)
    return SYSTEMS.flatMap(([system]) => resultsOf(contenders.filter((one) => one.system === system)))
  },
}

async function contender(
  system: string,
  keys: number,
  make: (keys: number) => Promise<Invalidating>,
): Promise<Contender> {
  // Group 0 is what is read in between: it is never invalidated.
  const others = Array.from({ length: NEXT_HITS }, (_, i) => nameOf((i * GROUPS) % keys))
  const made = await make(keys)
  // What making it took is not what is counted.
  for (const name of Object.keys(made.operations) as (keyof Operations)[]) made.operations[name] = 0
  return { ...made, system, keys, others, rounds: 0, calls: [], hits: [] }
}

async function turn(one: Contender): Promise<void> {
  const began = performance.now()
  await one.invalidate(patternOf(++one.rounds))
  const invalidated = performance.now()
  for (const key of one.others) await one.read?.(key)
  one.calls.push((invalidated - began) * 1000)
  one.hits.push(((performance.now() - invalidated) * 1000) / NEXT_HITS)
}

/** Of one system, the smallest size first. */
function resultsOf(sizes: readonly Contender[]): Omit<Result, 'bench'>[] {
  const bases = new Map<string, number>()
  return sizes.flatMap(({ system, keys, ...one }) =>
    Object.entries(figuresOf(one)).map(([metric, value]) => {
      const base = bases.get(metric)
      if (base === undefined) bases.set(metric, value)
      const ratio = base === undefined || base === 0 ? null : value / base
      return { system, metric: `${metric}, ${count(keys)} keys`, value, ratio }
    }),
  )
}

function figuresOf({ read, operations, calls, hits }: Omit<Contender, 'system' | 'keys'>) {
  const { kvReads, kvWrites, kvDeletes, kvLists, d1Batches, d1RowsWritten } = operations
  return {
    'the call, µs': median(calls),
    'the call: spread, µs': spread(calls),
    ...(read !== null && { 'a hit after it, µs': median(hits) }),
    'KV operations': (kvReads + kvWrites + kvDeletes + kvLists) / ROUNDS,
    'D1 round trips': d1Batches / ROUNDS,
    // The meter counts a row with its entry in an index.
    'rows of D1 written': d1RowsWritten / 2 / ROUNDS,
  }
}

function count(n: number): string {
  return n.toLocaleString('en-US')
}

function ignore(): void {}
