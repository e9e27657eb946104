import pLimit from 'p-limit'
import { withDeadline } from '../deadline.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { PutOutcome } from '../kv/kv-tier.ts'
import type { MessageQueue } from '../ports.ts'
import { type Loader, sourceLoader } from '../read/loader.ts'
import { Reader } from '../read/reader.ts'
import { type Recipe, type ResourceTable, type Source, sourceOf } from '../source.ts'
import { DatabaseUnavailableError } from '../sql.ts'
import { backlogOf } from './backlog.ts'
import type { Budget } from './budget.ts'
import { type Counts, countStatement, laneBacklogStatement } from './counts.ts'
import { quarantine } from './dead-letters.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { deferralSeconds, retryDelaySeconds } from './retry.ts'
import {
  coalesceJobs,
  type Lane,
  newestBookmark,
  parseWarmMessage,
  recipeText,
  type WarmJob,
  warmMessage,
} from './warm-job.ts'

/** Jobs under way at once: each may hold two of an invocation's 6 connections, KV's and the log's tail's. */
const CONCURRENCY = 3
/** A job that takes longer is tried again later. */
const JOB_DEADLINE_MS = 10_000
/** Nobody waits longer for the counts. */
const COUNTS_DEADLINE_MS = 3_000
/** What the jobs under way may still spend: none is begun with less left. */
const RESERVE = { kv: 4 * CONCURRENCY, d1: 20 * CONCURRENCY }
/** A job that has found everything busy for so long is given up: whoever reads its key loads it. */
const MAX_AGE_MS = 3_600_000

/**
 * What became of a job: KV had it already, it was loaded, there is no such thing (any more), not everybody may see it (any more),
 * it came too late, everything was busy, or it failed and is tried again.
 */
export type WarmOutcome = 'fresh' | 'loaded' | 'not found' | 'not public' | 'expired' | 'deferred' | 'failed'

/** What the warm queues' consumer needs. */
export interface WarmDeps {
  lane: Lane
  /** The lane's own queue: what finds everything busy goes back to it. */
  queue: MessageQueue
  /** With policies that keep nothing in memory: a job's value is for KV. */
  isolate: Isolate
  io: Omit<RequestIo, 'waitUntil'>
  resources: ResourceTable
  budget: Budget
  report: PipelineReport
}

/** A job with all messages that ask for it. */
interface Received {
  job: WarmJob
  copies: QueueMessage[]
}

/**
 * Consumes a batch of warm jobs: the most urgent first, one load a recipe, skipping what KV already holds valid. A job that
 * fails is delivered again after a delay, and goes to the dead letters when its retries are used up; one that finds D1 or the
 * budget spent comes again as a message of its own, since that is no fault of the job.
 */
export async function handleWarm(
  name: string,
  messages: readonly QueueMessage[],
  deps: WarmDeps,
): Promise<void> {
  const { isolate, report, lane } = deps
  const { runtime } = isolate
  // With the cache or KV off nobody would read what a job writes.
  if (!isolate.settings.enabled || !isolate.settings.kvEnabled) {
    for (const message of messages) message.ack()
    return
  }
  const received = await receive(name, messages, deps)
  const fresh = await findFresh(received, deps)
  const counts: Counts = {}
  const count = (what: string, n = 1) => {
    const key = `warm.${lane}.${what}`
    counts[key] = (counts[key] ?? 0) + n
  }
  const limit = pLimit(CONCURRENCY)
  const run = async ({ job, copies }: Received) => {
    const startedAt = runtime.now()
    const { outcome, error }: Attempt = fresh.has(job) ? { outcome: 'fresh' } : await attempt(job, deps)
    const settled = outcome === 'deferred' ? await defer(job, deps) : outcome
    if (settled === 'failed') {
      for (const copy of copies)
        copy.retry({ delaySeconds: retryDelaySeconds(copy.attempts, runtime.random()) })
    } else for (const copy of copies) copy.ack()
    const waitMs = Math.max(0, startedAt - (job.bornAt ?? startedAt))
    count(settled)
    if (settled === 'loaded' || settled === 'fresh') {
      count('done')
      count('wait_ms', waitMs)
    }
    report({
      step: 'warm job',
      lane,
      outcome: settled,
      recipe: job.recipe,
      reason: job.reason,
      ...(job.events !== undefined && { events: job.events }),
      waitMs,
      ...(error !== undefined && { error }),
    })
  }
  await Promise.all(received.map((one) => limit(run, one)))
  await note(counts, deps)
}

