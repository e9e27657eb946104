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
import { type Times, verdicts } from './hit-verdicts.ts'

const TEXT_LENGTH = 500
const TTL_MS = 3_600_000
const MAX_BYTES = 50_000_000

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
    const times = await measureHits(FULL)
    for (const line of verdicts(times)) write(`  ${line}`)
    return figuresOf(times)
  },
}

/** Nanoseconds a call of each round: of each discipline, in each of which the systems take turns. */
export async function measureHits(effort: Effort): Promise<Times> {
  const payload = payloadOf(effort.keys)
  // What is asked for most came in at any time: the popular ones do not lie side by side.
  const ranks = shuffled([...payload.keys.keys()], seeded(4))
  const zipf = zipfSequence({ keys: effort.keys, exponent: 1, count: effort.calls, random: seeded(3) })
  const order = zipf.map((rank) => ranks[rank] ?? 0)
  return new Map([
    ['get', await timesOf(await getters(payload), order, effort)],
    ['get of a new key', await timesOf(await newKeyGetters(payload), order, effort)],
    ['get, awaited', await timesOf(await promisers(payload), order, effort)],
    ['evicting set', await setTimesOf(await setters(payload), effort)],
    ['getOrSet', await timesOf(await loaders(payload), order, effort)],
    ['two tiers, in the first', await timesOf(await tiered(payload), order, effort)],
  ])
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

/** Each to the Map of its own discipline, where that has one; else to a get of a Map. */
export function figuresOf(times: Times): Omit<Result, 'bench'>[] {
  const base = times.get('get')?.get('Map') ?? []
  return [...times].flatMap(([metric, systems]) =>
    [...systems].flatMap(([system, all]) => {
      const value = median(all)
      const ratio = system === 'Map' ? null : value / median(systems.get('Map') ?? base)
      return [
        { system, metric: `${metric}: ns`, value, ratio },
        { system, metric: `${metric}: spread, ns`, value: spread(all), ratio: null },
      ]
    }),
  )
}
