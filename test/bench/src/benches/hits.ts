import { zipfSequence } from '@freshet/dev/zipf'
import type { Bench, Result } from '../bench.ts'
import { seeded } from '../random.ts'
import { median } from '../rounds.ts'
import { type Contender, freshet, getters, loaders, lruOf, type Payload, tiered } from './hit-systems.ts'

const KEYS = 10_000
const TEXT_LENGTH = 500
const ROUNDS = 21
/** Not counted: until then V8 has not made up its mind. */
const WARM_UP = 4
const CALLS = 10_000
const TTL_MS = 3_600_000
const MAX_BYTES = 50_000_000

type Figures = Omit<Result, 'bench'>[]

/** Hits in memory, beside what else there is for them: medians of rounds that take turns. */
export const hits: Bench = {
  name: 'hits',
  about: `${KEYS.toLocaleString('en-US')} keys of ${TEXT_LENGTH} bytes, asked for by Zipf; ns a call, and how many times that of Map (for sets: of a Map as a ring)`,
  async run(write) {
    const payload = payloadOf(KEYS)
    const order = zipfSequence({ keys: KEYS, exponent: 1, count: CALLS, random: seeded(3) })
    const figures: Figures = []
    const gets = await timesOf(await getters(payload), order)
    const base = median(gets.get('Map') ?? [])
    figures.push(...figuresOf('get', gets, base))
    figures.push(...(await evictingSets(payload)))
    figures.push(...figuresOf('getOrSet', await timesOf(await loaders(payload), order), base))
    figures.push(...figuresOf('two tiers, in the first', await timesOf(await tiered(payload), order), base))
    write(`  medians of ${ROUNDS - WARM_UP} rounds of ${CALLS.toLocaleString('en-US')} calls`)
    return figures
  },
}

function payloadOf(count: number): Payload {
  const keys = Array.from({ length: count }, (_, i) => `content:item:${i}`)
  const texts = keys.map((_, i) => `${i} `.padEnd(TEXT_LENGTH, 'x'))
  return { keys, texts, ttlMs: TTL_MS, maxBytes: MAX_BYTES }
}

/** Nanoseconds a call of each round; the systems take turns, so that what else the machine does falls on all of them. */
async function timesOf(
  contenders: readonly Contender[],
  order: readonly number[],
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, run, before } of contenders) {
      await before?.()
      let read = 0
      const started = performance.now()
      if (run.kind === 'sync') for (const i of order) read += run.one(i)
      else for (const i of order) read += await run.one(i)
      const took = performance.now() - started
      if (read < order.length * TEXT_LENGTH) throw new Error(`${name} has not read all`)
      if (round >= WARM_UP) times.get(name)?.push((took * 1e6) / order.length)
    }
  }
  return times
}

/** Each set is of a new key, into what is full. */
async function evictingSets(payload: Payload): Promise<Figures> {
  const { keys, texts } = payload
  const { isolate, built } = await freshet(payload)
  const models = built.map((key) => isolate.memory.get(key.text))
  const lru = lruOf(payload, (text) => text.length + 500)
  const map = new Map<string, string>()
  const ring = [...keys]
  for (const [i, key] of keys.entries()) {
    map.set(key, texts[i] ?? '')
    lru.set(key, texts[i] ?? '')
  }
  const times = new Map<string, number[]>(['Map', 'lru-cache', 'freshet, tier'].map((name) => [name, []]))
  const now = isolate.runtime.now()
  for (let round = 0; round < 3 * ROUNDS; round++) {
    const names = Array.from({ length: CALLS / 2 }, (_, i) => `content:item:${round}-${i}:v1.1`)
    // So that no system pays for the hash of a string that the next one finds there.
    const known = new Set(names)
    const time = (name: string, set: (key: string, i: number) => void) => {
      const started = performance.now()
      for (let i = 0; i < names.length; i++) set(names[i] ?? '', i)
      if (round >= WARM_UP) times.get(name)?.push(((performance.now() - started) * 1e6) / known.size)
    }
    time('Map', (key, i) => {
      const place = (round * names.length + i) % ring.length
      map.delete(ring[place] ?? '')
      ring[place] = key
      map.set(key, texts[i] ?? '')
    })
    time('lru-cache', (key, i) => lru.set(key, texts[i] ?? ''))
    time('freshet, tier', (key, i) => {
      const model = models[i]
      if (model !== undefined) isolate.memory.set(key, model, now + TTL_MS, now)
    })
  }
  if (lru.size !== map.size || isolate.memory.entries !== map.size)
    throw new Error('not all of them are full')
  return figuresOf('evicting set', times, median(times.get('Map') ?? []))
}

function figuresOf(metric: string, times: Map<string, number[]>, base: number): Figures {
  return [...times].flatMap(([system, all]) => {
    const sorted = [...all].sort((a, b) => a - b)
    const quarter = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
    const value = median(all)
    return [
      { system, metric: `${metric}: ns`, value, ratio: system === 'Map' ? null : value / base },
      { system, metric: `${metric}: spread, ns`, value: quarter(0.75) - quarter(0.25), ratio: null },
    ]
  })
}
