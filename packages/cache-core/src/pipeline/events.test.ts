import { describe, expect, it } from 'vitest'
import { outcomes, TestMessage } from '../../test/messages.ts'
import { CapturedQueue, CONFIGS, posts, World } from '../../test/world.ts'
import type { Recipe } from '../source.ts'
import type { WarmEvent } from '../warmer.ts'
import { Budget } from './budget.ts'
import { type EventsDeps, handleEvents } from './events.ts'
import { checkMessage, eventMessage, replayMessage, warmAllMessage, warmRecipesMessage } from './message.ts'

class Bench {
  readonly world = new World()
  readonly reports: Record<string, unknown>[] = []
  readonly warmed: WarmEvent[][] = []
  /** The queue for what is left of sweeps. */
  readonly rest = new CapturedQueue()
  replay = async (id: string) => `${id} sent again`
  warmUps = 0
  readonly named: Recipe[] = []
  warm: EventsDeps['warm'] = async (events) => {
    this.warmed.push([...events])
    return events.map(() => ['a job', 'another'])
  }
  limits = { kv: 1000, d1: 1000, ms: 60_000 }

  handle(messages: readonly TestMessage[]): Promise<void> {
    const { runtime } = this.world
    const budget = new Budget(runtime, this.limits)
    return handleEvents('cache-events', messages, {
      db: budget.d1(this.world.db),
      kv: budget.kv(this.world.kv),
      queue: this.rest,
      runtime,
      configs: CONFIGS,
      budget,
      mustGo: ({ type, patterns }) => {
        if (type === 'post.odd') throw new Error('cannot read it')
        return type.startsWith('cache.') ? patterns : []
      },
      replay: (id) => this.replay(id),
      warmAll: async () => ++this.warmUps,
      warmRecipes: async (recipes) => this.named.push(...recipes),
      check: async ({ eventId }) => ({ checked: eventId }),
      warm: (events) => this.warm(events),
      patternsOf: (type, payload) => {
        if (type !== 'post.update') throw new Error(`unknown event type "${type}"`)
        return [`content:post:${JSON.stringify(payload)}`]
      },
      report: (record) => this.reports.push(record),
    })
  }

  /** An event that a write has logged, and its message. */
  async logged(id: string): Promise<TestMessage> {
    this.world.plant(id, 'old')
    const before = this.world.events.sent.length
    await this.world.isolate().cache.write([this.world.retitle(id, 'new')])
    await this.world.settle()
    return new TestMessage(`m-${id}`, this.world.events.sent[before])
  }

  produced(id: string, type = 'post.update', payload: unknown = { id }): TestMessage {
    return new TestMessage(`m-${id}`, eventMessage({ id, type, payload }))
  }

  rows() {
    return this.world.d1.sqlite
      .prepare('SELECT event_id, type, payload, patterns, processed_at FROM invalidation_log ORDER BY seq')
      .all()
  }

  letters() {
    return this.world.d1.sqlite.prepare('SELECT * FROM dead_letters ORDER BY id').all()
  }
}

