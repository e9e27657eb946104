import { afterEach, expect, it, vi } from 'vitest'
import { checkHealth } from './health.ts'

afterEach(() => void vi.unstubAllGlobals())

const answers = (...responses: Response[]) => vi.stubGlobal('fetch', async () => responses.shift())

it('is content when all answer well', async () => {
  answers(new Response('ok'), new Response(null, { status: 204 }))
  await checkHealth(['http://one', 'http://two'])
})

it('says which does not and why', async () => {
  answers(new Response('ok'), Response.json({ title: 'x', detail: 'CORS_ORIGINS is "foo"' }, { status: 503 }))
  await expect(checkHealth(['http://one', 'http://two'])).rejects.toThrow(
    'http://two/health answers 503: CORS_ORIGINS is "foo"',
  )
})

it('shows any other body as it is', async () => {
  answers(new Response('Internal error', { status: 500 }))
  await expect(checkHealth(['http://one'])).rejects.toThrow('http://one/health answers 500: Internal error')
})
