import { seedPostId } from '@freshet/cms/seed'
import { cancelledClient } from '@freshet/test-support'
import { afterEach, expect, it } from 'vitest'
import { type Api, itemOf, startTestStack, statsOf, type TestStack } from './support/stack.ts'

let world: TestStack
let api: Api
let admin: Api

async function start(): Promise<void> {
  world = await startTestStack({ chaos: true })
  api = world.api
  admin = await api.login('admin')
}
afterEach(() => world.stop())

const path = (i: number) => `/api/content/${seedPostId(i)}`
const loads = async () => (await statsOf(admin)).namespaces.content?.loads ?? 0

it('a hundred concurrent misses of one key make one load', async () => {
  await start()
  await world.chaos(api, { d1DelayMs: 100 })
  const before = await loads()
  const responses = await Promise.all(Array.from({ length: 100 }, () => api.request(path(1))))
  expect(responses.every((response) => response.status === 200)).toBe(true)
  expect((await loads()) - before).toBe(1)
})

it('a hundred concurrent misses make one load when it throws, and the next request a new one', async () => {
  await start()
  // The fence is fresh, so that the load is the first thing that D1 is asked for.
  await api.request(path(0))
  const before = await loads()
  await world.chaos(api, { d1DelayMs: 200 })
  const reads = Array.from({ length: 100 }, () => api.request(path(1)))
  await world.chaos(api, { d1: 'network connection lost', d1DelayMs: 0 })
  const statuses = (await Promise.all(reads)).map((response) => response.status)
  // Before the statistics are asked for: they would ask the failing D1 as well, and open its breaker.
  await world.chaos(api, { d1: 'ok' })
  expect((await loads()) - before).toBe(1)
  expect((await api.request(path(1))).status).toBe(200)
  expect([...new Set(statuses)]).toEqual([503])
})

it('a leader that is cancelled hangs and fails neither its followers nor the next request', async () => {
  await start()
  await api.request(path(0))
  await world.chaos(api, { d1DelayMs: 400 })
  const leader = cancelledClient(api.url + path(2))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const followers = Array.from({ length: 20 }, () => api.request(path(2)))
  await new Promise((resolve) => setTimeout(resolve, 50))
  leader.cancel()
  expect(await leader.status).toBeNull()
  for (const response of await Promise.all(followers)) {
    expect(response.status).toBe(200)
    expect((await itemOf(response)).id).toBe(seedPostId(2))
  }
  expect((await api.request(path(2))).headers.get('X-Cache-Status')).toBe('HIT')
})

it('a load that never settles is taken over', async () => {
  await start()
  await api.request(path(0))
  const before = await loads()
  await world.chaos(api, { hangNext: 1 })
  const leader = cancelledClient(api.url + path(3))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const followers = Array.from({ length: 20 }, () => api.request(path(3)))
  leader.cancel()
  expect(await leader.status).toBeNull()
  for (const response of await Promise.all(followers)) expect(response.status).toBe(200)
  expect((await loads()) - before).toBe(2)
  expect((await api.request(path(3))).status).toBe(200)
})