describe('an event that a write has logged', () => {
  it('is warmed after, with its place in the log, and then processed', async () => {
    const bench = new Bench()
    const message = await bench.logged('1')
    await bench.handle([message])
    expect(bench.warmed).toEqual([
      [
        {
          id: expect.any(String),
          type: 'post.update',
          payload: { id: '1' },
          seq: 1,
          bookmark: `${bench.world.epoch}.1`,
        },
      ],
    ])
    expect(bench.rows()).toMatchObject([{ processed_at: bench.world.runtime.now() }])
    expect(outcomes([message])).toEqual(['acked'])
  })

  it('delivered ten times, in one batch or in ten, has its effect once', async () => {
    const bench = new Bench()
    const { body } = await bench.logged('1')
    const copies = Array.from({ length: 10 }, (_, i) => new TestMessage(`copy-${i}`, body))
    await bench.handle(copies)
    for (let i = 0; i < 10; i++) await bench.handle([new TestMessage(`again-${i}`, body)])
    expect(bench.warmed.flat().length).toBe(1)
    expect(bench.rows().length).toBe(1)
    expect(new Set(outcomes(copies))).toEqual(new Set(['acked']))
  })

  it('may come in any order', async () => {
    const bench = new Bench()
    const messages = [await bench.logged('1'), await bench.logged('2'), await bench.logged('3')]
    await bench.handle([...messages].reverse())
    expect(new Set(bench.warmed.flat().map(({ bookmark }) => bookmark.split('.')[1]))).toEqual(
      new Set(['1', '2', '3']),
    )
    expect(bench.rows().every((row) => row.processed_at !== null)).toBe(true)
  })

  it('needs no rules for producers: the log has its patterns', async () => {
    const bench = new Bench()
    const { cache } = bench.world.isolate()
    await cache.clear('content')
    await bench.world.settle()
    const message = new TestMessage('m', bench.world.events.sent[0])
    await bench.handle([message])
    expect([message.outcome, bench.letters(), bench.rows()]).toMatchObject([
      'acked',
      [],
      [{ type: 'cache.clear', processed_at: bench.world.runtime.now() }],
    ])
  })

  it('is what the log says, whatever its message says', async () => {
    const bench = new Bench()
    const message = await bench.logged('1')
    const bare = { ...(message.body as object), type: 'other', payload: null }
    await bench.handle([new TestMessage('m', bare)])
    expect(bench.warmed.flat()).toMatchObject([{ type: 'post.update', payload: { id: '1' } }])
  })
})

describe('a late copy of what the library logged itself', () => {
  it('has no effect left when its row was pruned: it is no dead letter, and is not logged again', async () => {
    const bench = new Bench()
    const late = bench.produced('1', 'cache.set', { patterns: ['content:blob:1'] })
    await bench.handle([late])
    expect([bench.rows(), bench.letters(), outcomes([late])]).toEqual([[], [], ['acked']])
  })

  it('must be one: what merely says so is set aside', async () => {
    const bench = new Bench()
    await bench.handle([bench.produced('1', 'cache.bogus', {})])
    expect([bench.rows(), bench.letters().length]).toEqual([[], 1])
  })
})

it('an event that was finished, pruned and logged anew while a batch was under way is not finished by that batch', async () => {
  const bench = new Bench()
  const message = await bench.logged('1')
  const works = bench.warm
  bench.warm = async (events) => {
    const { d1 } = bench.world
    d1.exec(`INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)
      SELECT event_id || '-again', type, payload, patterns, created_at FROM invalidation_log`)
    d1.exec(`DELETE FROM invalidation_log WHERE event_id NOT LIKE '%-again'`)
    d1.exec(`UPDATE invalidation_log SET event_id = replace(event_id, '-again', '')`)
    return works(events)
  }
  await bench.handle([message])
  expect([message.outcome, bench.rows()]).toMatchObject(['acked', [{ processed_at: null }]])
})