/** Sorts out what is no job, gathers the copies of each, and puts the jobs in their order. */
async function receive(name: string, messages: readonly QueueMessage[], deps: WarmDeps): Promise<Received[]> {
  const copies = new Map<string, QueueMessage[]>()
  const jobs: WarmJob[] = []
  for (const message of messages) {
    const parsed = parseWarmMessage(message.body)
    if ('problem' in parsed) {
      await setAside(name, message, parsed.problem, deps)
      continue
    }
    const source = checkRecipe(parsed.job.recipe, deps.isolate, deps.resources)
    if (typeof source === 'string') {
      await setAside(name, message, source, deps)
      continue
    }
    if (!isServed(source, deps.isolate)) {
      message.ack()
      continue
    }
    jobs.push(parsed.job)
    const text = recipeText(parsed.job.recipe)
    copies.set(text, [...(copies.get(text) ?? []), message])
  }
  return coalesceJobs(jobs).map((job) => ({ job, copies: copies.get(recipeText(job.recipe)) ?? [] }))
}

/**
 * Private values are never warmed, and a recipe that the table does not have can't be.
 * @returns its source, or in words why it cannot be warmed
 */
export function checkRecipe(
  recipe: Recipe,
  isolate: Isolate,
  resources: ResourceTable,
): Source<unknown> | string {
  try {
    const source = sourceOf(resources, recipe)
    if (source.isPublic?.(null) === false)
      return `"${recipe.resource}" with these parameters is not public: never warmed`
    const { visibility } = isolate.policy(source.namespace)
    return visibility === 'private' ? `"${source.namespace}" is private: never warmed` : source
  } catch (error) {
    return String(error)
  }
}

/** Whether readers look for it in KV: not in a namespace that KV never holds, nor outside of a partial rollout. */
function isServed(source: Source<unknown>, isolate: Isolate): boolean {
  return isolate.policy(source.namespace).kvEnabled && isolate.serves(isolate.keyOf(source))
}

/**
 * The jobs that KV already holds valid values for. Asked for in bulk: a hundred names are one operation, so that a batch of
 * jobs which others have done costs next to nothing.
 */
async function findFresh(received: readonly Received[], deps: WarmDeps): Promise<Set<WarmJob>> {
  const { isolate, resources, budget } = deps
  const fresh = new Set<WarmJob>()
  const byLife = new Map<number, WarmJob[]>()
  for (const { job } of received) {
    const life = lifeWanted(job, deps)
    byLife.set(life, [...(byLife.get(life) ?? []), job])
  }
  const reader = new Reader(isolate, { ...deps.io, waitUntil: () => {} })
  for (const [minLifeMs, jobs] of byLife) {
    if (!budget.has(RESERVE)) break
    // The newest place that any of them must have seen: one refresh reaches it for all.
    const bookmark = jobs.map((job) => job.bookmark).reduce(newestBookmark, undefined)
    const keyed = jobs.map((job) => [job, isolate.keyOf(sourceOf(resources, job.recipe))] as const)
    const found = await reader.findMany(
      keyed.map(([, key]) => key),
      (json) => json,
      { bookmark, minLifeMs },
    )
    for (const [job, key] of keyed) if (found.get(key.path)?.outcome === 'HIT') fresh.add(job)
  }
  return fresh
}

/**
 * How much life KV's value must have left. An entry that lives no longer than the time between two batches would never be found
 * to have enough: four fifths of its life will do.
 */
function lifeWanted({ recipe, minLifeMs = 0 }: WarmJob, { isolate, resources }: WarmDeps): number {
  const { ttl } = isolate.policy(sourceOf(resources, recipe).namespace)
  // Longer than any life: whatever there is, it is to be loaded anew.
  if (minLifeMs > 2 * ttl * 1000) return minLifeMs
  return Math.min(minLifeMs, 0.8 * ttl * 1000)
}

