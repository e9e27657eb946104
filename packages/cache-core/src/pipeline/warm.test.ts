import { describe, expect, it } from 'vitest'
import { outcomes, TestMessage } from '../../test/messages.ts'
import { CapturedQueue, CONFIGS, posts, resources, World } from '../../test/world.ts'
import { Isolate } from '../isolate.ts'
import { withoutMemory } from '../policy.ts'
import { parseSettings } from '../settings.ts'
import { defineResource, type ResourceTable } from '../source.ts'
import { Budget } from './budget.ts'
import { handleWarm } from './warm.ts'
import { type WarmJob, warmMessages } from './warm-job.ts'

/** Secrets of users, which nobody may warm. */
const secrets = defineResource<{ id: string }, unknown>({
  ...posts.at({ id: '1' }),
  name: 'secret',
  namespace: 'user',
  parseParams: () => ({ id: '1' }),
  key: ({ id }) => ({ entity: 'secret', id }),
  tags: () => [],
  load: (db) => posts.at({ id: '1' }).load(db),
  parse: (json) => json,
})

class Bench {
  readonly world = new World()
  readonly reports: Record<string, unknown>[] = []
  readonly isolate: Isolate
  table: ResourceTable = { ...resources, secret: secrets }
  order: string[] = []
  readonly queue = new CapturedQueue()
  limits = { kv: 1000, d1: 1000, ms: 60_000 }

  constructor(env: Record<string, string> = {}) {
    this.isolate = new Isolate({
      configs: withoutMemory(CONFIGS),
      settings: parseSettings(env),
      runtime: this.world.runtime,
      keepsFresh: false,
    })
  }

  message(job: Partial<WarmJob> & { id?: string }, attempts = 1): TestMessage {
    const { id = '1', ...rest } = job
    const full = { recipe: { resource: 'post', params: { id } }, priority: 1, reason: 'test', ...rest }
    const name = `${full.recipe.resource}-${id}-${full.priority}`
    return new TestMessage(name, warmMessages([full]).flat()[0]?.body, attempts, () => this.order.push(name))
  }

  handle(messages: readonly TestMessage[]): Promise<void> {
    const { db, kv } = this.world
    const budget = new Budget(this.world.runtime, this.limits)
    return handleWarm('cache-warm-high', messages, {
      lane: 'high',
      queue: this.queue,
      isolate: this.isolate,
      io: { db: budget.d1(db), kv: budget.kv(kv), events: null },
      resources: this.table,
      budget,
      report: (record) => this.reports.push(record),
    })
  }

  /** From now on, each load of a post tells of itself first. */
  onLoad(tell: (id: string) => void): void {
    const from = (params: unknown) => {
      const source = posts.from(params)
      const load: typeof source.load = (db) => {
        tell(String(source.id))
        return source.load(db)
      }
      return { ...source, load }
    }
    this.table = { post: { ...posts, from } }
  }

  outcomesOfJobs = () => this.reports.filter(({ step }) => step === 'warm job').map(({ outcome }) => outcome)

  counts() {
    const rows = this.world.d1.sqlite.prepare('SELECT name, value FROM pipeline_counts ORDER BY name').all()
    return Object.fromEntries(rows.map(({ name, value }) => [String(name), value]))
  }
}

