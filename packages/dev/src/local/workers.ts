import { resolve } from 'node:path'
import { parseSettings } from '@freshet/cache-core'
import type { WorkerOptions } from 'miniflare'
import { bundleWorker } from './bundle.ts'
import { overrideVars } from './vars.ts'
import { readWorkerSource, type WorkerSource } from './worker-source.ts'

const ROOT = resolve(import.meta.dirname, '../../../..')

/** Variables of an environment. */
type Vars = Readonly<Record<string, string | undefined>>

/** Which Workers a local stack is made of, and with what settings. */
export interface WorkersOptions {
  /** How many API Workers, each an isolate of its own over the same KV, D1 and queues. Default 1. */
  apiWorkers?: number
  /** Vars of single API Workers, by position: `[{}, { CACHE_ENABLED: 'false' }]` switches the second one's cache off. */
  apiVars?: readonly Vars[]
  /** Whether the consumer runs. Without it Miniflare drops queue messages, while sending them succeeds. Default true. */
  consumer?: boolean
  /** Settings among its variables (`CACHE_*` and the like) replace the vars of all Workers. Default: none. */
  env?: Vars
  /** Last change to a Worker's Miniflare options before it starts. */
  configure?: (options: WorkerOptions) => WorkerOptions
  /** Environment of the `wrangler.jsonc` files, as in `wrangler --env`. Default: their top level. */
  environment?: string
  /** Both Workers as `bundleWorkers` has made them, for who starts the same ones again. Default: bundled anew. */
  scripts?: WorkerScripts
  /** Workers beside these, each with the bindings of the API's and a socket of its own: what the API is compared with. Default: none. */
  others?: readonly OtherWorker[]
  /** Directories with the `wrangler.jsonc` of both Workers. Default: this repository's. */
  directories?: { api: string; consumer: string }
}

/** A Worker that is no part of the system. */
interface OtherWorker {
  name: string
  /** Its entry module, absolute. */
  main: string
}

/** Both Workers, bundled. */
export interface WorkerScripts {
  api: string
  consumer: string
}

/** The Workers of a stack, ready for Miniflare. */
export interface Workers {
  apis: readonly NamedWorkerOptions[]
  consumer: NamedWorkerOptions | undefined
  /** Those beside them. */
  others: readonly NamedWorkerOptions[]
  /** The cron expressions of the consumer. */
  crons: readonly string[]
  /** What the API's configuration says: the migrations and ids of the database that all share. */
  source: WorkerSource
}

type NamedWorkerOptions = WorkerOptions & { name: string }

/**
 * Reads, checks and bundles the Workers of a stack.
 * @throws SettingsError for a bad `CACHE_*` variable
 */
export async function prepareWorkers(options: WorkersOptions): Promise<Workers> {
  const { api, consumer } = readSources(options)
  const count = options.apiWorkers ?? 1
  const apiVars = Array.from({ length: count }, (_, index) =>
    finalVars(api, options, options.apiVars?.[index] ?? {}),
  )
  const consumerVars = finalVars(consumer, options, {})

  const scripts = options.scripts ?? (await bundleSources({ api, consumer }))
  const others = (options.others ?? []).map(async ({ name, main }) =>
    workerOptions(api, name, await bundleWorker({ main, keepNames: api.keepNames }), {}, options),
  )
  return {
    apis: apiVars.map((vars, index) =>
      workerOptions(api, `${api.name}-${index + 1}`, scripts.api, vars, options),
    ),
    consumer:
      options.consumer === false
        ? undefined
        : workerOptions(consumer, consumer.name, scripts.consumer, consumerVars, options),
    others: await Promise.all(others),
    crons: consumer.crons,
    source: api,
  }
}

/** Bundles both Workers, once for all stacks that are given the result. */
export function bundleWorkers(
  options: Pick<WorkersOptions, 'directories' | 'environment'> = {},
): Promise<WorkerScripts> {
  return bundleSources(readSources(options))
}

interface Sources {
  api: WorkerSource
  consumer: WorkerSource
}

function readSources({ directories, environment }: WorkersOptions): Sources {
  return {
    api: readWorkerSource(directories?.api ?? resolve(ROOT, 'api-worker'), environment),
    consumer: readWorkerSource(directories?.consumer ?? resolve(ROOT, 'consumer-worker'), environment),
  }
}

async function bundleSources(sources: Sources): Promise<WorkerScripts> {
  const [api, consumer] = await Promise.all([bundleWorker(sources.api), bundleWorker(sources.consumer)])
  return { api, consumer }
}

function finalVars(source: WorkerSource, options: WorkersOptions, own: Vars): Record<string, string> {
  const vars = overrideVars(source.vars, options.env ?? {}, own)
  // At run time a bad setting answers 503; here it is better said before anything runs.
  parseSettings(vars)
  return vars
}

function workerOptions(
  source: WorkerSource,
  name: string,
  script: string,
  vars: Record<string, string>,
  { configure = (options) => options }: WorkersOptions,
): NamedWorkerOptions {
  const options = configure({
    ...source.options,
    name,
    bindings: { ...source.options.bindings, ...vars },
    modules: [{ type: 'ESModule', path: `${name}.mjs`, contents: script }],
  })
  return { ...options, name }
}
