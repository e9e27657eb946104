import { zipfSequence } from '@freshet/dev/zipf'
import type { Bench, Result } from '../bench.ts'
import { seeded, shuffled } from '../random.ts'
import { inTurns, median, type Rounds, spread } from '../rounds.ts'
import {
  type Contender,
  getters,
  loaders,
  newKeyGetters,
  type Payload,
  promisers,
  type Setter,
  setters,
  tiered,
} from './hit-systems.ts'

const TEXT_LENGTH = 500
const TTL_MS = 3_600_000
const MAX_BYTES = 50_000_000

type Figures = Omit<Result, 'bench'>[]

/** How much is measured. */
interface Effort extends Rounds {
  keys: number
  calls: number
}

const FULL: Effort = { keys: 10_000, calls: 10_000, rounds: 25, warmUp: 5 }

/** Hits in memory, beside what else there is for them: medians of rounds that take turns. */
export const hits: Bench = {
  name: 'hits',
  about: `${FULL.keys.toLocaleString('en-US')} keys of ${TEXT_LENGTH} bytes, asked for by Zipf; ns a call, and how many times that of Map (for sets: of a Map as a ring)`,
  async run(write) {
    write(`  medians of ${FULL.rounds} rounds of ${FULL.calls.toLocaleString('en-US')} calls`)
    const figures = await measureHits(FULL)
    for (const line of verdicts(figures)) write(`  ${line}`)
    return figures
  },
}

/** What is wanted, and whether this run has it. */
function verdicts(figures: Figures): string[] {
  const timeOf = (metric: string, system: string) =>
    figures.find((one) => one.system === system && one.metric === `${metric}: ns`)?.value ?? Number.NaN
  const line = (what: string, is: number, most: number) =>
    `${what}: ${is.toFixed(2)} ×, at most ${most.toFixed(2)}: ${is <= most ? 'met' : 'NOT met'}`
  const toBest = (metric: string) => {
    const others = figures.filter(
      (one) => one.metric === `${metric}: ns` && !one.system.startsWith('freshet'),
    )
    return timeOf(metric, 'freshet') / Math.min(...others.map(({ value }) => value))
  }
  return [
    line('peek, to Map', timeOf('get', 'freshet, peek') / timeOf('get', 'Map'), 2.5),
    line('get of the tier, to lru-cache', timeOf('get', 'freshet, tier') / timeOf('get', 'lru-cache'), 1),
    line(
      'evicting set of the tier, to lru-cache',
      timeOf('evicting set', 'freshet, tier') / timeOf('evicting set', 'lru-cache'),
      1,
    ),
    line('getOrSet, to the fastest of the others', toBest('getOrSet'), 1),
    line('two tiers, in the first, to the fastest of the others', toBest('two tiers, in the first'), 1),
  ]
}

/** All disciplines, one after the other; in each the systems take turns. */
export async function measureHits(effort: Effort): Promise<Figures> {
  const payload = payloadOf(effort.keys)
  // What is asked for most came in at any time: the popular ones do not lie side by side.
  const ranks = shuffled([...payload.keys.keys()], seeded(4))
  const zipf = zipfSequence({ keys: effort.keys, exponent: 1, count: effort.calls, random: seeded(3) })
  const order = zipf.map((rank) => ranks[rank] ?? 0)
  const gets = await timesOf(await getters(payload), order, effort)
  const base = median(gets.get('Map') ?? [])
  const anew = await timesOf(await newKeyGetters(payload), order, effort)
  const answered = await timesOf(await promisers(payload), order, effort)
  const sets = await setTimesOf(await setters(payload), effort)
  return [
    ...figuresOf('get', gets, base),
    ...figuresOf('get of a new key', anew, median(anew.get('Map') ?? [])),
    ...figuresOf('get, awaited', answered, base),
    ...figuresOf('evicting set', sets, median(sets.get('Map') ?? [])),
    ...figuresOf('getOrSet', await timesOf(await loaders(payload), order, effort), base),
    ...figuresOf('two tiers, in the first', await timesOf(await tiered(payload), order, effort), base),
  ]
}

function payloadOf(count: number): Payload {
  const keys = Array.from({ length: count }, (_, i) => flat(`content:item:${i}`))
  const textOf = (i: number) => flat(`${i} `.padEnd(TEXT_LENGTH, 'x'))
  return { keys, textOf, ttlMs: TTL_MS, maxBytes: MAX_BYTES }
}

/**
 * A string in one piece, as one that came in from outside. V8 keeps a joined one in its parts, and whoever reads its characters
 * first would pay for all others.
 */
function flat(text: string): string {
  return Buffer.from(text).toString()
}

/** Nanoseconds a call of each round; the systems take turns, so that what else the machine does falls on all of them. */
async function timesOf(
  contenders: readonly Contender[],
  order: readonly number[],
  effort: Effort,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  await inTurns(contenders, effort, async ({ name, run, before }, isCounted) => {
    await before?.()
    // Once to itself: no system pays for what the one before has pushed out of the processor's cache.
    await pass(run, order)
    const started = performance.now()
    const read = await pass(run, order)
    const took = performance.now() - started
    if (read < order.length * TEXT_LENGTH) throw new Error(`${name} has not read all`)
    if (isCounted) times.get(name)?.push((took * 1e6) / order.length)
  })
  return times
}

async function pass(run: Contender['run'], order: readonly number[]): Promise<number> {
  let read = 0
  if (run.kind === 'sync') for (const i of order) read += run.one(i)
  else for (const i of order) read += await run.one(i)
  return read
}

/** Each set is of a new key, into what is full. */
async function setTimesOf(all: readonly Setter[], effort: Effort): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  const most = Math.min(effort.calls, effort.keys) / 2
  let turn = 0
  await inTurns(all, effort, async ({ name, run }, isCounted) => {
    turn++
    // Strings of its own: V8 notes in a string what somebody has asked of it, its hash or another string that it is the same as.
    const names = Array.from({ length: most }, (_, i) => flat(`content:item:${turn}-${i}`))
    const started = performance.now()
    if (run.kind === 'sync') for (const [i, key] of names.entries()) run.set(key, i)
    else for (const [i, key] of names.entries()) await run.set(key, i)
    if (isCounted) times.get(name)?.push(((performance.now() - started) * 1e6) / most)
  })
  for (const { name, size } of all)
    if (size !== undefined && size() !== effort.keys) throw new Error(`${name} holds ${size()} entries`)
  return times
}

function figuresOf(metric: string, times: Map<string, number[]>, base: number): Figures {
  return [...times].flatMap(([system, all]) => {
    const value = median(all)
    return [
      { system, metric: `${metric}: ns`, value, ratio: system === 'Map' ? null : value / base },
      { system, metric: `${metric}: spread, ns`, value: spread(all), ratio: null },
    ]
  })
}
