import { checkHealth } from './local/health.ts'
import { type LocalOptions, startLocal } from './local/start-local.ts'

/**
 * Starts both Workers as the named environment of their `wrangler.jsonc` would deploy them, over an empty, migrated database,
 * and asks for their health: a setting that would answer 503 to everybody is better found before it is deployed.
 * @throws what names the bad setting
 */
export async function checkDeploy(
  environment: string | undefined,
  local: Partial<LocalOptions> = {},
): Promise<void> {
  const stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    ...(environment === undefined ? {} : { environment }),
    ...local,
  })
  try {
    await checkHealth(stack.urls)
  } finally {
    await stack.stop()
  }
}
