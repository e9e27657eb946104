import type { Bench, Result } from '../bench.ts'
import { pairedRatio, type Round, runRound, type Summary, summaryOf, type Target } from '../http/load.ts'
import {
  copyAnswer,
  expectSameValue,
  expectSource,
  type HttpStack,
  ITEM,
  ITEM_ID,
  ITEMS,
  LIST,
  LISTS,
  startHttpStack,
} from '../http/stack.ts'
import { workerdProcess } from '../http/workerd.ts'

const ROUNDS = 11
/** Not counted: until then V8 has not made up its mind. */
const WARM_UP = 3

/** Requests a second of each tier and of peers, in one workerd, beside a bare handler of the same bytes and headers. */
export const http: Bench = {
  name: 'http',
  about:
    'one post and one list over HTTP in workerd, directly at its socket; ratio: to a bare handler of the same headers and bytes, by the medians of rounds side by side',
  async run(write) {
    const stack = await startHttpStack()
    try {
      return await measure(stack, write)
    } finally {
      await stack.stack.stop()
    }
  },
}

async function measure(of: HttpStack, write: (line: string) => void): Promise<Omit<Result, 'bench'>[]> {
  const bytes = await prepare(of)
  const targets = targetsOf(of)
  const { cpuMs } = workerdProcess()
  const rounds = new Map<string, Round[]>(targets.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const target of targets) {
      const one = await runRound(target, cpuMs)
      if (round >= WARM_UP) rounds.get(target.name)?.push(one)
    }
  }
  const base = rounds.get(BARE) ?? []
  const results = [...rounds].flatMap(([system, own]) => rowsOf(system, own, base))
  write(`  medians of ${ROUNDS - WARM_UP} rounds that take turns; the post's answer has ${bytes} bytes`)
  for (const line of verdicts(rounds)) write(`  ${line}`)
  return results
}

const BARE = 'bare handler'
const BARE_PREPARED = 'bare handler, its Headers made once'
const MEMORY = 'freshet, item from memory'
const KV_ITEM = 'freshet, item from KV'
const KV_LIST = 'freshet, list from KV'
const D1_LIST = 'freshet, list from D1'

function targetsOf({ cached, throughKv, uncached, peers, plain, prepared }: HttpStack): Target[] {
  const one = (name: string, url: string, requests: number) => ({ name, origin: url, paths: [''], requests })
  const turns = (name: string, origin: string, paths: readonly string[], requests: number) => ({
    name,
    origin,
    paths,
    requests,
  })
  return [
    one(BARE, plain, 12_000),
    one(BARE_PREPARED, prepared, 12_000),
    one(MEMORY, cached + ITEM, 12_000),
    one('freshet, list from memory', cached + LIST, 1000),
    turns(KV_ITEM, throughKv, ITEMS, 1000),
    turns(KV_LIST, throughKv, LISTS, 400),
    turns('freshet, item from D1', uncached, ITEMS, 400),
    turns(D1_LIST, uncached, LISTS, 200),
    one('cachified over KV, item', `${peers}/cachified/item/${ITEM_ID}`, 1000),
    one('cachified over KV, list', `${peers}/cachified/list/all`, 400),
    one('@sonicjs-cms/core, item from memory', `${peers}/sonic/item/${ITEM_ID}`, 4000),
    one('@sonicjs-cms/core, list from memory', `${peers}/sonic/list/all`, 1000),
  ]
}

/** Fills what is to answer, and looks whether each answers from where it should. @returns bytes of the post's answer */
async function prepare({ cached, throughKv, uncached, peers, plain, prepared }: HttpStack): Promise<number> {
  await expectSource(cached, [ITEM], 'memory')
  await expectSource(cached, [LIST], 'memory')
  await expectSource(throughKv, ITEMS, 'kv')
  await expectSource(throughKv, LISTS, 'kv')
  await expectSource(uncached, ITEMS.slice(0, 2), 'database')
  for (const system of ['cachified', 'sonic']) {
    await expectSameValue(peers, `/${system}/item/${ITEM_ID}`, cached + ITEM)
    await expectSameValue(peers, `/${system}/list/all`, cached + LIST)
  }
  return copyAnswer(cached + ITEM, [
    { url: plain, isPrepared: false },
    { url: prepared, isPrepared: true },
  ])
}

function rowsOf(system: string, own: readonly Round[], base: readonly Round[]): Omit<Result, 'bench'>[] {
  const { perSecond, p50, cpu, spread }: Summary = summaryOf(own)
  return [
    { system, metric: 'requests/s', value: perSecond, ratio: pairedRatio(own, base) },
    { system, metric: 'requests/s, ± half of the rounds, %', value: 100 * spread, ratio: null },
    { system, metric: 'p50, ms', value: p50, ratio: null },
    { system, metric: "workerd's CPU, µs a request", value: cpu, ratio: pairedRatio(own, base, 'cpu') },
  ]
}

function verdicts(rounds: ReadonlyMap<string, readonly Round[]>): string[] {
  const ratio = (ours: string, theirs: string) =>
    pairedRatio(rounds.get(ours) ?? [], rounds.get(theirs) ?? [])
  const line = (what: string, is: number, least: number) =>
    `${what}: ${is.toFixed(2)} ×, at least ${least.toFixed(2)}: ${is >= least ? 'met' : 'NOT met'}`
  return [
    line('memory hit, to the bare handler', ratio(MEMORY, BARE), 0.9),
    line('memory hit, to the one with its Headers made once', ratio(MEMORY, BARE_PREPARED), 0.9),
    line('item from KV, to the list from D1', ratio(KV_ITEM, D1_LIST), 3),
    line('list from KV, to the list from D1', ratio(KV_LIST, D1_LIST), 3),
  ]
}
