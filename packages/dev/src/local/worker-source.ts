import { dirname, join, resolve } from 'node:path'
import type { WorkerOptions } from 'miniflare'
import * as v from 'valibot'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'

/** What a Worker's `wrangler.jsonc` says, as far as a local run needs it. */
export interface WorkerSource {
  name: string
  /** Entry module, absolute. */
  main: string
  /** Bindings, queue settings and compatibility as Miniflare takes them, translated by wrangler itself. */
  options: Omit<WorkerOptions, 'script' | 'scriptPath' | 'modules' | 'modulesRoot' | 'name'>
  /** The values of `vars`. */
  vars: Readonly<Record<string, string>>
  crons: readonly string[]
  /** Where the migrations of each D1 binding are. */
  migrations: readonly { binding: string; directory: string; table: string }[]
  /** Whether functions keep their names in the bundle; wrangler's default is yes. */
  keepNames: boolean
}

/** wrangler's own defaults for D1 migrations. */
const MIGRATIONS_DIRECTORY = 'migrations'
const MIGRATIONS_TABLE = 'd1_migrations'

const ConfigSchema = v.object({
  name: v.string('"name" is missing'),
  main: v.string('"main" is missing'),
  configPath: v.string(),
  keep_names: v.optional(v.boolean(), true),
  vars: v.record(v.string(), v.string('a var must be text')),
  triggers: v.object({ crons: v.optional(v.array(v.string()), []) }),
  d1_databases: v.array(
    v.object({
      binding: v.string(),
      migrations_dir: v.optional(v.string(), MIGRATIONS_DIRECTORY),
      migrations_table: v.optional(v.string(), MIGRATIONS_TABLE),
    }),
  ),
})

/**
 * Reads the `wrangler.jsonc` of the Worker in `directory` with wrangler's own reader, so that a local run has the bindings,
 * queues and flags that one deployed as `environment` would have (default: the top level of the file).
 */
export function readWorkerSource(directory: string, environment?: string): WorkerSource {
  const path = resolve(directory, 'wrangler.jsonc')
  const raw = unstable_readConfig({ config: path, env: environment })
  const parsed = v.safeParse(ConfigSchema, raw)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new Error(`${path}: ${v.getDotPath(issue) ?? 'the configuration'}: ${issue.message}`)
  }
  const config = parsed.output
  return {
    name: config.name,
    main: config.main,
    options: unstable_getMiniflareWorkerOptions(raw, environment).workerOptions,
    vars: config.vars,
    crons: config.triggers.crons,
    migrations: config.d1_databases.map((database) => ({
      binding: database.binding,
      directory: join(dirname(config.configPath), database.migrations_dir),
      table: database.migrations_table,
    })),
    keepNames: config.keep_names,
  }
}
