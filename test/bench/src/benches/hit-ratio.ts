import { Isolate, parseSettings } from '@freshet/cache-core'
import { LRUCache } from 'lru-cache'
import type { Bench } from '../bench.ts'
import { freshet } from './hit-systems.ts'

const SIZES = [500, 1_000, 2_000, 5_000, 10_000, 20_000]

/** What share of the requests each way to evict answers: FIFO, LRU and the memory tier. */
export const hitRatio: Bench = {
  name: 'hit-ratio',
  about: 'hits in percent by the number of entries; ratio: to LRU',
  async run(_write, { workload }) {
    const { keys } = await workload()
    const { isolate, built } = await freshet({
      keys: ['content:model:1'],
      textOf: () => 'x',
      ttlMs: 0,
      maxBytes: 1e6,
    })
    const model = isolate.memory.get(built[0]?.path ?? '')
    if (model === undefined) throw new Error('memory did not keep the entry')
    return SIZES.flatMap((size) => {
      const lru = new LRUCache<number, true>({ max: size })
      const fifo = new Set<number>()
      const settings = { ...parseSettings({}), maxEntries: size, maxMemoryBytes: 1e12 }
      const { memory } = new Isolate({ configs: {}, settings })
      const systems = {
        LRU: sharesOf(keys, (key) => lru.get(key) === true || !lru.set(key, true)),
        FIFO: sharesOf(keys, (key) => {
          if (fifo.has(key)) return true
          const [first] = fifo
          if (fifo.size >= size && first !== undefined) fifo.delete(first)
          fifo.add(key)
          return false
        }),
        freshet: sharesOf(keys, (key) => {
          if (memory.get(`k${key}`) !== undefined) return true
          memory.set(`k${key}`, model, Number.MAX_VALUE, 0)
          return false
        }),
      }
      return Object.entries(systems).map(([system, value]) => ({
        system,
        metric: `${size} entries`,
        value,
        ratio: system === 'LRU' ? null : value / systems.LRU,
      }))
    })
  },
}

function sharesOf(keys: readonly number[], isHit: (key: number) => boolean): number {
  let hits = 0
  for (const key of keys) if (isHit(key)) hits++
  return (100 * hits) / keys.length
}
