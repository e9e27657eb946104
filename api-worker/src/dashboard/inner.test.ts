import { Hono } from 'hono'
import * as v from 'valibot'
import { expect, it } from 'vitest'
import type { AppEnv } from '../context.ts'
import { ADMIN_PATH } from '../http/admin.ts'
import { InnerRoutes } from './inner.ts'

const routes = new Hono<AppEnv>()
  .get('/fine', (c) => c.json({ success: true, data: { n: Number(c.req.query('n')) }, timestamp: '' }))
  .get('/refused', (c) => c.json({ success: false, error: 'not so' }, 400))
  .get('/odd', (c) => c.text('neither'))
  .post('/said', async (c) => {
    c.header('Set-Cookie', 'bookmark=1')
    return c.json({ success: true, message: JSON.stringify(await c.req.json()), timestamp: '' })
  })
  .get('/throws', () => {
    throw new Error('D1 is down')
  })

/** Asks from within an outer request. */
async function within<T>(
  ask: (inner: InnerRoutes, c: Parameters<InnerRoutes['get']>[0]) => Promise<T>,
): Promise<{ result: T; response: Response }> {
  const inner = new InnerRoutes(routes, (error, c) =>
    c.json({ success: false, error: `${error.message}, of ${c.get('requestId')}` }, 503),
  )
  let result: T | undefined
  const outer = new Hono<AppEnv>().get(`${ADMIN_PATH}/page`, async (c) => {
    c.set('requestId', 'r1')
    result = await ask(inner, c)
    return c.text('')
  })
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} }
  const response = await outer.fetch(new Request(`https://x.example${ADMIN_PATH}/page`), undefined, context)
  if (result === undefined) throw new Error('the page was not asked for')
  return { result, response }
}

const N = v.object({ n: v.number() })

it('pages have what the JSON routes answer, checked', async () => {
  const { result } = await within((inner, c) => inner.get(c, '/fine?n=3', N))
  expect(result).toMatchObject({ ok: true, data: { n: 3 } })
})

it.each([
  ['/refused', { status: 400, error: 'not so' }],
  ['/throws', { status: 503, error: 'D1 is down, of r1' }],
  ['/odd', { status: 500, error: '/odd answers 200' }],
  ['/nowhere', { status: 500, error: '/nowhere answers 404' }],
  ['/fine?n=x', { status: 500, error: expect.stringContaining('something else than this page knows: n:') }],
])('says what %s complains of', async (path, refusal) => {
  const { result } = await within((inner, c) => inner.get(c, path, N))
  expect(result).toEqual({ ok: false, ...refusal })
})

it('sends forms on as JSON, and hands the cookies of the answer to the browser', async () => {
  const { result, response } = await within((inner, c) => inner.send(c, 'POST', '/said', { a: 1 }))
  expect(result.ok).toBe(true)
  expect(response.headers.getSetCookie()).toEqual(['bookmark=1'])
  const refused = await within((inner, c) => inner.send(c, 'DELETE', '/throws'))
  expect(refused.result.ok).toBe(false)
})
