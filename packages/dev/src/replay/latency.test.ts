import { describe, expect, it, vi } from 'vitest'
import { withLatency } from './latency.ts'
import { withLatency as withSlowBindings } from './latency-worker.js'

const delays = { d1Ms: 40, kvMs: 15 }

describe('withLatency', () => {
  it('puts a Worker behind slow bindings', () => {
    const options = withLatency(delays)({
      name: 'api',
      modules: [{ type: 'ESModule', path: 'api.mjs', contents: 'export default {}' }],
    })
    const modules = 'modules' in options && Array.isArray(options.modules) ? options.modules : []
    expect(modules.map(({ path }) => path)).toEqual(['main.mjs', 'wrapper.mjs', 'api.mjs'])
    expect(modules[0]?.contents).toContain(`from './api.mjs'`)
    expect(modules[0]?.contents).toContain('{"d1Ms":40,"kvMs":15}')
  })

  it('knows bundled Workers only', () => {
    expect(() => withLatency(delays)({ script: '' })).toThrow('a bundled Worker has modules')
    expect(() => withLatency(delays)({ modules: [] })).toThrow('a bundled Worker has a module')
  })
})

describe('the slow bindings', () => {
  const bound = { first: async () => 'row' }
  const statement = { bind: vi.fn(() => bound), all: async () => 'rows' }
  const db = { prepare: vi.fn(() => statement), batch: vi.fn(async (given: unknown[]) => given), name: 'db' }
  const kv = { getWithMetadata: vi.fn(async () => 'value') }
  const env = { DB: db, CACHE: kv, CACHE_ENABLED: 'true' }

  it('hand on what is asked and answered', async () => {
    const worker = withSlowBindings(
      {
        async fetch(_: unknown, { DB, CACHE, CACHE_ENABLED }: typeof env) {
          const own = DB.prepare()
          // D1 would not know its own statements in any wrapping.
          expect(await DB.batch([own, own.bind()])).toEqual([statement, bound])
          expect(await own.all()).toBe('rows')
          expect(await CACHE.getWithMetadata()).toBe('value')
          return [CACHE_ENABLED, DB.name]
        },
      },
      { d1Ms: 1, kvMs: 1 },
    )
    expect(Object.keys(worker)).toEqual(['fetch'])
    expect(await worker.fetch('request', env, {})).toEqual(['true', 'db'])
  })

  it.each<[string, number, (given: typeof env) => unknown]>([
    ['a batch', 40, ({ DB }) => DB.batch([])],
    ['a statement', 40, ({ DB }) => DB.prepare().all()],
    ['a bound statement', 40, ({ DB }) => DB.prepare().bind().first()],
    ['KV', 15, ({ CACHE }) => CACHE.getWithMetadata()],
  ])('delay %s by %i ms', async (_, ms, ask) => {
    const worker = withSlowBindings({ queue: async (_: unknown, given: typeof env) => ask(given) }, delays)
    const startedAt = performance.now()
    await worker.queue('batch', env, {})
    // Timers may fire a fraction of a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(ms - 2)
  })

  it('stay the same for an environment', async () => {
    const worker = withSlowBindings({ queue: async (_: unknown, bindings: typeof env) => bindings }, delays)
    expect(await worker.queue('batch', env, {})).toBe(await worker.queue('batch', env, {}))
  })

  it('are left out where there are none', async () => {
    const worker = withSlowBindings({ queue: async (_: unknown, bindings: object) => bindings }, delays)
    expect(await worker.queue('batch', { A: '1' }, {})).toEqual({ A: '1' })
  })
})
