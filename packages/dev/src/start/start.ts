import { resolve } from 'node:path'
import * as v from 'valibot'
import { checkHealth } from '../local/health.ts'
import type { LocalStack } from '../local/running-stack.ts'
import type { SqlStatement } from '../local/sql-worker.ts'
import { type LocalOptions, startLocal } from '../local/start-local.ts'
import { aborted } from '../stop-request.ts'
import { greeting, type LocalUser } from './greeting.ts'
import { START_HELP, type StartOptions } from './start-options.ts'

const STATE_DIRECTORY = resolve(import.meta.dirname, '../../../../.freshet/state')

/** The CMS that is started: what its database begins with, and who may log in. */
export interface StartSubject {
  seed: () => Iterable<SqlStatement>
  users: readonly LocalUser[]
  password: string
}

/** What `start` is run with; tests give their own. */
export interface StartContext {
  subject: StartSubject
  env: Readonly<Record<string, string | undefined>>
  /** Aborted once somebody asked to stop. */
  signal: AbortSignal
  write: (line: string) => void
  /** Changes to how the stack is started. */
  local?: Partial<LocalOptions>
}

/** `npm start`: runs the stack until it is asked to stop. */
export async function start(options: StartOptions, context: StartContext): Promise<void> {
  const { write, signal } = context
  if (options.help) {
    write(START_HELP)
    return
  }
  const stack = await startUnlessStopped(options, context)
  if (stack === undefined) return
  try {
    if (!signal.aborted) await welcome(stack, context)
    await aborted(signal)
    write('stopping')
  } finally {
    await stack.stop()
  }
}

async function welcome(stack: LocalStack, { subject, write }: StartContext): Promise<void> {
  await checkHealth(stack.urls)
  const { users, password } = subject
  write(greeting({ urls: stack.urls, postId: await somePost(stack), users, password }))
  // Last: whoever waits for this line sends requests at once.
  write(`ready ${stack.urls.join(' ')}`)
}

async function startUnlessStopped(
  options: StartOptions,
  context: StartContext,
): Promise<LocalStack | undefined> {
  const { signal } = context
  try {
    return await startLocal({
      ...options,
      env: context.env,
      stateDirectory: STATE_DIRECTORY,
      seed: context.subject.seed(),
      signal,
      onProgress: (line) => context.write(`freshet: ${line}`),
      onOutput: context.write,
      ...context.local,
    })
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  }
}

/** The id of a published post, for examples. */
async function somePost(stack: LocalStack): Promise<string> {
  const [rows = []] = await stack.sql([
    { sql: `SELECT id FROM content WHERE status = 'published' ORDER BY id LIMIT 1`, params: [] },
  ])
  return v.parse(v.object({ id: v.string() }), rows[0] ?? { id: 'none' }).id
}
