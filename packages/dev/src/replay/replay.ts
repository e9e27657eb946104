import { parseSettings } from '@freshet/cache-core'
import type { LocalStack } from '../local/running-stack.ts'
import type { SqlStatement } from '../local/sql-worker.ts'
import { type LocalOptions, startLocal } from '../local/start-local.ts'
import { CmsClient } from './cms-client.ts'
import { drive } from './drive.ts'
import { type Figures, figuresOf } from './figures.ts'
import { HttpClient } from './http-client.ts'
import { idealHitRate } from './ideal.ts'
import type { Measurements } from './measurements.ts'
import type { Progress } from './progress.ts'
import { seededRandom } from './random.ts'
import type { ReplayOptions } from './replay-options.ts'
import { StalenessLedger } from './staleness-ledger.ts'
import { readTrace, type Sequence } from './trace.ts'
import { sampleUncached } from './uncached-sample.ts'
import { operationsOf } from './workload.ts'
import { zipfSequence } from './zipf.ts'

/** Keys of the Zipf workload, and how steep it is; studies of web traffic mostly found 0.6 to 1. */
const ZIPF_KEYS = 2_000
const ZIPF_EXPONENT = 0.9
/** Enough for a p99, few enough not to dominate the run. */
const UNCACHED_READS = 2_000
/** These two are replayed against; one more has its cache off, over the same database. */
const CACHED_WORKERS = 2

/** The CMS that a replay drives: its posts, its users, its promise. */
export interface ReplaySubject {
  /** A seed with so many published posts. */
  seedPosts: (count: number) => Iterable<SqlStatement>
  /** The id of the nth of them. */
  postId: (index: number) => string
  /** Who writes, and who may see the stats. */
  editor: string
  admin: string
  password: string
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
}

/** What came out of a replay. */
export interface ReplayResult {
  figures: Figures
  measured: Measurements
}

/** Drives a stack of its own with the requests that `options` ask for, and adds up what it saw. */
export async function replay(options: ReplayOptions, context: ReplayContext): Promise<ReplayResult> {
  const { subject, env, write } = context
  const random = seededRandom(options.seed)
  const sequence = await sequenceOf(options, random)
  write(`replaying ${sequence.keys.length} requests for ${sequence.distinct} posts`)

  const stack = await startLocal({
    port: 0,
    apiWorkers: CACHED_WORKERS + 1,
    apiVars: [...Array.from({ length: CACHED_WORKERS }, () => ({})), { CACHE_ENABLED: 'false' }],
    env,
    seed: subject.seedPosts(sequence.distinct),
    signal: context.signal,
    onProgress: write,
    // What the Workers tell of every step would drown the figures.
    onOutput: (line, kind) => kind === 'error' && write(line),
    ...context.local,
  })
  const http = new HttpClient()
  try {
    return await replayAgainst(stack, http, sequence, random, options, context)
  } finally {
    http.close()
    await stack.stop()
  }
}

async function sequenceOf(options: ReplayOptions, random: () => number): Promise<Sequence> {
  if (options.trace !== undefined) return readTrace(options.trace, options.limit)
  const keys = zipfSequence({ keys: ZIPF_KEYS, count: options.limit, exponent: ZIPF_EXPONENT, random })
  return { keys, distinct: ZIPF_KEYS }
}

async function replayAgainst(
  stack: LocalStack,
  http: HttpClient,
  sequence: Sequence,
  random: () => number,
  options: ReplayOptions,
  { subject, env, signal, startProgress }: ReplayContext,
): Promise<ReplayResult> {
  const urls = stack.urls.slice(0, CACHED_WORKERS)
  const [uncachedUrl = ''] = stack.urls.slice(CACHED_WORKERS)
  const editor = new CmsClient(http)
  const admin = new CmsClient(http)
  await editor.login(urls[0] ?? '', subject.editor, subject.password)
  await admin.login(urls[0] ?? '', subject.admin, subject.password)
  const d1Queries = async () => sum(await Promise.all(urls.map((url) => admin.d1Queries(url))))

  const operations = operationsOf(sequence, options.writes, random)
  const boundMs = Math.min(subject.boundMs, parseSettings(env).maxStalenessMs ?? subject.boundMs)
  const progress = startProgress('replaying', operations.length)
  const queriesBefore = await d1Queries()
  const startedAt = performance.now()
  const measured = await drive({
    operations,
    urls,
    postId: subject.postId,
    client: editor,
    ledger: new StalenessLedger(boundMs),
    concurrency: options.concurrency,
    signal,
    onDone: (done) => progress.update(done),
  }).finally(() => progress.end())
  const seconds = (performance.now() - startedAt) / 1_000
  const queriesAfter = await d1Queries()

  const { keys } = sequence
  const uncached = await sampleUncached({
    url: uncachedUrl,
    ids: Array.from({ length: Math.min(UNCACHED_READS, keys.length) }, () =>
      subject.postId(keys[Math.floor(random() * keys.length)] ?? 0),
    ),
    client: admin,
    concurrency: options.concurrency,
    signal,
    onError: (error) => measured.failed(error),
  })
  const figures = figuresOf(measured, {
    ideal: idealHitRate(operations),
    d1Queries: queriesAfter - queriesBefore,
    uncached,
    boundMs,
    seconds,
  })
  return { figures, measured }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