describe('a warm job', () => {
  it('loads its recipe into KV, where the next isolate finds it', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs()]).toEqual(['acked', ['loaded']])
    expect((await bench.world.isolate().cache.read(posts.at({ id: '1' }))).source).toBe('kv')
  })

  it('is acked after KV has the value, not before', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    let put = () => {}
    bench.world.kv.before = (operation) =>
      operation === 'put' ? new Promise<void>((resolve) => (put = resolve)) : undefined
    const message = bench.message({})
    const handling = bench.handle([message])
    await bench.world.settle()
    expect(message.outcome).toBe(null)
    put()
    await handling
    expect(message.outcome).toBe('acked')
  })

  it('is done where KV already holds the value, valid', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    await bench.handle([bench.message({})])
    const { writes } = bench.world.kv
    await bench.handle([bench.message({})])
    expect([bench.outcomesOfJobs(), bench.world.kv.writes]).toEqual([['loaded', 'fresh'], writes])
  })

  it('is not done where the value has not seen what its bookmark has', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    await bench.handle([bench.message({})])
    const seq = bench.world.writeElsewhere('1', 'second')
    await bench.handle([bench.message({ bookmark: `${bench.world.epoch}.${seq}` })])
    expect(bench.outcomesOfJobs()).toEqual(['loaded', 'loaded'])
    const read = await bench.world.isolate().cache.read(posts.at({ id: '1' }))
    expect([read.source, read.value()?.title]).toEqual(['kv', 'second'])
  })

  it('keeps nothing of what not everybody may see, also when KV just lost it to a sweep', async () => {
    const bench = new Bench()
    const from = (params: unknown) => ({
      ...posts.from(params),
      isPublic: (label: string | null) => label !== 'd',
    })
    bench.table = { post: { ...posts, from } }
    bench.world.plant('1', 'draft')
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs(), bench.world.kv.writes]).toEqual([
      'acked',
      ['not public'],
      0,
    ])
    expect(bench.counts()).toEqual({ 'warm.high.not public': 1 })
    const seq = bench.world.writeElsewhere('1', 'published')
    await bench.handle([bench.message({ bookmark: `${bench.world.epoch}.${seq}` })])
    expect([bench.outcomesOfJobs().at(-1), bench.world.kv.writes]).toEqual(['loaded', 1])
  })

  it('is a dead letter where what it names can never be public', async () => {
    const bench = new Bench()
    const from = (params: unknown) => ({ ...posts.from(params), isPublic: () => false })
    bench.table = { post: { ...posts, from } }
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.world.kv.writes]).toEqual(['acked', 0])
    expect(bench.world.d1.one('SELECT reason FROM dead_letters')).toEqual({
      reason: '"post" with these parameters is not public: never warmed',
    })
  })

  it('for what is not there (any more) is done as well', async () => {
    const bench = new Bench()
    const message = bench.message({ id: 'gone' })
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs(), bench.world.kv.writes]).toEqual([
      'acked',
      ['not found'],
      0,
    ])
  })

  it.each(['CACHE_ENABLED', 'CACHE_KV_ENABLED'])('has nothing to do without %s', async (name) => {
    const bench = new Bench({ [name]: 'false' })
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.world.queries()]).toEqual(['acked', 0])
  })
})

it('a job for a key that is not served costs nothing', async () => {
  const bench = new Bench({ CACHE_ROLLOUT_PERCENT: '0' })
  bench.world.plant('1', 'first')
  const message = bench.message({})
  await bench.handle([message])
  expect([message.outcome, bench.world.queries()]).toEqual(['acked', 0])
})

describe('a batch', () => {
  it('is run by priority', async () => {
    const bench = new Bench()
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) bench.world.plant(id, id)
    const loaded: string[] = []
    bench.onLoad((id) => loaded.push(id))
    const priorities = { a: 9, b: 0, c: 5, d: 1, e: 3, f: 4 }
    await bench.handle(Object.entries(priorities).map(([id, priority]) => bench.message({ id, priority })))
    expect(loaded).toEqual(['b', 'd', 'e', 'f', 'c', 'a'])
  })

  it('of one priority is run by what each job is expected to save', async () => {
    const bench = new Bench()
    const loaded: string[] = []
    bench.onLoad((id) => loaded.push(id))
    const benefits = { a: 3, b: 50, c: 0, d: 7 }
    await bench.handle(Object.entries(benefits).map(([id, benefit]) => bench.message({ id, benefit })))
    expect(loaded).toEqual(['b', 'd', 'a', 'c'])
  })

  it('is counted by lane and outcome, with how long its jobs waited', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    const bornAt = bench.world.runtime.now() - 700
    await bench.handle([bench.message({ bornAt }), bench.message({ id: 'gone' })])
    expect(bench.counts()).toEqual({
      'warm.high.done': 1,
      'warm.high.loaded': 1,
      'warm.high.not found': 1,
      'warm.high.wait_ms': 700,
    })
  })

  it('leaves a note of what else waits in its lane, the newest of the minute', async () => {
    const bench = new Bench()
    for (const backlogCount of [7, 3]) {
      bench.queue.metrics = async () => ({ backlogCount })
      await bench.handle([bench.message({})])
    }
    expect(bench.counts()['backlog.high']).toBe(3)
    bench.queue.metrics = () => Promise.reject(new Error('not now'))
    await bench.handle([bench.message({})])
    expect([bench.counts()['backlog.high'], bench.counts()['warm.high.not found']]).toEqual([3, 3])
  })

  it('is done though nobody can count it', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    bench.world.d1.exec('DROP TABLE pipeline_counts')
    const message = bench.message({})
    await bench.handle([message])
    expect(message.outcome).toBe('acked')
    expect(bench.reports.at(-1)).toMatchObject({ step: 'counts lost' })
  })

  it('loads a recipe once, for all its copies', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    const copies = [5, 2, 7].map((priority) => bench.message({ priority }))
    await bench.handle(copies)
    expect([outcomes(copies), bench.outcomesOfJobs()]).toEqual([['acked', 'acked', 'acked'], ['loaded']])
  })

  it('has three jobs under way at once, and no more', async () => {
    const bench = new Bench()
    await bench.isolate.refresher.run(bench.world.io())
    let most = 0
    let running = 0
    const releases: (() => void)[] = []
    bench.onLoad(() => {
      most = Math.max(most, ++running)
    })
    bench.world.d1.before = () =>
      new Promise<void>((resolve) => {
        releases.push(() => {
          running--
          resolve()
        })
      })
    const messages = Array.from({ length: 12 }, (_, i) => bench.message({ id: String(i) }))
    const handling = bench.handle(messages)
    await bench.world.settle()
    expect(running).toBe(3)
    while (messages.some(({ outcome }) => outcome === null)) {
      releases.shift()?.()
      await bench.world.settle()
    }
    bench.world.d1.before = null
    for (const release of releases) release()
    await handling
    expect(most).toBe(3)
  })
})