describe('an event from an outside producer', () => {
  it('gets its row in the log, once, with the patterns that the rules make', async () => {
    const bench = new Bench()
    await bench.handle([bench.produced('a'), bench.produced('a')])
    await bench.handle([bench.produced('a')])
    expect(bench.rows()).toEqual([
      {
        event_id: 'a',
        type: 'post.update',
        payload: '{"id":"a"}',
        patterns: '["content:post:{\\"id\\":\\"a\\"}"]',
        processed_at: bench.world.runtime.now(),
      },
    ])
    expect(bench.warmed.flat()).toMatchObject([{ type: 'post.update', bookmark: `${bench.world.epoch}.1` }])
  })

  it('gets it once also where two batches race for it', async () => {
    const bench = new Bench()
    const messages = Array.from({ length: 5 }, () => bench.produced('a'))
    await Promise.all(messages.map((message) => bench.handle([message])))
    expect(bench.rows().length).toBe(1)
    expect(new Set(outcomes(messages))).toEqual(new Set(['acked']))
  })

  it('is set aside where the rules make no pattern of it that a fence could match', async () => {
    const bench = new Bench()
    const message = bench.produced('a', 'post.update', 'x*')
    await bench.handle([message])
    expect([message.outcome, bench.rows()]).toEqual(['acked', []])
    expect(bench.letters()).toMatchObject([{ reason: expect.stringContaining('PatternError') }])
  })

  it('of a type that nobody knows is set aside', async () => {
    const bench = new Bench()
    const messages = [bench.produced('a', 'post.vanish'), bench.produced('b')]
    await bench.handle(messages)
    expect(outcomes(messages)).toEqual(['acked', 'acked'])
    expect(bench.reports.at(-1)).toMatchObject({ step: 'events', received: 2, distinct: 1, quarantined: 1 })
    expect(bench.letters()).toMatchObject([
      { id: 'm-a', queue: 'cache-events', reason: 'Error: unknown event type "post.vanish"', attempts: 1 },
    ])
    expect(bench.rows().map(({ event_id }) => event_id)).toEqual(['b'])
  })
})

describe('poison', () => {
  it('is set aside, and holds up nothing else in its batch', async () => {
    const bench = new Bench()
    const good = await bench.logged('1')
    const poison = [
      new TestMessage('p1', null),
      new TestMessage('p2', 'text'),
      new TestMessage('p3', { v: 1, id: 7 }),
    ]
    await bench.handle([poison[0] as TestMessage, good, ...poison.slice(1)])
    expect(outcomes([good, ...poison])).toEqual(['acked', 'acked', 'acked', 'acked'])
    expect(bench.letters().map(({ id, body }) => [id, body])).toEqual([
      ['p1', 'null'],
      ['p2', '"text"'],
      ['p3', '{"v":1,"id":7}'],
    ])
    expect(bench.warmed.flat().length).toBe(1)
    expect(bench.reports.filter(({ step }) => step === 'quarantined').length).toBe(3)
  })

  it('that JSON cannot say is set aside all the same', async () => {
    const bench = new Bench()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    const poison = [
      new TestMessage('p1', { big: 1n }),
      new TestMessage('p2', circular),
      new TestMessage('p3', { v: 1, id: 'p', type: 'post.update', payload: { toJSON: () => 1n } }),
    ]
    const good = bench.produced('a')
    await bench.handle([...poison, good])
    expect(outcomes([...poison, good])).toEqual(['acked', 'acked', 'acked', 'acked'])
    expect(bench.letters().length).toBe(3)
  })

  it('again only counts up', async () => {
    const bench = new Bench()
    await bench.handle([new TestMessage('p', null, 1)])
    await bench.world.runtime.advance(1000)
    await bench.handle([new TestMessage('p', null, 2)])
    expect(bench.letters()).toMatchObject([{ attempts: 3, last_seen_at: bench.world.runtime.now() }])
    expect(Number(bench.letters()[0]?.first_seen_at)).toBe(bench.world.runtime.now() - 1000)
  })
})

