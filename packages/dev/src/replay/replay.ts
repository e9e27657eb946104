import { parseSettings } from '@freshet/cache-core'
import type { SqlStatement } from '../local/sql-worker.ts'
import type { LocalOptions } from '../local/start-local.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'
import { drive } from './drive.ts'
import { type Figures, figuresOf, type Sample } from './figures.ts'
import { idealHitRate } from './ideal.ts'
import { PLAN_DELAYS, withLatency } from './latency.ts'
import type { Measurements } from './measurements.ts'
import { jobsSent } from './pipeline-watch.ts'
import type { Progress } from './progress.ts'
import { seededRandom } from './random.ts'
import type { ReplayOptions } from './replay-options.ts'
import { inSession, type Session, type Users, WARM_MINUTE } from './session.ts'
import { StalenessLedger } from './staleness-ledger.ts'
import { readTrace, type Sequence } from './trace.ts'
import { finishTraining, PATIENCES, type Patiences, type Training } from './train.ts'
import { type Operation, operationsOf } from './workload.ts'
import { zipfSequence } from './zipf.ts'

/** Keys of the Zipf workload, and how steep it is; studies of web traffic mostly found 0.6 to 1. */
const ZIPF_KEYS = 2_000
const ZIPF_EXPONENT = 0.9
/** Operations with the cache off. Enough for a p99, few enough not to dominate the run. */
const UNCACHED_OPERATIONS = { usual: 2_000, withLatency: 20_000 }
/** Nobody measures how long a request of the training takes, so more of them may wait for each other. */
const TRAINING_CONCURRENCY = 32

/** The CMS that a replay drives: its posts, its users, its promise. */
export interface ReplaySubject extends Users {
  /** A seed with so many published posts. */
  seedPosts: (count: number) => Iterable<SqlStatement>
  /** The id of the nth of them. */
  postId: (index: number) => string
  /** Δ of a content item, in milliseconds. */
  boundMs: number
}

/** What `replay` is run with. */
export interface ReplayContext {
  subject: ReplaySubject
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  write: (line: string) => void
  startProgress: (label: string, total: number) => Progress
  /** Changes to how the stack is started. */
  local?: Partial<LocalOptions>
  /** How long the end of the training waits for what. */
  patiences?: Patiences
}

/** What came out of a replay. */
export interface ReplayResult {
  figures: Figures
  /** All that was measured or only driven, with examples of what went wrong. */
  measured: readonly Measurements[]
}

/** Drives a stack of its own with the requests that `options` ask for, and adds up what it saw. */
export async function replay(options: ReplayOptions, context: ReplayContext): Promise<ReplayResult> {
  const { subject, env, write } = context
  const random = seededRandom(options.seed)
  const sequence = await sequenceOf(options, random)
  write(`replaying ${sequence.keys.length} requests for ${sequence.distinct} posts`)
  return inTemporaryDirectory('freshet-replay-', (stateDirectory) => {
    const boundMs = Math.min(subject.boundMs, parseSettings(env).maxStalenessMs ?? subject.boundMs)
    let sent = 0
    const local: LocalOptions = {
      env,
      // The isolates of the training end with it; what KV and D1 hold stays.
      stateDirectory,
      seed: subject.seedPosts(sequence.distinct),
      signal: context.signal,
      onProgress: write,
      // What the Workers tell of every step would drown the figures.
      onOutput: (line, kind) => {
        sent += jobsSent(line) ?? 0
        if (kind === 'error') write(line)
      },
      ...(options.latency && { configure: withLatency(PLAN_DELAYS) }),
      ...context.local,
    }
    const operations = operationsOf(sequence, options.writes, random)
    const run: Run = { options, context, local, random, ledger: new StalenessLedger(boundMs), boundMs }
    return trainAndMeasure(operations, run, () => sent)
  })
}

/** What all phases of a replay share. */
interface Run {
  options: ReplayOptions
  context: ReplayContext
  local: LocalOptions
  random: () => number
  /** One for all phases: what was written in one must be seen in the next. */
  ledger: StalenessLedger
  boundMs: number
}

