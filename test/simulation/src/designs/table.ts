import type { World } from '../world/world.ts'
import type { Design, DesignIo } from './design.ts'

/** How long an isolate of the designs with a marker believes what it read of it. */
const BELIEVE_MS = 5_000

const always = async () => true
const path: Design['nameOf'] = async (key) => key.path

/** Nothing but a lifetime. */
const ttlOnly: Design = {
  name: 'TTL only',
  about: 'nothing is invalidated',
  nameOf: path,
  isValid: always,
  invalidate: async () => {},
}

/** List the namespace in KV, one page, delete what matches; memory hears of it by an event bus inside the isolate. */
const scanAndDelete: Design = {
  name: 'scan and delete',
  about: 'KV list and delete after a write, event bus inside the isolate',
  nameOf: path,
  isValid: always,
  async invalidate(patterns, { world, memory }) {
    for (const pattern of patterns) {
      const prefix = pattern.replace(/\*.*$/, '')
      for (const name of [...memory.keys()]) if (name.startsWith(prefix)) memory.delete(name)
      const { keys } = await world.kv.namespace.list({ prefix })
      for (const { name } of keys) await world.kv.namespace.delete(name)
    }
  },
}

/** A number for each namespace in KV, part of every key's name: a write raises it. */
const epochInKv: Design = {
  name: 'epoch in KV',
  about: 'one version number a namespace in KV, part of every name',
  nameOf: async (key, design) => `${key.path}@${await marker(`epoch:${key.source.namespace}`, design)}`,
  isValid: always,
  async invalidate(patterns, design) {
    for (const namespace of new Set(patterns.map((pattern) => pattern.split(':')[0] ?? ''))) {
      const name = `epoch:${namespace}`
      const next = (await marker(name, design)) + 1
      design.notes.set(name, { value: next, until: design.now + BELIEVE_MS })
      await putMarker(design.world, name, next)
    }
  },
}

/** Tag → the clock of its last invalidation, in KV; an entry is valid when it is younger than all of its tags. */
const revalidatedAt: Design = {
  name: 'tag → revalidatedAt',
  about: 'time of the last invalidation by tag, in KV, by the wall clock',
  nameOf: path,
  async isValid(kept, key, design) {
    for (const tag of [key.path, ...kept.tags]) {
      if ((await marker(`tag:${tag}`, design)) >= kept.createdAt) return false
    }
    return true
  },
  async invalidate(patterns, design) {
    for (const pattern of patterns) {
      const now = design.host.runtime.now()
      design.notes.set(`tag:${pattern}`, { value: now, until: now + BELIEVE_MS })
      await putMarker(design.world, `tag:${pattern}`, now)
    }
  },
}

export const designs: readonly Design[] = [scanAndDelete, epochInKv, revalidatedAt, ttlOnly]

async function marker(name: string, { io, notes, host }: DesignIo): Promise<number> {
  const now = host.runtime.now()
  const known = notes.get(name)
  if (known !== undefined && known.until > now) return known.value
  const record = await io.kv?.getWithMetadata(name, { type: 'text', cacheTtl: 30 }).catch(() => null)
  const value = Number(record?.value ?? 0)
  notes.set(name, { value, until: now + BELIEVE_MS })
  return value
}

async function putMarker(world: World, name: string, value: number): Promise<void> {
  await world.kv.namespace.put(name, String(value), { expirationTtl: 86_400, metadata: {} })
}
