import { expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { alertOnHealth } from './alerts.ts'

/** A webhook, and the minutes of a schedule. */
function watched() {
  const world = new World()
  const told: { status: string; text: string; checks: unknown[] }[] = []
  const state = { answers: 200, isKvOpen: false, hangs: false, refuses: '' }
  const minute = async () => {
    await world.runtime.advance(60_000)
    const alerting = alertOnHealth({
      db: world.db,
      kv: world.kv,
      url: 'https://alerts.example.com/hook',
      isKvOpen: state.isKvOpen,
      backlog: null,
      runtime: world.runtime,
      call: async (_url, { body }) => {
        if (state.refuses !== '') throw new TypeError(state.refuses)
        if (state.hangs) return new Promise(() => {})
        told.push(JSON.parse(body))
        return { ok: state.answers < 300, status: state.answers }
      },
    })
    // Time goes on while it waits: for the webhook, or for KV.
    void world.runtime.advance(20_000)
    return alerting
  }
  const violate = () =>
    world.d1.exec(`INSERT INTO cache_violations (at, detail) VALUES (${world.runtime.now()}, '{}')`)
  return { world, told, state, minute, violate }
}

it('tells nobody of an idle system, nor of a mere warning', async () => {
  const { told, minute, state } = watched()
  expect(await minute()).toBe('nothing to tell')
  state.isKvOpen = true
  expect(await minute()).toBe('nothing to tell')
  expect(told).toEqual([])
})

it('tells once that it became critical, and once that it is not any more', async () => {
  const { world, told, minute, violate } = watched()
  violate()
  const said = [await minute(), await minute(), await minute()]
  expect(said).toEqual(['told that it is critical', 'still critical', 'still critical'])
  world.d1.exec('DELETE FROM cache_violations')
  expect([await minute(), await minute()]).toEqual([
    'told that it is not critical any more',
    'nothing to tell',
  ])
  violate()
  expect(await minute()).toBe('told that it is critical')
  expect(told.map(({ status }) => status)).toEqual(['critical', 'ok', 'critical'])
  expect(told[0]?.text).toBe(
    'Freshet is critical: verification: 1 value was served within 24 hours that should not have been',
  )
  expect(told[0]?.checks).toContainEqual(
    expect.objectContaining({ name: 'verification', runbook: 'docs/operations.md#violations' }),
  )
})

it('calls again what did not take it, or did not answer', async () => {
  const { told, minute, violate, state } = watched()
  violate()
  state.answers = 500
  await expect(minute()).rejects.toThrow('the webhook answered 500')
  state.hangs = true
  await expect(minute()).rejects.toThrow('the webhook took over 10000 ms')
  Object.assign(state, { answers: 204, hangs: false })
  expect([await minute(), await minute()]).toEqual(['told that it is critical', 'still critical'])
  expect(told.length).toBe(2)
})

it('does not tell the URL, which is a secret, when the call itself fails', async () => {
  const { minute, violate, state } = watched()
  violate()
  state.refuses = 'Too many redirects: https://alerts.example.com/hook'
  await expect(minute()).rejects.toThrow('TypeError: Too many redirects: ALERT_WEBHOOK_URL')
})

it('tells once that D1 is down, though it cannot note that there, and once that it is back', async () => {
  const { world, told, minute, state } = watched()
  world.d1.before = () => Promise.reject(new Error('D1 down'))
  state.answers = 503
  await expect(minute()).rejects.toThrow('the webhook answered 503')
  state.answers = 200
  expect([await minute(), await minute()]).toEqual(['told that it is critical', 'still critical'])
  expect(told.at(-1)?.text).toBe('Freshet is critical: d1: it does not answer')
  world.d1.before = null
  expect([await minute(), await minute()]).toEqual([
    'told that it is not critical any more',
    'nothing to tell',
  ])
  expect(told.length).toBe(3)
})

it('tells of D1 once the webhook takes it, though KV refuses two writes of a name within a second', async () => {
  const { world, told, minute, state } = watched()
  let writtenAt = Number.NEGATIVE_INFINITY
  world.kv.before = (operation) => {
    if (operation !== 'put' && operation !== 'delete') return
    const sinceMs = world.runtime.now() - writtenAt
    if (sinceMs < 1_000) throw new Error(`KV ${operation} failed: 429 Too Many Requests`)
    writtenAt = world.runtime.now()
  }
  world.d1.before = () => Promise.reject(new Error('D1 down'))
  state.answers = 503
  await expect(minute()).rejects.toThrow('the webhook answered 503')
  state.answers = 200
  expect(await minute()).toBe('told that it is critical')
  expect(told.length).toBe(2)
})

it('tells nothing new when D1 comes back, but something else is critical', async () => {
  const { world, told, minute, violate } = watched()
  violate()
  await minute()
  world.d1.before = () => Promise.reject(new Error('D1 down'))
  await minute()
  world.d1.before = null
  expect([await minute(), await minute()]).toEqual(['still critical', 'still critical'])
  expect(told.map(({ status }) => status)).toEqual(['critical', 'critical'])
})

it('takes a KV that does not answer for one that knows nothing', async () => {
  const { world, minute, violate } = watched()
  world.kv.before = () => Promise.reject(new Error('KV down'))
  expect(await minute()).toBe('nothing to tell')
  violate()
  expect(await minute()).toBe('told that it is critical')
})

it('waits for no KV that hangs', async () => {
  const { world, minute, violate } = watched()
  world.kv.before = () => new Promise<void>(() => {})
  violate()
  expect(await minute()).toBe('told that it is critical')
  world.d1.before = () => Promise.reject(new Error('D1 down'))
  await expect(minute()).rejects.toThrow('a KV write took over 5000 ms')
})
