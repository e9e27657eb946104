import { readdirSync, readFileSync } from 'node:fs'
import { ManualRuntime, MemoryKv, SqliteD1 } from '@freshet/test-support'
import { Meter } from '../meter.ts'
import { seeded } from '../random.ts'

const MIGRATIONS = new URL('../../../../packages/cms/migrations/', import.meta.url)

/** One request: of a key, by one isolate. */
export interface Request {
  key: number
  isolate: number
  isWrite: boolean
}

/** A cache design over the site, as requests meet it. */
export interface System {
  /** @returns the post's title as it was served */
  read(isolate: number, key: number): Promise<string | null>
  write(isolate: number, key: number, title: string): Promise<void>
}

/** Reads that were answered with a title of before. */
export interface Staleness {
  stale: number
  /** With one that was replaced more than Δ ago. */
  late: number
}

/** Δ of content, as in Freshet's policy. */
const DELTA_MS = 5_000

/** How a design is put over a site. */
export type MakeSystem = (site: Site, isolates: number) => System

/** Requests by random isolates, of which some write; the same each time. */
export function requestsOf(keys: readonly number[], isolates: number, writeShare: number): Request[] {
  const random = seeded(6)
  return keys.map((key) => ({
    key,
    isolate: Math.floor(random() * isolates),
    isWrite: random() < writeShare,
  }))
}

/** A site in virtual time: D1 and KV with their meters, and what each post's title is by now. KV is never late here. */
export class Site {
  readonly clock = new ManualRuntime(1_800_000_000_000)
  readonly meter = new Meter()
  readonly kvNamespace = new MemoryKv(this.clock.now)
  readonly d1 = new SqliteD1()
  readonly kv = this.meter.kv(this.kvNamespace)
  readonly db = this.meter.d1(this.d1)
  readonly #titles = new Map<number, string>()

  constructor(posts: number) {
    const { d1, clock } = this
    for (const name of readdirSync(MIGRATIONS).sort())
      d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
    d1.exec("INSERT INTO collections (id, name, created_at) VALUES ('posts', 'Posts', 0)")
    d1.exec(`WITH RECURSIVE post(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM post WHERE n < ${posts - 1})
      INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at)
      SELECT 'p' || n, 'posts', 'post-' || n, 'Title 0', 'published', '${DATA}', ${clock.time}, ${clock.time}, ${clock.time} FROM post`)
    // Whatever the migrations and the posts have logged is not of this run.
    d1.exec('UPDATE invalidation_log SET processed_at = 0')
  }

  titleOf(key: number): string {
    return this.#titles.get(key) ?? 'Title 0'
  }

  /** Goes through requests at an even pace. */
  async serve(requests: readonly Request[], requestsPerSecond: number, system: System): Promise<Staleness> {
    const pauseMs = 1000 / requestsPerSecond
    const staleness: Staleness = { stale: 0, late: 0 }
    /** When each title was replaced, by key and title. */
    const replaced = new Map<string, number>()
    let writes = 0
    let due = this.clock.time
    for (const { key, isolate, isWrite } of requests) {
      due += pauseMs
      await this.#until(Math.floor(due))
      if (isWrite) {
        const title = `Title ${++writes}`
        await system.write(isolate, key, title)
        replaced.set(`${key} ${this.titleOf(key)}`, this.clock.time)
        this.#titles.set(key, title)
        this.d1.log.length = 0
        continue
      }
      const title = await system.read(isolate, key)
      if (title === this.titleOf(key)) continue
      staleness.stale++
      if (this.clock.time - (replaced.get(`${key} ${title}`) ?? 0) > DELTA_MS) staleness.late++
    }
    // What is still on its way belongs to the bill.
    await this.clock.advance(60_000)
    return staleness
  }

  async #until(time: number): Promise<void> {
    const { clock } = this
    if (clock.nextDue() > time) clock.time = Math.max(clock.time, time)
    else await clock.advance(time - clock.time)
  }
}

const DATA = JSON.stringify({ body: 'x'.repeat(1_000) })

export function idOf(key: number): string {
  return `p${key}`
}
