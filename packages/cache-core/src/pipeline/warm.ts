import pLimit from 'p-limit'
import { withDeadline } from '../deadline.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { PutOutcome } from '../kv/kv-tier.ts'
import { sourceLoader } from '../read/loader.ts'
import { Reader } from '../read/reader.ts'
import { type ResourceTable, type Source, sourceOf } from '../source.ts'
import { quarantine } from './dead-letters.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'
import { coalesceJobs, parseWarmMessage, recipeText, type WarmJob } from './warm-job.ts'

/** Jobs under way at once: each may hold two of an invocation's 6 connections, KV's and the log's tail's. */
const CONCURRENCY = 3
/** A job that takes longer is tried again later. */
const JOB_DEADLINE_MS = 10_000

/** What became of a job: KV had it already, it was loaded, or there is no such thing (any more). */
export type WarmOutcome = 'fresh' | 'loaded' | 'not found'

/** What the warm queue's consumer needs. */
export interface WarmDeps {
  /** With policies that keep nothing in memory: a job's value is for KV. */
  isolate: Isolate
  io: Omit<RequestIo, 'waitUntil'>
  resources: ResourceTable
  report: PipelineReport
}

/**
 * Consumes a batch of warm jobs: by priority, one load a recipe, skipping what KV already holds valid. A job that fails is
 * delivered again after a delay, and goes to the dead letters when its retries are used up.
 */
export async function handleWarm(
  queue: string,
  messages: readonly QueueMessage[],
  deps: WarmDeps,
): Promise<void> {
  const { isolate, report } = deps
  const { runtime } = isolate
  // With the cache or KV off nobody would read what a job writes.
  if (!isolate.settings.enabled || !isolate.settings.kvEnabled) {
    for (const message of messages) message.ack()
    return
  }
  const copies = new Map<string, QueueMessage[]>()
  const jobs: WarmJob[] = []
  for (const message of messages) {
    const parsed = parseWarmMessage(message.body)
    const checked = 'job' in parsed ? checkJob(parsed.job, deps) : parsed.problem
    if (typeof checked === 'string') {
      await setAside(queue, message, checked, deps)
      continue
    }
    jobs.push(checked)
    const text = recipeText(checked.recipe)
    copies.set(text, [...(copies.get(text) ?? []), message])
  }
  const limit = pLimit(CONCURRENCY)
  const run = async (job: WarmJob) => {
    const own = copies.get(recipeText(job.recipe)) ?? []
    try {
      const outcome = await withDeadline(runtime, warm(job, deps), JOB_DEADLINE_MS, 'a warm job')
      report({ step: 'warmed', outcome, recipe: job.recipe, reason: job.reason })
      for (const message of own) message.ack()
    } catch (error) {
      report({ step: 'warm failed', error: String(error), recipe: job.recipe })
      for (const message of own)
        message.retry({ delaySeconds: retryDelaySeconds(message.attempts, runtime.random()) })
    }
  }
  await Promise.all(coalesceJobs(jobs).map((job) => limit(run, job)))
}

/** Private values are never warmed, and a recipe that the table does not have can't be. */
function checkJob(job: WarmJob, deps: WarmDeps): WarmJob | string {
  try {
    const source = sourceOf(deps.resources, job.recipe)
    const { visibility } = deps.isolate.policy(source.namespace)
    return visibility === 'private' ? `"${source.namespace}" is private: never warmed` : job
  } catch (error) {
    return String(error)
  }
}

/** Runs one job. What it writes to KV is awaited, so that its ack comes after its effect. */
async function warm(job: WarmJob, deps: WarmDeps): Promise<WarmOutcome> {
  const source: Source<unknown> = sourceOf(deps.resources, job.recipe)
  const writes: Promise<unknown>[] = []
  const reader = new Reader(deps.isolate, { ...deps.io, waitUntil: (promise) => writes.push(promise) })
  const { bookmark } = job
  const result = await reader.read(deps.isolate.keyOf(source), sourceLoader(source), source.parse, {
    bookmark,
  })
  const outcomes = await Promise.all(writes)
  if (result.outcome === 'STALE') throw new Error('D1 fails: KV has an old value only')
  if (outcomes.includes('dropped' satisfies PutOutcome)) throw new Error('KV did not take the value')
  if (!result.found) return 'not found'
  return result.source === 'kv' ? 'fresh' : 'loaded'
}

async function setAside(
  queue: string,
  message: QueueMessage,
  problem: string,
  deps: WarmDeps,
): Promise<void> {
  const { isolate, io, report } = deps
  report({ step: 'quarantined', queue, message: message.id, problem })
  try {
    await io.db.batch([quarantine(io.db, queue, message, problem, isolate.runtime.now())])
    message.ack()
  } catch {
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts, isolate.runtime.random()) })
  }
}
