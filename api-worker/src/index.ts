import { app } from './app.ts'
import type { Env } from './env.ts'

/** The HTTP front. */
export default { fetch: app.fetch } satisfies ExportedHandler<Env>
