import type { FenceLimits } from '@freshet/cache-core'
import type { Model } from '../model/model.ts'
import type { D1Faults } from '../world/d1.ts'
import type { KvFaults } from '../world/kv.ts'
import type { QueueFaults } from '../world/queue.ts'

/** Trouble of one kind: comes at random, lasts, goes. */
export interface Trouble {
  everyMs: number
  lastsMs: readonly [least: number, most: number]
  d1?: Partial<D1Faults>
  kv?: Partial<KvFaults>
  queue?: Partial<QueueFaults>
}

/** What a run is like: sizes, rates, and what goes wrong until it is let be. */
export interface Scenario {
  name: string
  /** One sentence for people. */
  about: string
  model: () => Model
  durationMs: number
  /** Share of the duration after which nothing goes wrong any more. */
  troubleShare: number
  isolatesPerLocation: number
  /** Locations in use, of the network's. */
  locations: number
  clients: number
  requestEveryMs: number
  /** Reads of one request, at most. */
  readsPerRequest: number
  writeEveryMs: number
  /** Weights of operations by name, where they are not the model's own. */
  weights: Readonly<Record<string, number>>
  /** Shares of requests: Δ 0; a shorter Δ than the policy's; an editor's, who reads what they wrote. */
  strongShare: number
  shortShare: number
  fence: Required<FenceLimits>
  maxEntries: number
  env: Readonly<Record<string, string>>
  troubles: readonly Trouble[]
  /** Trouble that is there all the time. */
  always: Omit<Trouble, 'everyMs' | 'lastsMs'>
  /** Mean time between isolates that die, freeze, requests that are cancelled; 0 for never. */
  killEveryMs: number
  freezeEveryMs: number
  freezeMs: readonly [least: number, most: number]
  cancelShare: number
  consumerCrashShare: number
  /** Chance that an invocation of either Worker dies right before or after a delivered answer. */
  answerCrashShare: number
  /** Chance that the code after an answer keeps the CPU busy, while its clock stands still, and how long at most. */
  busyShare: number
  busyMs: number
  cronEveryMs: number
  /** Quiet times without any request: mean time between them, and how long. */
  quietEveryMs: number
  quietMs: readonly [least: number, most: number]
  restoreEveryMs: number
  /** A consumer that was deployed with so short a lifetime prunes by it, while entries live longer; null for the model's own. */
  pruneTtl: number | null
  deployEveryMs: number
  /** Mean time between messages that nobody can read; 0 for never. */
  poisonEveryMs: number
  /** Least hit rate at the end, when all has been well for a while. */
  recoversTo: number
  /** Whether a known design can run it. */
  suitsDesigns: boolean
}
