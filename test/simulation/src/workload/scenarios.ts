import { miniModel } from '../model/mini-model.ts'
import type { Scenario } from './scenario.ts'

const MINUTE = 60_000

/** All is as usual: many isolates, late KV, few writes. */
const steady: Scenario = {
  name: 'steady',
  about: 'four locations, late KV, few writes',
  model: () => miniModel({ ttl: 600, staleIfError: 600 }),
  durationMs: 100_000,
  troubleShare: 0.75,
  isolatesPerLocation: 2,
  locations: 4,
  clients: 12,
  requestEveryMs: 45,
  readsPerRequest: 20,
  writeEveryMs: 1_500,
  weights: {},
  strongShare: 0.03,
  shortShare: 0.1,
  maxPatterns: 10_000,
  maxEntries: 10_000,
  env: {},
  troubles: [],
  always: {},
  killEveryMs: 40_000,
  freezeEveryMs: 0,
  freezeMs: [0, 0],
  cancelShare: 0,
  consumerCrashShare: 0,
  quietEveryMs: 0,
  quietMs: [0, 0],
  restoreEveryMs: 0,
  deployEveryMs: 0,
  poisonEveryMs: 0,
  recoversTo: 0.85,
  suitsDesigns: true,
}

export const scenarios: readonly Scenario[] = [
  steady,
  {
    ...steady,
    name: 'contention',
    about: 'few isolates, many writes and misses of the same keys at once',
    durationMs: 40_000,
    isolatesPerLocation: 1,
    locations: 3,
    requestEveryMs: 15,
    readsPerRequest: 12,
    writeEveryMs: 350,
    strongShare: 0.05,
    shortShare: 0.2,
    cancelShare: 0.02,
    killEveryMs: 15_000,
  },
  {
    ...steady,
    name: 'storms',
    about: 'pattern storms, bulk publishes, renamed authors, fences and memory that overflow',
    durationMs: 80_000,
    writeEveryMs: 900,
    weights: { bulk: 4, rename: 6, invalidate: 2, junk: 8, move: 4 },
    maxPatterns: 40,
    maxEntries: 25,
    recoversTo: 0.7,
  },
  {
    ...steady,
    name: 'sleepers',
    about: 'isolates that sleep for hours or freeze, pruning, cold starts from snapshots, long tails',
    model: () => miniModel({ ttl: 100, staleIfError: 30 }),
    durationMs: 25 * MINUTE,
    isolatesPerLocation: 1,
    requestEveryMs: 150,
    readsPerRequest: 12,
    writeEveryMs: 5_000,
    weights: { flood: 1 },
    freezeEveryMs: 60_000,
    freezeMs: [2_000, 20 * MINUTE],
    killEveryMs: 90_000,
    quietEveryMs: 25_000,
    quietMs: [20_000, 12 * MINUTE],
    recoversTo: 0.6,
  },
  {
    ...steady,
    name: 'trouble',
    about:
      'D1 overloaded, down, answers lost; KV failing, slow, garbled, late; requests cancelled; consumers that die',
    writeEveryMs: 1_500,
    troubles: [
      { everyMs: 40_000, lastsMs: [1_000, 15_000], d1: { isDown: true } },
      { everyMs: 30_000, lastsMs: [1_000, 20_000], d1: { failShare: 0.4, slowShare: 0.2 } },
      { everyMs: 30_000, lastsMs: [5_000, 20_000], d1: { lostAnswerShare: 0.1, falseErrorShare: 0.1 } },
      { everyMs: 40_000, lastsMs: [1_000, 20_000], kv: { errorShare: 0.7, hangShare: 0.2 } },
      { everyMs: 30_000, lastsMs: [1_000, 20_000], kv: { slowShare: 0.5, garbageShare: 0.2 } },
      { everyMs: 40_000, lastsMs: [1_000, 30_000], queue: { refuseShare: 0.6 } },
    ],
    always: { kv: { garbageShare: 0.01, maxLagMs: 180_000 } },
    cancelShare: 0.02,
    killEveryMs: 25_000,
    freezeEveryMs: 40_000,
    freezeMs: [100, 30_000],
    consumerCrashShare: 0.1,
  },
  {
    ...steady,
    name: 'restores',
    about: 'the database restored from a backup, found out by isolates or moved by the runbook',
    durationMs: 120_000,
    writeEveryMs: 700,
    restoreEveryMs: 35_000,
    killEveryMs: 30_000,
  },
  {
    ...steady,
    name: 'deploys',
    about: 'new isolates and CACHE_VERSIONs, partial rollouts, tiers switched off',
    deployEveryMs: 20_000,
    writeEveryMs: 1_500,
    recoversTo: 0.6,
  },
  {
    ...steady,
    name: 'queues',
    about: 'messages lost, repeated ten times, hours late; outside producers; consumers that die; poison',
    writeEveryMs: 1_000,
    weights: { feed: 8, bulk: 3 },
    always: {
      queue: { repeatShare: 0.3, maxRepeats: 10, lateShare: 0.4, maxLateMs: 90_000, loseShare: 0.2 },
    },
    troubles: [
      { everyMs: 30_000, lastsMs: [5_000, 20_000], queue: { refuseShare: 0.8 } },
      { everyMs: 40_000, lastsMs: [2_000, 15_000], d1: { failShare: 0.5 } },
    ],
    consumerCrashShare: 0.3,
    poisonEveryMs: 8_000,
  },
]

/** @throws RangeError for a name that no scenario has */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found === undefined)
    throw new RangeError(
      `there is no scenario "${name}"; there are: all, ${scenarios.map((one) => one.name).join(', ')}`,
    )
  return found
}
