import { Log, LogLevel, Miniflare, type MiniflareOptions } from 'miniflare'
import { applyMigrations } from './migrations.ts'
import { forwardOutput, type OnOutput, printOutput } from './output.ts'
import { claimPorts, HOST } from './ports.ts'
import { type LocalStack, runningStack } from './running-stack.ts'
import { runSeed } from './seed.ts'
import { keepSignals } from './signal-listeners.ts'
import { type RunSql, type SqlStatement, sqlRunner, sqlWorkerOptions } from './sql-worker.ts'
import { openState, type State, temporaryState } from './state.ts'
import { prepareWorkers, type Workers, type WorkersOptions } from './workers.ts'

const DEFAULT_PORT = 8787
const DEFAULT_CRON_SECONDS = 60

/** What `startLocal` takes; all of it has defaults. */
export interface LocalOptions extends WorkersOptions {
  /** Port of the first API Worker, the others follow; 0: any free ones. Default 8787. */
  port?: number
  /** Where databases and namespaces are kept between runs. Default: nowhere, they go with `stop()`. */
  stateDirectory?: string
  /** Whether to drop what `stateDirectory` holds first. Default false. */
  fresh?: boolean
  /** Fills a database that is new; not even looked at otherwise. Default: nothing, migrations only. */
  seed?: Iterable<SqlStatement>
  /** Seconds between two calls of the consumer's `scheduled()`; 0: only `runCron()`. Default 60. */
  cronSeconds?: number
  /**
   * Starting ends between two steps when it is aborted. Who gives one takes care of the process's signals too; otherwise
   * Miniflare does, and ends the process with them.
   */
  signal?: AbortSignal
  /** Port of V8's inspector, for who looks into the isolates; 0: any free one. Default: none. */
  inspectorPort?: number
  /** Hears about each step. */
  onProgress?: (line: string) => void
  /** Hears what the Workers log. Default: the console. */
  onOutput?: OnOutput
}

/**
 * Starts both Workers in one workerd, from the files that deploy them, over a migrated and seeded database.
 *
 * @example
 * const stack = await startLocal({ port: 0, apiWorkers: 2 })
 * await fetch(`${stack.urls[0]}/health`)
 * await stack.stop()
 */
export async function startLocal(options: LocalOptions = {}): Promise<LocalStack> {
  const { onProgress = () => {}, onOutput = printOutput, signal } = options
  if (options.scripts === undefined) onProgress('bundling the Workers')
  const workers = await prepareWorkers(options)
  const ports = await claimPorts(options.port ?? DEFAULT_PORT, workers.apis.length)
  const state = await openStateOf(options)
  let miniflare: Miniflare | undefined
  try {
    signal?.throwIfAborted()
    onProgress('starting workerd')
    const create = () => new Miniflare(miniflareOptions(workers, ports, state, options))
    miniflare = signal === undefined ? create() : keepSignals(create)
    await miniflare.ready
    const sql = sqlRunner(miniflare)
    await prepareDatabase(sql, workers, state, options, onProgress)
    const cronSeconds = options.cronSeconds ?? DEFAULT_CRON_SECONDS
    return await runningStack({ miniflare, sql, workers, state, cronSeconds, onOutput })
  } catch (error) {
    await miniflare?.dispose()
    await state.release()
    throw error
  }
}

function openStateOf({ stateDirectory, fresh = false }: LocalOptions): Promise<State> {
  return stateDirectory === undefined ? temporaryState() : openState(stateDirectory, { fresh })
}

function miniflareOptions(
  workers: Workers,
  ports: readonly number[],
  state: State,
  { onOutput = printOutput, inspectorPort }: LocalOptions,
): MiniflareOptions {
  return {
    // Otherwise it fetches the `cf` object of a request from the network.
    cf: false,
    log: new Log(LogLevel.WARN),
    handleRuntimeStdio: forwardOutput(onOutput),
    defaultPersistRoot: state.dataDirectory,
    ...(inspectorPort !== undefined && { inspectorPort }),
    workers: [
      ...workers.apis.map((api, index) => ({
        ...api,
        unsafeDirectSockets: [{ host: HOST, port: ports[index] ?? 0 }],
      })),
      ...workers.others.map((other) => ({ ...other, unsafeDirectSockets: [{ host: HOST, port: 0 }] })),
      ...(workers.consumer === undefined ? [] : [workers.consumer]),
      sqlWorkerOptions(workers.source.options.d1Databases),
    ],
  }
}

async function prepareDatabase(
  sql: RunSql,
  workers: Workers,
  state: State,
  { seed, signal }: LocalOptions,
  onProgress: (line: string) => void,
): Promise<void> {
  for (const { directory, table } of workers.source.migrations) {
    const applied = await applyMigrations(sql, directory, table)
    if (applied.length > 0) onProgress(`applied the migrations ${applied.join(', ')}`)
  }
  if (state.complete) return
  if (seed !== undefined) {
    onProgress('seeding the database')
    await runSeed(sql, seed, signal)
  }
  await state.markComplete()
}