describe('a job that cannot be done', () => {
  it.each([
    ['is none', { nonsense: true }, 'v: '],
    [
      'has an unknown resource',
      { v: 1, recipe: { resource: 'page', params: {} }, priority: 1, reason: '' },
      'unknown resource "page"',
    ],
    [
      'has parameters that do not fit',
      { v: 1, recipe: { resource: 'post', params: {} }, priority: 1, reason: '' },
      'ValiError',
    ],
    [
      'is for a private value',
      { v: 1, recipe: { resource: 'secret', params: {} }, priority: 1, reason: '' },
      '"user" is private: never warmed',
    ],
  ])('since it %s is set aside, and the others go on', async (_, body, reason) => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    const [bad, good] = [new TestMessage('bad', body), bench.message({})]
    await bench.handle([bad, good])
    expect(outcomes([bad, good])).toEqual(['acked', 'acked'])
    expect(bench.world.d1.one('SELECT queue, reason FROM dead_letters')).toEqual({
      queue: 'cache-warm-high',
      reason: expect.stringContaining(reason),
    })
    expect(bench.reports).toContainEqual({
      step: 'quarantined',
      queue: 'cache-warm-high',
      message: 'bad',
      problem: expect.stringContaining(reason),
    })
    expect(bench.world.kv.writes).toBe(1)
  })

  it('is not acked where it cannot be set aside', async () => {
    const bench = new Bench()
    bench.world.d1.before = () => {
      throw new Error('D1 down')
    }
    const bad = new TestMessage('bad', null, 3)
    await bench.handle([bad])
    expect(bad.outcome).toBe('retried')
    expect(bad.delaySeconds).toBeGreaterThanOrEqual(1)
  })

  it('since its load fails comes again, after a delay, with its copies; the others are done', async () => {
    const bench = new Bench()
    bench.world.plant('2', 'second')
    bench.onLoad((id) => {
      if (id === '1') throw new Error('no such column')
    })
    const messages = [bench.message({}), bench.message({ priority: 4 }), bench.message({ id: '2' })]
    await bench.handle(messages)
    expect(outcomes(messages)).toEqual(['retried', 'retried', 'acked'])
    expect(messages[0]?.delaySeconds).toBeGreaterThanOrEqual(1)
    expect(bench.reports).toContainEqual({
      step: 'warm job',
      lane: 'high',
      outcome: 'failed',
      recipe: { resource: 'post', params: { id: '1' } },
      reason: 'test',
      waitMs: 0,
      error: 'Error: no such column',
    })
  })

  it('since another writer has just won the race for its name is done', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    bench.world.kv.before = (operation) => {
      if (operation === 'put') throw new Error('KV PUT failed: 429 Too Many Requests')
    }
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs()]).toEqual(['acked', ['loaded']])
  })

  it('since KV hangs takes ten seconds at most', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    bench.world.kv.before = (operation) => (operation === 'put' ? new Promise(() => {}) : undefined)
    const message = bench.message({})
    const handling = bench.handle([message])
    await bench.world.runtime.advance(10_000)
    await handling
    expect(message.outcome).not.toBe(null)
  })
})

