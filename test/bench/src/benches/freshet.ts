import { readdirSync, readFileSync } from 'node:fs'
import { CacheService, cachePolicy, Isolate, parseSettings } from '@freshet/cache-core'
import { MemoryKv, SqliteD1 } from '@freshet/test-support'
import { Meter } from '../meter.ts'

const MIGRATIONS = new URL('../../../../packages/cache-core/migrations/', import.meta.url)

/** An isolate of Freshet's in this process, over a KV and a D1 that count what they are asked. */
export function startFreshet(maxEntries: number, maxMemoryBytes: number) {
  const d1 = new SqliteD1()
  for (const name of readdirSync(MIGRATIONS).sort()) d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  const kv = new MemoryKv()
  const meter = new Meter()
  const isolate = new Isolate({
    configs: { content: cachePolicy('content', { visibility: 'public', ttl: 86_400 }) },
    // A hit that is to be verified is left to `read`: here each has to be answered.
    settings: { ...parseSettings({ CACHE_VERIFY_SAMPLE: '0' }), maxEntries, maxMemoryBytes },
  })
  const io = { db: meter.d1(d1), kv: meter.kv(kv), events: null, waitUntil: () => {} }
  return { d1, kv, isolate, io, cache: new CacheService(isolate, io), operations: meter.operations }
}
