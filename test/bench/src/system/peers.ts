import * as v from 'valibot'
import { idOf, type Site, type System } from './site.ts'

/** Of content, as in Freshet's policy: s. */
const TTL = 3600
/** How long an isolate of the epoch design believes the epoch that it read. */
const BELIEVE_MS = 5_000

const Row = v.object({ title: v.string() })

/** Where a known design differs from the others. Memory and KV are alike: a map without a cap, and one record a key. */
interface Rules {
  /** Under which name a post is kept now. */
  nameOf(key: number, isolate: number): Promise<string> | string
  /** After a write. */
  invalidate(key: number, isolate: number, memory: Map<string, Kept>): Promise<void>
}

interface Kept {
  title: string | null
  until: number
}

/** Each read asks D1. */
export function noCache(site: Site): System {
  return { read: (_, key) => load(site, key), write: (_, key, title) => store(site, key, title) }
}

/** Nothing but a lifetime. */
export function ttlOnly(site: Site, isolates: number): System {
  return cached(site, isolates, { nameOf: postName, invalidate: async () => {} })
}

/** Lists the whole namespace in KV after a write and deletes it; the writer's own memory is emptied. */
export function scanNamespace(site: Site, isolates: number): System {
  return scanning(site, isolates, () => 'content:')
}

/** Lists what begins as the written post's name does, and deletes that. */
export function scanPrefix(site: Site, isolates: number): System {
  return scanning(site, isolates, postName)
}

/** A number for the namespace, in KV and in every name: a write raises it. */
export function epochPerNamespace(site: Site, isolates: number): System {
  const known = Array.from({ length: isolates }, () => ({ epoch: 0, until: 0 }))
  const epochOf = async (isolate: number, isFresh: boolean) => {
    const own = known[isolate % isolates]
    if (own === undefined) throw new RangeError('no such isolate')
    if (!isFresh && own.until > site.clock.time) return own
    const { value } = await site.kv.getWithMetadata('epoch:content', { type: 'text', cacheTtl: 30 })
    own.epoch = Number(value ?? 0)
    own.until = site.clock.time + BELIEVE_MS
    return own
  }
  return cached(site, isolates, {
    nameOf: async (key, isolate) => `${postName(key)}@${(await epochOf(isolate, false)).epoch}`,
    async invalidate(_, isolate) {
      const own = await epochOf(isolate, true)
      own.epoch++
      await site.kv.put('epoch:content', String(own.epoch), { expirationTtl: 86_400, metadata: {} })
    },
  })
}

function scanning(site: Site, isolates: number, prefixOf: (key: number) => string): System {
  return cached(site, isolates, {
    nameOf: postName,
    async invalidate(key, _, memory) {
      const prefix = prefixOf(key)
      for (const name of memory.keys()) if (name.startsWith(prefix)) memory.delete(name)
      let cursor: string | null = null
      do {
        const page = await site.kv.list({ prefix, cursor })
        for (const { name } of page.keys) await site.kv.delete(name)
        cursor = page.list_complete ? null : page.cursor
      } while (cursor !== null)
    },
  })
}

function cached(site: Site, isolates: number, { nameOf, invalidate }: Rules): System {
  const { clock, kv } = site
  const memories = Array.from({ length: isolates }, () => new Map<string, Kept>())
  const memoryOf = (isolate: number) => memories[isolate % isolates] ?? new Map<string, Kept>()
  return {
    async read(isolate, key) {
      const memory = memoryOf(isolate)
      const name = await nameOf(key, isolate)
      const kept = memory.get(name)
      if (kept !== undefined && kept.until > clock.time) return kept.title
      const { value } = await kv.getWithMetadata(name, { type: 'text', cacheTtl: 30 })
      if (value !== null) {
        const fromKv = v.parse(KeptSchema, JSON.parse(value))
        memory.set(name, fromKv)
        if (fromKv.until > clock.time) return fromKv.title
      }
      const title = await load(site, key)
      const fresh: Kept = { title, until: clock.time + TTL * 1000 }
      memory.set(name, fresh)
      await kv.put(name, JSON.stringify(fresh), { expirationTtl: TTL, metadata: {} })
      return title
    },
    async write(isolate, key, title) {
      await store(site, key, title)
      await invalidate(key, isolate, memoryOf(isolate))
    },
  }
}

const KeptSchema = v.object({ title: v.nullable(v.string()), until: v.number() })

const postName = (key: number) => `content:item:${idOf(key)}:v1`

async function load({ db }: Site, key: number): Promise<string | null> {
  const [result] = await db.batch([db.prepare('SELECT title FROM content WHERE id = ?').bind(idOf(key))])
  return v.parse(v.array(Row), result?.results)[0]?.title ?? null
}

async function store({ db, clock }: Site, key: number, title: string): Promise<void> {
  const write = 'UPDATE content SET title = ?, version = version + 1, updated_at = ? WHERE id = ?'
  await db.batch([db.prepare(write).bind(title, clock.time, idOf(key))])
}
