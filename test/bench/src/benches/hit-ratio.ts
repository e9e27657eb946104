import { Isolate, parseSettings } from '@freshet/cache-core'
import { LRUCache } from 'lru-cache'
import type { Bench, Result } from '../bench.ts'
import type { Workload } from '../workload.ts'
import { freshet } from './hit-systems.ts'
import { optimalHits } from './optimum.ts'

const SIZES = [500, 1_000, 2_000, 5_000, 10_000, 20_000]

type Figures = Omit<Result, 'bench'>[]

/** What share of the requests each way to evict answers. */
export const hitRatio: Bench = {
  name: 'hit-ratio',
  about:
    'hits in percent by trace and number of entries, for FIFO, LRU, the memory tier and the optimum; ratio: to LRU',
  async run(_write, { workloads }) {
    return measureHitRatio(await workloads(), SIZES)
  },
}

/** Each trace at each size; at the end, what the memory tier has over LRU in all of them. */
export async function measureHitRatio(
  workloads: readonly Workload[],
  sizes: readonly number[],
): Promise<Figures> {
  const { isolate, built } = await freshet({
    keys: ['content:model:1'],
    textOf: () => 'x',
    ttlMs: 0,
    maxBytes: 1e6,
  })
  const model = isolate.memory.get(built[0]?.path ?? '')?.entry
  if (model === undefined) throw new Error('memory did not keep the entry')
  const figures: Figures = []
  const gains: number[] = []
  for (const { name, keys } of workloads)
    for (const size of sizes) {
      const lru = new LRUCache<number, true>({ max: size })
      const fifo = new Set<number>()
      const settings = { ...parseSettings({}), maxEntries: size, maxMemoryBytes: 1e12 }
      const { memory } = new Isolate({ configs: {}, settings })
      const systems = {
        FIFO: shareOf(keys, (key) => {
          if (fifo.has(key)) return true
          const [first] = fifo
          if (fifo.size >= size && first !== undefined) fifo.delete(first)
          fifo.add(key)
          return false
        }),
        LRU: shareOf(keys, (key) => lru.get(key) === true || !lru.set(key, true)),
        freshet: shareOf(keys, (key) => {
          if (memory.get(`k${key}`) !== undefined) return true
          memory.set(`k${key}`, model, Number.MAX_VALUE, 0)
          return false
        }),
        optimum: (100 * optimalHits(keys, size)) / keys.length,
      }
      gains.push(systems.freshet - systems.LRU)
      for (const [system, value] of Object.entries(systems))
        figures.push({
          system,
          metric: `${name}, ${size} entries`,
          value,
          ratio: system === 'LRU' ? null : value / systems.LRU,
        })
    }
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
  const points = (metric: string, value: number) => ({ system: 'freshet', metric, value, ratio: null })
  return [
    ...figures,
    points('points above LRU, mean of all', mean),
    points('points above LRU, least', Math.min(...gains)),
  ]
}

function shareOf(keys: readonly number[], isHit: (key: number) => boolean): number {
  let hits = 0
  for (const key of keys) if (isHit(key)) hits++
  return (100 * hits) / keys.length
}