/** KV fails or hangs: no fault of the job. */
class KvBusyError extends Error {
  override name = 'KvBusyError'
}

interface Attempt {
  outcome: WarmOutcome
  error?: string
}

async function attempt(job: WarmJob, deps: WarmDeps): Promise<Attempt> {
  const { budget, isolate } = deps
  const { runtime } = isolate
  if (job.deadline !== undefined && runtime.now() > job.deadline) return { outcome: 'expired' }
  if (!budget.has(RESERVE)) return { outcome: 'deferred', error: 'the budget of this invocation is spent' }
  // A load whose value nobody could keep would only burden D1.
  if (isolate.kvTier.breaker.isOpen) return { outcome: 'deferred', error: 'KV is failing' }
  try {
    return { outcome: await withDeadline(runtime, warm(job, deps), JOB_DEADLINE_MS, 'a warm job') }
  } catch (error) {
    const isBusy = error instanceof DatabaseUnavailableError || error instanceof KvBusyError
    return { outcome: isBusy ? 'deferred' : 'failed', error: String(error) }
  }
}

/** Runs one job. What it writes to KV is awaited, so that its ack comes after its effect. */
async function warm(job: WarmJob, deps: WarmDeps): Promise<'loaded' | 'not found' | 'not public'> {
  const source: Source<unknown> = sourceOf(deps.resources, job.recipe)
  const writes: Promise<unknown>[] = []
  const reader = new Reader(deps.isolate, { ...deps.io, waitUntil: (promise) => writes.push(promise) })
  const key = deps.isolate.keyOf(source)
  const { bookmark } = job
  const result = await reader.load(key, publicLoader(source), source.parse, { bookmark })
  const outcomes = await Promise.all(writes)
  if (outcomes.includes('dropped' satisfies PutOutcome)) throw new KvBusyError('KV did not take the value')
  if (!result.found) return 'not found'
  return source.isPublic?.(result.label) === false ? 'not public' : 'loaded'
}

/**
 * Keeps nothing of what not everybody may see: a post that was popular and is withdrawn would come back into KV, right behind the
 * sweep that took it out.
 */
function publicLoader(source: Source<unknown>): Loader {
  const loader = sourceLoader(source)
  const load: Loader['load'] = async (isolate, io) => {
    const result = await loader.load(isolate, io)
    const { found, label } = result.loaded
    return found && source.isPublic?.(label) === false ? { ...result, isUsable: false } : result
  }
  return { ...loader, load }
}

/** Sends a job again as a fresh message: `retry()` would burn one of its attempts. */
async function defer(job: WarmJob, { queue, isolate: { runtime } }: WarmDeps): Promise<WarmOutcome> {
  const now = runtime.now()
  const bornAt = job.bornAt ?? now
  if (now - bornAt > MAX_AGE_MS) return 'expired'
  try {
    const delaySeconds = deferralSeconds(now - bornAt, runtime.random())
    await queue.send(warmMessage({ ...job, bornAt }), { delaySeconds })
    return 'deferred'
  } catch {
    return 'failed'
  }
}

async function setAside(name: string, message: QueueMessage, problem: string, deps: WarmDeps): Promise<void> {
  const { isolate, io, report } = deps
  report({ step: 'quarantined', queue: name, message: message.id, problem })
  try {
    await io.db.batch([quarantine(io.db, name, message, problem, isolate.runtime.now())])
    message.ack()
  } catch {
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts, isolate.runtime.random()) })
  }
}

/** The counts are for people: not worth doing a job twice for. */
async function note(counts: Counts, { io, isolate, lane, queue, report }: WarmDeps): Promise<void> {
  if (Object.keys(counts).length === 0) return
  const { runtime } = isolate
  const adding = async () => {
    const waiting = await backlogOf(queue)
    const now = runtime.now()
    const noted = waiting === null ? [] : [laneBacklogStatement(io.db, lane, waiting, now)]
    await io.db.batch([countStatement(io.db, counts, now), ...noted])
  }
  try {
    await withDeadline(runtime, adding(), COUNTS_DEADLINE_MS, 'counting')
  } catch (error) {
    report({ step: 'counts lost', error: String(error) })
  }
}
