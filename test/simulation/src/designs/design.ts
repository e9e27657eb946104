import type { Change, Database, RequestIo, Source } from '@freshet/cache-core'
import type { Answer, Front, TrackedKey } from '../model/model.ts'
import type { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'

/** A value as the known designs keep it. */
export interface Kept {
  text: string
  tags: readonly string[]
  createdAt: number
  expiresAt: number
}

/** What one request of a known design works with. */
export interface DesignIo {
  world: World
  host: Host
  io: RequestIo
  /** This isolate's memory: lives as long as the isolate. */
  memory: Map<string, Kept>
  /** What else an isolate of this design remembers. */
  notes: Map<string, { value: number; until: number }>
  now: number
}

/** A known design, told in as few lines as it takes: memory, KV and D1, and its own way to invalidate. */
export interface Design {
  name: string
  about: string
  /** The name under which an entry is kept now; null when nothing is to be kept. */
  nameOf(key: TrackedKey, design: DesignIo): Promise<string>
  isValid(kept: Kept, key: TrackedKey, design: DesignIo): Promise<boolean>
  /** After a write was committed: tells whoever has to know. */
  invalidate(patterns: readonly string[], design: DesignIo): Promise<void>
}

interface State {
  memory: Map<string, Kept>
  notes: DesignIo['notes']
}

const states = new WeakMap<Host, State>()

/** How a request goes through a design: memory, then KV, then D1. */
export function designFront(design: Design) {
  return (world: World, host: Host, io: RequestIo): Front => {
    const state = states.get(host) ?? { memory: new Map<string, Kept>(), notes: new Map() }
    states.set(host, state)
    const context = (): DesignIo => ({ world, host, io, ...state, now: host.runtime.now() })
    const write = async (changes: readonly Change[]): Promise<null> => {
      await io.db.batch(changes.flatMap(({ statement, after = [] }) => [statement, ...after]))
      const told = design.invalidate(
        changes.flatMap(({ event }) => [...event.patterns]),
        context(),
      )
      io.waitUntil(told.catch(() => {}))
      await told.catch(() => {})
      return null
    }
    return {
      cache: null,
      read: (key) => (key.style === 'blob' ? Promise.resolve(null) : read(design, key, context())),
      write,
      writeAndRead: (changes) => write(changes),
    }
  }
}

async function read(design: Design, key: TrackedKey, context: DesignIo): Promise<Answer> {
  const { memory, io, host, world } = context
  const name = await design.nameOf(key, context)
  const kept = memory.get(name)
  if (
    kept !== undefined &&
    kept.expiresAt > host.runtime.now() &&
    (await design.isValid(kept, key, context))
  ) {
    return answer('HIT', 'memory', kept.text)
  }
  const policy = world.model.configs[key.source.namespace]
  const fromKv = policy?.kvEnabled ? await fromKvOf(name, io) : null
  if (
    fromKv !== null &&
    fromKv.expiresAt > host.runtime.now() &&
    (await design.isValid(fromKv, key, context))
  ) {
    memory.set(name, fromKv)
    return answer('HIT', 'kv', fromKv.text)
  }
  const createdAt = host.runtime.now()
  const value = await load(key.source, io.db)
  const ttl = policy?.ttl ?? 60
  const fresh: Kept = {
    text: JSON.stringify(value),
    tags: key.source.tags(value),
    createdAt,
    expiresAt: host.runtime.now() + ttl * 1000,
  }
  memory.set(name, fresh)
  if (policy?.kvEnabled) {
    const put = io.kv?.put(name, JSON.stringify(fresh), { expirationTtl: Math.max(60, ttl), metadata: {} })
    io.waitUntil(put?.catch(() => {}) ?? Promise.resolve())
  }
  return answer('MISS', 'database', fresh.text)
}

async function fromKvOf(name: string, io: RequestIo): Promise<Kept | null> {
  const record = await io.kv?.getWithMetadata(name, { type: 'text', cacheTtl: 30 }).catch(() => null)
  if (!record?.value) return null
  try {
    return JSON.parse(record.value)
  } catch {
    return null
  }
}

async function load(source: Source<unknown>, db: Database): Promise<unknown> {
  const { statements, decode } = source.load(db)
  return decode(await db.batch(statements))
}

function answer(outcome: Answer['outcome'], source: Answer['source'], text: string): Answer {
  return { outcome, source, text, bookmark: null }
}