describe('trouble', () => {
  it('of D1: all are delivered again, each after a delay of its own', async () => {
    const bench = new Bench()
    const messages = Array.from({ length: 20 }, (_, i) => {
      const { body } = bench.produced(String(i))
      return new TestMessage(`m-${i}`, body, 5)
    })
    bench.world.d1.before = () => {
      throw new Error('D1 down')
    }
    await bench.handle(messages)
    expect(new Set(outcomes(messages))).toEqual(new Set(['retried']))
    expect(new Set(messages.map(({ delaySeconds }) => delaySeconds)).size).toBeGreaterThan(5)
    for (const { delaySeconds } of messages) expect(delaySeconds).toBeGreaterThanOrEqual(1)
    expect(bench.reports).toEqual([
      { step: 'events failed', error: expect.stringContaining('D1 down'), received: 20 },
    ])
  })

  it('of D1 at any step: what was done already is done once, when they come again', async () => {
    for (let failing = 1; failing <= 4; failing++) {
      const bench = new Bench()
      const logged = await bench.logged('1')
      let batch = 0
      bench.world.d1.before = () => {
        if (++batch === failing) throw new Error('D1 down')
      }
      const first = [logged, bench.produced('a'), new TestMessage('p', null)]
      await bench.handle(first)
      bench.world.d1.before = null
      const again = first
        .filter(({ outcome }) => outcome === 'retried')
        .map(({ id, body }) => new TestMessage(id, body, 2))
      expect(again.length).toBeGreaterThan(0)
      await bench.handle(again)
      expect(bench.rows().map(({ event_id, processed_at }) => [event_id, processed_at !== null])).toEqual([
        [(logged.body as { id: string }).id, true],
        ['a', true],
      ])
      expect(bench.letters().length).toBe(1)
      expect(new Set(outcomes(again))).toEqual(new Set(['acked']))
    }
  })

  it('of the warm queue: nothing is called processed that was not warmed', async () => {
    const bench = new Bench()
    const message = await bench.logged('1')
    const works = bench.warm
    bench.warm = async () => {
      throw new Error('queue overloaded')
    }
    await bench.handle([message])
    expect([message.outcome, bench.rows()[0]?.processed_at]).toEqual(['retried', null])
    bench.warm = works
    const again = new TestMessage('m', message.body, 2)
    await bench.handle([again])
    expect([again.outcome, bench.warmed.flat().length]).toEqual(['acked', 1])
    expect(bench.rows()[0]?.processed_at).not.toBe(null)
  })

  it('none, in an empty batch', async () => {
    const bench = new Bench()
    await bench.handle([])
    expect(bench.reports).toMatchObject([{ step: 'events', received: 0 }])
  })
})