async function sequenceOf(options: ReplayOptions, random: () => number): Promise<Sequence> {
  if (options.trace !== undefined) return readTrace(options.trace, options.limit)
  const keys = zipfSequence({ keys: ZIPF_KEYS, count: options.limit, exponent: ZIPF_EXPONENT, random })
  return { keys, distinct: ZIPF_KEYS }
}

async function trainAndMeasure(
  operations: readonly Operation[],
  run: Run,
  jobsSent: () => number,
): Promise<ReplayResult> {
  const { local, boundMs, context } = run
  const split = Math.floor(operations.length * run.options.train)
  const trained =
    split === 0
      ? null
      : await inSession(local, context.subject, (session) =>
          train(operations.slice(0, split), run, session, jobsSent),
        )
  const { sample, uncached, seconds } = await inSession(local, context.subject, (session) =>
    measure(operations.slice(split), run, session),
  )
  const figures = figuresOf(sample, {
    ideal: idealHitRate(operations, split),
    uncached,
    training: trained?.training ?? null,
    boundMs,
    seconds,
  })
  return { figures, measured: [trained?.measured ?? [], sample.measured, uncached.measured].flat() }
}

/** Drives the operations without measuring them, and waits until all that can be learnt from them is learnt. */
async function train(
  operations: readonly Operation[],
  run: Run,
  session: Session,
  jobsSent: () => number,
): Promise<{ training: Training; measured: Measurements }> {
  const { options, context } = run
  const { subject, write, signal } = context
  const startedAt = performance.now()
  const concurrency = Math.max(TRAINING_CONCURRENCY, options.concurrency)
  const measured = await session.withCron(options.warm, () =>
    driveAll('training', operations, session.cached, concurrency, run, session),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const { popular, warmJobs } = await finishTraining({
    stack: session.stack,
    nudge: async () => {
      for (const url of session.cached) await session.editor.read(url, subject.postId(0))
    },
    warmAt: options.warm ? WARM_MINUTE : null,
    jobsSent,
    patiences: context.patiences ?? PATIENCES,
    write,
    signal,
  })
  const { staleReads, errors } = measured
  const training = { requests: operations.length, seconds, popular, warmJobs, staleReads, errors }
  return { training, measured }
}

/** Drives the operations, and then some of them around the cache. */
async function measure(
  operations: readonly Operation[],
  run: Run,
  session: Session,
): Promise<{ sample: Sample; uncached: Sample; seconds: number }> {
  const { options, random } = run
  const { concurrency } = options
  const startedAt = performance.now()
  const sample = await session.withCron(options.warm, () =>
    withD1Use(session, session.cached, (urls) =>
      driveAll('replaying', operations, urls, concurrency, run, session),
    ),
  )
  const seconds = (performance.now() - startedAt) / 1_000
  const count = options.latency ? UNCACHED_OPERATIONS.withLatency : UNCACHED_OPERATIONS.usual
  const some = sampleOf(operations, Math.min(count, operations.length), random)
  const uncached = await withD1Use(session, session.uncached, (urls) =>
    driveAll('with the cache off', some, urls, concurrency, run, session),
  )
  return { sample, uncached, seconds }
}

async function withD1Use(
  { d1Use }: Session,
  urls: readonly string[],
  work: (urls: readonly string[]) => Promise<Measurements>,
): Promise<Sample> {
  const before = await d1Use(urls)
  const measured = await work(urls)
  const after = await d1Use(urls)
  const d1 = { queries: after.queries - before.queries, batches: after.batches - before.batches }
  return { measured, d1 }
}

function driveAll(
  label: string,
  operations: readonly Operation[],
  urls: readonly string[],
  concurrency: number,
  { context, ledger }: Run,
  { editor }: Session,
): Promise<Measurements> {
  const progress = context.startProgress(label, operations.length)
  return drive({
    operations,
    urls,
    postId: context.subject.postId,
    client: editor,
    ledger,
    concurrency,
    signal: context.signal,
    onDone: (done) => progress.update(done),
  }).finally(() => progress.end())
}

/** So many of the operations, chosen at random; some may come twice. */
function sampleOf(operations: readonly Operation[], count: number, random: () => number): Operation[] {
  return Array.from({ length: count }, () => operations[Math.floor(random() * operations.length)]).filter(
    (operation) => operation !== undefined,
  )
}