describe('a job that finds everything busy', () => {
  const down = (bench: Bench) => {
    bench.world.d1.before = () => {
      throw new Error('D1_ERROR: D1 DB is overloaded. Requests queued for too long.')
    }
  }

  it('comes again as a message of its own, which burns none of its attempts', async () => {
    const bench = new Bench()
    down(bench)
    const message = bench.message({ bornAt: bench.world.runtime.now() - 5_000, benefit: 3 }, 6)
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs()]).toEqual(['acked', ['deferred']])
    expect(bench.queue.sent).toEqual([message.body])
  })

  it('as D1 hangs, or has its value in KV only, which is old', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    await bench.handle([bench.message({})])
    await bench.world.runtime.advance(10_000)
    bench.world.d1.before = () => new Promise(() => {})
    const handling = bench.handle([bench.message({})])
    for (let i = 0; i < 4; i++) await bench.world.runtime.advance(10_000)
    await handling
    down(bench)
    await bench.handle([bench.message({})])
    expect(bench.outcomesOfJobs().slice(1)).toEqual(['deferred', 'deferred'])
  })

  it('as KV does not take its value is deferred, and asks D1 for nothing while KV is known to fail', async () => {
    const bench = new Bench()
    const ids = ['1', '2', '3', '4', '5', '6', '7', '8']
    for (const id of ids) bench.world.plant(id, id)
    bench.world.kv.before = (operation) => {
      if (operation === 'put') throw new Error('KV PUT failed: 500')
    }
    const loaded: string[] = []
    bench.onLoad((id) => loaded.push(id))
    const messages = ids.map((id) => bench.message({ id }))
    await bench.handle(messages)
    expect(new Set(outcomes(messages))).toEqual(new Set(['acked']))
    expect(new Set(bench.outcomesOfJobs())).toEqual(new Set(['deferred']))
    expect([bench.queue.sent.length, loaded.length < ids.length]).toEqual([ids.length, true])
  })

  it('as the budget of the invocation is spent goes on in another one', async () => {
    const bench = new Bench()
    bench.limits = { kv: 20, d1: 1000, ms: 60_000 }
    const ids = Array.from({ length: 30 }, (_, i) => String(i))
    for (const id of ids) bench.world.plant(id, id)
    const messages = ids.map((id) => bench.message({ id }))
    await bench.handle(messages)
    expect(new Set(outcomes(messages))).toEqual(new Set(['acked']))
    const deferred = bench.outcomesOfJobs().filter((outcome) => outcome === 'deferred').length
    expect(deferred).toBeGreaterThan(10)
    expect(bench.queue.sent.length).toBe(deferred)
    expect(bench.world.kv.reads + bench.world.kv.writes).toBeLessThanOrEqual(20)
  })

  it('for an hour is given up: whoever reads its key loads it', async () => {
    const bench = new Bench()
    down(bench)
    const message = bench.message({ bornAt: bench.world.runtime.now() - 3_600_001 })
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs(), bench.queue.sent]).toEqual(['acked', ['expired'], []])
  })

  it('and the queue as well is retried', async () => {
    const bench = new Bench()
    down(bench)
    bench.queue.fails = true
    const message = bench.message({})
    await bench.handle([message])
    expect([message.outcome, bench.outcomesOfJobs()]).toEqual(['retried', ['failed']])
  })
})

describe('a job with a time', () => {
  it('after its deadline is not worth doing', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    const now = bench.world.runtime.now()
    await bench.handle([bench.message({ deadline: now - 1 }), bench.message({ id: '2', deadline: now })])
    expect(bench.outcomesOfJobs()).toEqual(['expired', 'not found'])
  })

  it('loads ahead of the expiry what KV holds for a short while only', async () => {
    const bench = new Bench()
    bench.world.plant('1', 'first')
    await bench.handle([bench.message({})])
    await bench.handle([bench.message({ minLifeMs: 600_000 })])
    await bench.world.runtime.advance(3_000_000)
    await bench.handle([bench.message({ minLifeMs: 600_001 })])
    expect(bench.outcomesOfJobs().slice(0, 2)).toEqual(['loaded', 'fresh'])
    await bench.world.runtime.advance(3_000_000)
    await bench.handle([bench.message({ minLifeMs: 600_000 })])
    expect(bench.outcomesOfJobs().at(-1)).toBe('loaded')
    const { cache } = bench.world.isolate()
    expect((await cache.read(posts.at({ id: '1' }))).ttlMs).toBeGreaterThan(3_000_000)
  })
})
