import {
  type DeadLetter,
  deadLetter,
  deadLetterPage,
  discardDeadLetter,
  fitsMessage,
  isReplayable,
  replayMessage,
} from '@freshet/cache-core/pipeline'
import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { done, success } from '../http/admin.ts'
import { readQuery } from '../http/input.ts'
import { pageQuery, timeOf } from '../http/page.ts'
import { notFound, Problem } from '../http/problem.ts'
import { sendToConsumer } from '../http/send-event.ts'

const PageQuery = v.strictObject(pageQuery(/^\d{1,15}\../s))

/** `/admin/cache/dead-letters`: messages that no retry could help. */
export const deadLetterRoutes = new Hono<AppEnv>()

deadLetterRoutes.get('/', async (c) => {
  const cache = c.get('cache')
  const page = await cache.query(deadLetterPage(cache.db, readQuery(c, PageQuery)))
  return c.json(success({ ...page, items: page?.items.map(withTimes) }))
})

deadLetterRoutes.get('/:id', async (c) => {
  const cache = c.get('cache')
  const letter = await cache.query(deadLetter(cache.db, c.req.param('id')))
  if (letter === null) throw notFound('dead letter')
  return c.json(success(withTimes(letter)))
})

/** The API may send to the events' queue only: the consumer knows where the message belongs, and takes it from D1. */
deadLetterRoutes.post('/:id/replay', async (c) => {
  const cache = c.get('cache')
  const id = c.req.param('id')
  const letter = await cache.query(deadLetter(cache.db, id))
  if (letter === null) throw notFound('dead letter')
  if (!isReplayable(letter.body)) {
    throw new Problem(
      400,
      'It is no message of this pipeline: to replay it would change nothing. Discard it.',
    )
  }
  if (!fitsMessage(letter.body)) {
    // It came over HTTP, where more fits into a request than into a message.
    throw new Problem(400, 'It is larger than a queue takes: have its producer send it again.')
  }
  await sendToConsumer(c, replayMessage(id))
  return c.json(done('It will be replayed. Where that fails, it is a dead letter again.'), 202)
})

deadLetterRoutes.delete('/:id', async (c) => {
  const cache = c.get('cache')
  if ((await cache.query(discardDeadLetter(cache.db, c.req.param('id')))) === null)
    throw notFound('dead letter')
  return c.json(done('It is gone.'))
})

function withTimes<T extends DeadLetter>(letter: T) {
  return { ...letter, firstSeenAt: timeOf(letter.firstSeenAt), lastSeenAt: timeOf(letter.lastSeenAt) }
}
