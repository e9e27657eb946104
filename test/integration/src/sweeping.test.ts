import { eventMessage } from '@freshet/cache-core/pipeline'
import { seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, startTestStack, type TestStack } from './support/stack.ts'

const KEYS = 2_500

const Row = v.object({
  event_id: v.string(),
  type: v.string(),
  payload: v.pipe(v.string(), v.parseJson()),
  swept: v.number(),
  processed_at: v.nullable(v.number()),
  received_at: v.nullable(v.number()),
  swept_at: v.nullable(v.number()),
})

describe('what must be gone', () => {
  let world: TestStack
  let admin: Api
  const said: string[] = []

  beforeAll(async () => {
    world = await startTestStack({ onOutput: (line) => said.push(line) })
    admin = await world.api.login('admin')
  })
  afterAll(() => world.stop())

  const kv = () => world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
  const sql = async (text: string) => (await world.stack.sql([{ sql: text, params: [] }]))[0]
  const newest = async () =>
    v.parse(v.array(Row), await sql('SELECT * FROM invalidation_log ORDER BY seq DESC LIMIT 1'))[0]
  const namesWith = async (prefix: string) => {
    const names: string[] = []
    let cursor: string | null = null
    do {
      const page: { keys: { name: string }[]; list_complete: boolean; cursor?: string } = await (
        await kv()
      ).list({ prefix, cursor })
      names.push(...page.keys.map(({ name }) => name))
      cursor = page.list_complete ? null : (page.cursor ?? null)
    } while (cursor !== null)
    return names
  }

  /** Entries as an API Worker leaves them, of items that nobody has to load for it. */
  async function fill(prefix: string, count: number): Promise<void> {
    const [state] = v.parse(
      v.array(v.object({ epoch: v.string() })),
      await sql('SELECT epoch FROM invalidation_state'),
    )
    const store = await kv()
    const metadata = {
      s: 1,
      e: state?.epoch,
      st: 0,
      up: 0,
      x: Date.now() + 3_600_000,
      t: '"t"',
      f: true,
      c: 'c',
    }
    for (let from = 0; from < count; from += 250) {
      await Promise.all(
        Array.from({ length: Math.min(250, count - from) }, (_, i) =>
          store.put(`${prefix}${String(from + i).padStart(4, '0')}:v1.1.0`, 'x\n{}', { metadata }),
        ),
      )
    }
  }

  it(`is swept from KV over several messages: ${KEYS} keys under one hard pattern`, async () => {
    await fill('content:item:sweep-', KEYS)
    await fill('content:items:other-', 3)
    const response = await admin.request('/admin/cache/invalidate', {
      method: 'POST',
      body: { pattern: 'content:item:*', hard: true },
    })
    expect(response.status).toBe(200)
    await eventually('the event is processed', async () => (await newest())?.processed_at !== null, 60_000)
    expect(await namesWith('content:item:sweep-')).toEqual([])
    expect(await namesWith('content:items:other-')).toHaveLength(3)
    const row = await newest()
    expect(row).toMatchObject({ type: 'cache.invalidate', received_at: expect.any(Number) })
    expect(row?.swept).toBeGreaterThanOrEqual(KEYS)
    const sweeps = said.filter(
      (line) => line.includes('"step":"swept"') && line.includes(row?.event_id ?? '?'),
    )
    expect(sweeps.length).toBeGreaterThanOrEqual(3)
    expect(sweeps.at(-1)).toContain('"isDone":true')
  }, 120_000)

  it('is swept again by no message that comes twice or late', async () => {
    const row = await newest()
    if (row === undefined) throw new Error('the test before has logged an event')
    const path = `/api/content/${seedPostId(1)}`
    await world.api.request(path)
    await eventually('the fresh entry is in KV', async () => (await namesWith('content:item:')).length > 0)
    const queue = await world.stack.miniflare.getQueueProducer('EVENTS', 'freshet-api-1')
    const message = eventMessage({ id: row.event_id, type: row.type, payload: row.payload })
    await queue.sendBatch([{ body: message }, { body: message }])
    const before = said.length
    await eventually('both were consumed', async () =>
      said.slice(before).some((line) => line.includes('"step":"events"') && line.includes('"received":')),
    )
    expect((await namesWith('content:item:')).length).toBeGreaterThan(0)
    expect(await newest()).toEqual(row)
  })

  it('leaves KV after a deletion and an unpublishing, and lists are served without it at once', async () => {
    const editor = await world.api.login('editor')
    const ids = [seedPostId(2), seedPostId(3)]
    for (const id of ids) await world.api.request(`/api/content/${id}`)
    const namesOf = async () =>
      (await namesWith('content:item:')).filter((name) => ids.some((id) => name.includes(id)))
    await eventually('both are in KV', async () => (await namesOf()).length === 2)
    const before = await namesOf()
    expect((await editor.request(`/api/content/${ids[0]}`, { method: 'DELETE' })).status).toBe(204)
    expect((await editor.request(`/api/content/${ids[1]}/unpublish`, { method: 'POST' })).status).toBe(200)
    // What editors read of the withdrawn item now has another name.
    await eventually('neither is there any more', async () => {
      const names = await namesOf()
      return !before.some((name) => names.includes(name))
    })
    for (const id of ids) expect((await world.api.request(`/api/content/${id}`)).status).toBe(404)
  })
})
