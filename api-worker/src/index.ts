import { app } from './app.ts'
import type { Env } from './env.ts'
import { answerFromMemory } from './http/from-memory.ts'
import { knownSetup } from './setup.ts'

/** The HTTP front. */
export default {
  fetch(request, env, ctx) {
    const setup = knownSetup()
    return (
      (setup === null ? null : answerFromMemory(request, env, setup, ctx)) ?? app.fetch(request, env, ctx)
    )
  },
} satisfies ExportedHandler<Env>
