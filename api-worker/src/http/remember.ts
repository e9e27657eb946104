import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'
import { asksAsAnybody } from './from-memory.ts'

/**
 * Remembers how an address is answered, where everybody gets the same: the next one who asks for it is answered from memory
 * before this app is asked. To be the outermost middleware, since the headers of all others are remembered as well.
 */
export const remembering = createMiddleware<AppEnv>(async function remembering(c, next) {
  await next()
  const answered = c.get('answered')
  if (answered === undefined || c.res.status !== 200 || c.req.method !== 'GET') return
  const setup = c.get('setup')
  const { source, isItem } = answered
  const isOpen = setup.isolate.policy(source.namespace).visibility === 'public'
  if (!isOpen || !asksAsAnybody(c.req.raw.headers, setup.corsOrigins)) return
  setup.recent.keep(c.req.raw.url, {
    key: setup.isolate.keyOf(source),
    isItem,
    isPublic: (label) => source.isPublic?.(label) ?? true,
    fixed: new Headers(c.res.headers),
    made: null,
  })
})
