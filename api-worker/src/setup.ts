import { type Env, type Setup, setUp } from './env.ts'

let setup: Setup | null = null

/**
 * The isolate's own, made by its first request: a Worker's global scope has no environment.
 * @throws SettingsError for each request, while the environment is not well
 */
export function setupFor(env: Env): Setup {
  setup ??= setUp(env)
  return setup
}

/** The same, where a request has made it. */
export function knownSetup(): Setup | null {
  return setup
}
