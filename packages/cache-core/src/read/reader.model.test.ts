import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONFIGS, posts, World } from '../../test/world.ts'
import { buildSnapshot, readSnapshot, writeSnapshot } from '../fence/snapshot.ts'
import { prune } from '../pipeline/prune.ts'
import type { KeyValueStore, KvRecord } from '../ports.ts'
import type { CacheService } from '../service.ts'
import { DatabaseUnavailableError } from '../sql.ts'
import type { CacheResult } from './types.ts'

const IDS = ['1', '2']
const ABSENT: KvRecord = { value: null, metadata: null }

/** A KV that answers with whatever a name ever held, or that it held nothing: as late as KV can be, and later. */
class LateKv implements KeyValueStore {
  readonly #held = new Map<string, KvRecord[]>()
  readonly #random: () => number
  readonly #delay: () => Promise<void>

  constructor(random: () => number, delay: () => Promise<void>) {
    this.#random = random
    this.#delay = delay
  }

  getWithMetadata(name: string): Promise<KvRecord>
  getWithMetadata(names: string[]): Promise<Map<string, KvRecord>>
  async getWithMetadata(names: string | string[]): Promise<KvRecord | Map<string, KvRecord>> {
    await this.#delay()
    if (typeof names === 'string') return this.#any(names)
    return new Map(names.map((name) => [name, this.#any(name)]))
  }

  async put(name: string, value: string, { metadata }: { metadata: Record<string, unknown> }): Promise<void> {
    await this.#delay()
    this.#held.set(name, [...(this.#held.get(name) ?? [ABSENT]), { value, metadata }])
  }

  async list() {
    return { keys: [...this.#held.keys()].map((name) => ({ name })), list_complete: true as const }
  }

  async delete(name: string): Promise<void> {
    this.#held.set(name, [...(this.#held.get(name) ?? []), ABSENT])
  }

  #any(name: string): KvRecord {
    const held = this.#held.get(name) ?? [ABSENT]
    const newest = held.length - 1
    return held[this.#random() < 0.6 ? newest : Math.floor(this.#random() * held.length)] ?? ABSENT
  }
}

/** A title that a post has had, from its place in the order of commits on. */
interface Commit {
  id: string
  title: string
  time: number
}

/** Somebody who sends the bookmark of each answer with the next read. */
interface Client {
  bookmark: string | null
  /** Places of the commits that it has seen, by post. */
  seen: Map<string, number>
}

const step = fc.record({
  do: fc.constantFrom(
    'read',
    'read',
    'read',
    'read',
    'write',
    'write',
    'elsewhere',
    'wait',
    'schedule',
    'new',
  ),
  isolate: fc.nat(2),
  id: fc.constantFrom(...IDS),
  byTag: fc.boolean(),
  staleness: fc.constantFrom(undefined, undefined, 0, 300),
  client: fc.constantFrom(null, null, 0, 1),
  pause: fc.constantFrom(0, 0, 1, 30, 400, 3000, 9000),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class Town {
  readonly world = new World()
  readonly #random: () => number
  readonly #kv: LateKv
  readonly #commits: Commit[] = []
  #titles = 0
  readonly #isolates: { cache: CacheService; own: Map<string, number> }[] = []
  readonly #clients: Client[] = [0, 1].map(() => ({ bookmark: null, seen: new Map() }))
  readonly #pending: Promise<void>[] = []
  #failure: { error: unknown } | null = null

  constructor(seed: number, trouble: number) {
    const { runtime, d1 } = this.world
    let state = seed
    this.#random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    const delay = async () => {
      const chance = this.#random()
      if (chance < trouble / 2) throw new Error('overloaded')
      const ms = chance < trouble ? 4000 : Math.floor(this.#random() * 40)
      await new Promise<void>((resolve) => runtime.setTimeout(resolve, ms))
    }
    this.#kv = new LateKv(this.#random, delay)
    d1.before = delay
    d1.after = async (statements) => {
      for (const { sql, values } of statements) {
        if (sql.startsWith('UPDATE posts')) this.#note(String(values[1]), String(values[0]))
      }
      await delay()
    }
    for (const id of IDS) {
      this.world.plant(id, 'first')
      this.#note(id, 'first')
    }
    for (let i = 0; i < 3; i++) this.#begin(i)
  }

  #begin(at: number): void {
    const env = at === 2 ? { CACHE_MAX_STALENESS_MS: '1000' } : {}
    const { cache } = this.world.isolate({
      env,
      fence: { maxPatterns: 6, foldedPlaces: 8 },
      io: { kv: this.#kv },
    })
    this.#isolates[at] = { cache, own: new Map() }
  }

  #note(id: string, title: string): void {
    this.#commits.push({ id, title, time: this.world.runtime.now() })
  }

  /** The place of the newest commit before a moment. */
  #newest(id: string, before = Number.POSITIVE_INFINITY): number {
    return this.#commits.findLastIndex((commit) => commit.id === id && commit.time < before)
  }

  #placeOf(id: string, title: string | undefined): number {
    return this.#commits.findIndex((commit) => commit.id === id && commit.title === title)
  }

  async run(what: Step): Promise<void> {
    const { world } = this
    if (what.do === 'read') this.#start(this.#read(what))
    else if (what.do === 'write') this.#start(this.#write(what))
    else if (what.do === 'elsewhere') {
      const title = `title ${++this.#titles}`
      world.writeElsewhere(what.id, title, this.#patterns(what))
      this.#note(what.id, title)
    } else if (what.do === 'schedule') this.#start(this.#schedule())
    else if (what.do === 'new') this.#begin(what.isolate)
    await world.runtime.advance(what.pause)
  }

  #patterns({ id, byTag }: Step): string[] {
    return [byTag ? 'user:profile:7' : `content:post:${id}`]
  }

  async #write(what: Step): Promise<void> {
    const { cache, own } = this.#isolates[what.isolate] ?? { own: new Map() }
    const title = `title ${++this.#titles}`
    const change = this.world.retitle(what.id, title)
    const event = { ...change.event, patterns: this.#patterns(what) }
    try {
      const result = await cache?.write([{ ...change, event }])
      const place = this.#placeOf(what.id, title)
      own.set(what.id, Math.max(place, own.get(what.id) ?? 0))
      const client = what.client === null ? undefined : this.#clients[what.client]
      if (client === undefined || result === undefined) return
      client.bookmark = result.bookmark
      client.seen = new Map([[what.id, place]])
    } catch {
      // Nobody was told that it happened.
    }
  }

  async #schedule(): Promise<void> {
    try {
      this.world.d1.exec('UPDATE invalidation_log SET processed_at = 1')
      await prune(
        this.world.db,
        { content: { ...CONFIGS.content, ttl: 1 } as never },
        this.world.runtime.now() + 3600_000,
      )
      const snapshot = await buildSnapshot(this.world.db, await readSnapshot(this.#kv))
      if (snapshot !== null) await writeSnapshot(this.#kv, snapshot, this.world.runtime.now())
    } catch {
      // The next minute's run will do.
    }
  }

  async #read({ isolate: at, id, staleness, client: who }: Step): Promise<void> {
    const { cache, own } = this.#isolates[at] ?? { own: new Map() }
    if (cache === undefined) return
    const client = who === null ? undefined : this.#clients[who]
    const bookmark = client?.bookmark
    const bound = Math.min(staleness ?? 5000, at === 2 ? 1000 : 5000)
    const startedAt = this.world.runtime.now()
    const needed = {
      bound: bound === 0 ? this.#newest(id) : this.#newest(id, startedAt - bound),
      ownWrites: own.get(id) ?? 0,
      bookmark: client?.seen.get(id) ?? 0,
    }
    let read: CacheResult<{ title: string }>
    try {
      const options = staleness === undefined ? {} : { maxStalenessMs: staleness }
      read = await cache.read(posts.at({ id }), { ...options, bookmark })
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) return
      throw error
    }
    const place = this.#placeOf(id, read.value()?.title)
    if (read.outcome === 'STALE') {
      expect([staleness === 0, bookmark != null]).toEqual([false, false])
      return
    }
    const story = `${read.outcome} from ${read.source} in isolate ${at}, Δ ${bound}`
    expect(place, `${story}: older than its bound allows`).toBeGreaterThanOrEqual(needed.bound)
    expect(place, `${story}: older than an own write`).toBeGreaterThanOrEqual(needed.ownWrites)
    expect(place, `${story}: older than its bookmark`).toBeGreaterThanOrEqual(needed.bookmark)
    if (client === undefined) return
    client.bookmark = read.bookmark
    client.seen = new Map([[id, place]])
  }

  /** Runs beside whatever comes next; the first failure is the test's. */
  #start(work: Promise<void>): void {
    this.#pending.push(
      work.catch((error: unknown) => {
        this.#failure ??= { error }
      }),
    )
  }

  async end(): Promise<void> {
    await this.world.runtime.advance(60_000)
    await Promise.all(this.#pending)
    if (this.#failure !== null) throw this.#failure.error
  }
}

describe('a town of isolates, with a KV as late as it likes and a D1 that answers late, twice or never', () => {
  it.each([
    ['in peace', 0],
    ['in trouble', 0.15],
  ])(
    '%s answers within the bound, its own writes and its bookmarks',
    async (_, trouble) => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }),
          async (seed, steps) => {
            const town = new Town(seed, trouble)
            for (const what of steps) await town.run(what)
            await town.end()
          },
        ),
        { numRuns: 40 },
      )
    },
    120_000,
  )
})