describe('what must be gone', () => {
  /** Entries in KV, as reads left them there. */
  async function hold(bench: Bench, ids: readonly string[]): Promise<void> {
    const { cache } = bench.world.isolate()
    for (const id of ids) {
      bench.world.plant(id, id)
      await cache.read(posts.at({ id }))
    }
    await bench.world.settle()
  }
  const held = (bench: Bench) => [...bench.world.kv.entries.keys()].filter((name) => name.includes('post'))
  const row = (bench: Bench) => bench.world.d1.one('SELECT * FROM invalidation_log ORDER BY seq DESC LIMIT 1')

  async function cleared(bench: Bench): Promise<TestMessage> {
    const before = bench.world.events.sent.length
    await bench.world.isolate().cache.clear('content')
    await bench.world.settle()
    return new TestMessage('clear', bench.world.events.sent[before])
  }

  it('is swept from KV before the event is called processed, and the log tells of it', async () => {
    const bench = new Bench()
    await hold(bench, ['1', '2', '3'])
    const message = await cleared(bench)
    await bench.handle([message])
    expect([held(bench), message.outcome]).toEqual([[], 'acked'])
    const now = bench.world.runtime.now()
    expect(row(bench)).toMatchObject({
      swept: 3,
      swept_at: now,
      received_at: now,
      warm_jobs: 2,
      processed_at: now,
    })
  })

  it('goes over several messages where one invocation cannot sweep it all', async () => {
    const bench = new Bench()
    await hold(
      bench,
      Array.from({ length: 25 }, (_, i) => String(i)),
    )
    bench.limits = { kv: 10, d1: 1000, ms: 60_000 }
    await bench.handle([await cleared(bench)])
    expect(row(bench)).toMatchObject({ processed_at: null, swept: 9 })
    while (bench.rest.sent.length > 0) {
      const message = new TestMessage('rest', bench.rest.sent.shift())
      await bench.handle([message])
      expect(message.outcome).toBe('acked')
    }
    expect([held(bench), row(bench)]).toMatchObject([[], { swept: 25, processed_at: expect.any(Number) }])
    // Warmed after the first message only.
    expect(bench.warmed.flat()).toHaveLength(1)
  })

  /** A clear of more than one message can sweep. */
  async function manyCleared(count: number) {
    const bench = new Bench()
    await hold(
      bench,
      Array.from({ length: count }, (_, i) => String(i)),
    )
    bench.limits = { kv: 10, d1: 1000, ms: 60_000 }
    return { bench, message: await cleared(bench) }
  }

  it('goes all the same where the rest of a sweep is lost: the relay has it begun anew', async () => {
    const { bench, message } = await manyCleared(25)
    for (let i = 0; i < 4 && row(bench)?.processed_at === null; i++) {
      await bench.handle([new TestMessage('again', message.body)])
      expect(bench.rest.sent.splice(0).length).toBeLessThanOrEqual(1)
      await bench.world.runtime.advance(120_000)
    }
    expect([held(bench), row(bench)?.processed_at]).toEqual([[], expect.any(Number)])
  })

  it('is swept by one chain of messages, however often each comes', async () => {
    const { bench, message } = await manyCleared(60)
    await Promise.all([1, 2, 3].map(() => bench.handle([new TestMessage('copy', message.body)])))
    let messages = 0
    const all: unknown[] = []
    while (bench.rest.sent.length > 0 && messages < 50) {
      const sent = bench.rest.sent.splice(0)
      expect(sent).toHaveLength(1)
      messages++
      all.push(...sent)
      // Four copies at once, and all older messages once more.
      await Promise.all(
        [...sent, ...sent, ...sent, ...all].map((body) => bench.handle([new TestMessage('rest', body)])),
      )
    }
    expect(messages).toBeLessThan(10)
    expect([held(bench), row(bench)?.processed_at]).toEqual([[], expect.any(Number)])
    // What comes after the end has no effect.
    await hold(bench, ['new'])
    await bench.handle(all.map((body) => new TestMessage('rest', body)))
    expect(held(bench)).toHaveLength(1)
  })

  it('is not begun anew while it is under way', async () => {
    const { bench, message } = await manyCleared(25)
    await bench.handle([message])
    await bench.world.runtime.advance(119_000)
    const { lists } = bench.world.kv
    await bench.handle([new TestMessage('relayed', message.body)])
    expect([bench.world.kv.lists, bench.rest.sent.length, row(bench)?.processed_at]).toEqual([lists, 1, null])
  })

  it('is left to the relay where the queue does not take what is left', async () => {
    const { bench, message } = await manyCleared(25)
    bench.rest.fails = true
    await bench.handle([message])
    expect([message.outcome, row(bench)?.processed_at]).toEqual(['acked', null])
    expect(bench.reports.find(({ step }) => step === 'sweep not sent on')).toBeDefined()
  })

  it('goes on later where KV fails, and holds back nothing else', async () => {
    const bench = new Bench()
    await hold(bench, ['1'])
    const clear = await cleared(bench)
    const messages = [clear, bench.produced('a')]
    bench.world.kv.before = (operation) => {
      if (operation === 'list') throw new Error('KV LIST failed: 500')
    }
    await bench.handle(messages)
    expect(outcomes(messages)).toEqual(['acked', 'acked'])
    expect(bench.rows().map(({ event_id, processed_at }) => [event_id, processed_at !== null])).toEqual([
      [(clear.body as { id: string }).id, false],
      ['a', true],
    ])
    expect(bench.reports.find(({ step }) => step === 'sweep failed')).toMatchObject({
      error: 'Error: KV LIST failed: 500',
    })
    bench.world.kv.before = null
    await bench.handle([new TestMessage('rest', bench.rest.sent[0])])
    expect([held(bench), bench.rows()[0]?.processed_at]).toEqual([[], expect.any(Number)])
  })

  it('goes on later where KV hangs: the invocation ends all the same', async () => {
    const bench = new Bench()
    await hold(bench, ['1'])
    const clear = await cleared(bench)
    bench.world.kv.before = (operation) => (operation === 'delete' ? new Promise<void>(() => {}) : undefined)
    const handling = bench.handle([clear])
    await bench.world.runtime.advance(10_000)
    await handling
    expect([clear.outcome, bench.rest.sent.length]).toEqual(['acked', 1])
    expect(bench.reports.find(({ step }) => step === 'sweep failed')).toMatchObject({
      error: 'DeadlineError: a KV delete took over 10000 ms',
    })
  })

  it('is not swept by an event of another epoch', async () => {
    const bench = new Bench()
    await hold(bench, ['1'])
    bench.limits = { kv: 1, d1: 1000, ms: 60_000 }
    await bench.handle([await cleared(bench)])
    bench.world.d1.exec(`UPDATE invalidation_state SET epoch = 'other'`)
    bench.limits = { kv: 100, d1: 1000, ms: 60_000 }
    await bench.handle([new TestMessage('rest', bench.rest.sent[0])])
    expect(held(bench)).toHaveLength(1)
  })

  it('holds back no event that the content model cannot read', async () => {
    const bench = new Bench()
    bench.world.logElsewhere(['content:post:1'], 'post.odd')
    const id = String(row(bench)?.event_id)
    const message = new TestMessage('m', eventMessage({ id, type: 'post.odd', payload: {} }))
    await bench.handle([message])
    expect([message.outcome, row(bench)?.processed_at]).toEqual(['acked', expect.any(Number)])
    expect(bench.reports.find(({ step }) => step === 'not swept')).toMatchObject({
      error: 'Error: cannot read it',
    })
  })
})

describe('a dead letter that an operator sends again', () => {
  it('is replayed, and acked after', async () => {
    const bench = new Bench()
    const message = new TestMessage('m', replayMessage('d1'))
    await bench.handle([message, bench.produced('a')])
    expect(message.outcome).toBe('acked')
    expect(bench.reports).toContainEqual({ step: 'replay', deadLetter: 'd1', outcome: 'd1 sent again' })
  })

  it('comes again where that fails, and holds back no event', async () => {
    const bench = new Bench()
    bench.replay = async () => {
      throw new Error('queue overloaded')
    }
    const messages = [new TestMessage('m', replayMessage('d1')), bench.produced('a')]
    await bench.handle(messages)
    expect(outcomes(messages)).toEqual(['retried', 'acked'])
  })
})

it('a full warm-up that is asked for twice is done once', async () => {
  const bench = new Bench()
  const messages = [new TestMessage('m1', warmAllMessage()), new TestMessage('m2', warmAllMessage())]
  await bench.handle(messages)
  expect([outcomes(messages), bench.warmUps]).toEqual([['acked', 'acked'], 1])
  expect(bench.reports).toContainEqual({ step: 'full warm-up', jobs: 1 })
})

it('what an operator names is warmed, and what is to be looked at again is', async () => {
  const bench = new Bench()
  const recipe = { resource: 'post', params: { id: '1' } }
  const messages = [
    new TestMessage('m1', warmRecipesMessage([recipe])),
    new TestMessage('m2', checkMessage({ recipe, eventId: 'e1', afterSeconds: 5 })),
  ]
  await bench.handle(messages)
  expect([outcomes(messages), bench.named]).toEqual([['acked', 'acked'], [recipe]])
  expect(bench.reports).toContainEqual({ step: 'warm-up', jobs: 1 })
  expect(bench.reports).toContainEqual({ step: 'check', checked: 'e1' })
})

it('a batch tells which request each of its events came from, where it has one', async () => {
  const bench = new Bench()
  const of = (id: string, requestId?: string) =>
    new TestMessage(`m-${id}`, eventMessage({ id, type: 'post.update', payload: { id } }, requestId))
  await bench.handle([of('e1', 'ray-1'), of('e2')])
  expect(bench.reports).toContainEqual(
    expect.objectContaining({ step: 'events', events: ['e1', 'e2'], requests: { e1: 'ray-1' } }),
  )
})
