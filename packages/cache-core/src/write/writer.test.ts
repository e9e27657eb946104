import { describe, expect, it } from 'vitest'
import { CapturedQueue, posts, World } from '../../test/world.ts'
import { PatternError } from '../keys/pattern.ts'
import { ROW_ID } from '../log/tail.ts'
import { parseEventMessage } from '../pipeline/message.ts'
import { Writer } from './writer.ts'

const post = posts.at({ id: '1' })

function planted() {
  const world = new World()
  world.plant('1', 'old')
  return { world, ...world.isolate() }
}

const logged = (world: World) =>
  world.d1.sqlite.prepare('SELECT seq, event_id, type, payload, patterns FROM invalidation_log').all()

/** Loses the answer of the next write: after it was committed, or before. */
function loseNextWrite(world: World, when: 'before' | 'after') {
  world.d1[when] = (statements) => {
    if (!statements.some(({ sql }) => sql.startsWith('UPDATE posts'))) return
    world.d1[when] = null
    throw new Error('D1_ERROR: network connection lost')
  }
}

describe('a write', () => {
  it('commits data and event together, and hands out its place in the log', async () => {
    const { world, cache } = planted()
    const { changes, bookmark } = await cache.write([world.retitle('1', 'new')])
    expect(changes).toMatchObject([{ changed: true, seq: 1, result: { meta: { changes: 1 } } }])
    expect(bookmark).toBe(`${world.epoch}.1`)
    expect(logged(world)).toEqual([
      {
        seq: 1,
        event_id: changes[0]?.eventId,
        type: 'post.update',
        payload: '{"id":"1"}',
        patterns: '["content:post:1"]',
      },
    ])
  })

  it('is one batch, which brings the fence to the write without a gap', async () => {
    const { world, cache, isolate } = planted()
    await cache.read(post)
    world.logElsewhere(['content:post:8'])
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    await cache.write([world.retitle('1', 'new')])
    expect([batches, isolate.fence.head, isolate.fence.generation('content:post:8')]).toEqual([1, 2, 1])
  })

  it('is seen at once in its own isolate, though its fence is fresh and its memory full', async () => {
    const { world, cache } = planted()
    await cache.read(post)
    await cache.write([world.retitle('1', 'new')])
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('is seen anywhere with its bookmark', async () => {
    const { world, cache } = planted()
    const elsewhere = world.isolate().cache
    await elsewhere.read(post)
    const { bookmark } = await cache.write([world.retitle('1', 'new')])
    expect((await elsewhere.read(post, { bookmark })).value()?.title).toBe('new')
  })

  it('with a pattern that no fence could match is refused before anything is sent', async () => {
    const { world, cache } = planted()
    for (const pattern of ['', 'content:po*', 'content::1']) {
      const change = world.retitle('1', 'new')
      const event = { ...change.event, patterns: ['content:post:1', pattern] }
      await expect(cache.write([{ ...change, event }])).rejects.toThrow(PatternError)
    }
    expect([logged(world), world.queries()]).toEqual([[], 0])
  })

  it('whose guard holds it back changes nothing, logs nothing, and has no bookmark', async () => {
    const { world, cache } = planted()
    const { changes, bookmark } = await cache.write([world.retitle('2', 'new')])
    expect([changes[0]?.changed, changes[0]?.seq, bookmark]).toEqual([false, null, null])
    expect([logged(world), world.events.sent]).toEqual([[], []])
  })

  it('runs what comes after it in the same transaction, and gives back only what was asked for', async () => {
    const { world, isolate } = planted()
    const writer = new Writer(isolate, world.io())
    const after = [world.db.prepare(`INSERT INTO posts VALUES ('9', 'side')`)]
    const count = world.db.prepare('SELECT count(*) AS n FROM posts')
    const { read, write } = await writer.write(
      [
        { ...world.retitle('1', 'new'), after },
        { ...world.retitle('2', 'none') },
        { ...world.retitle('9', 'new') },
      ],
      [count, count],
    )
    expect(read.map(({ results }) => results)).toEqual([[{ n: 2 }], [{ n: 2 }]])
    expect(write.changes.map(({ seq }) => seq)).toEqual([1, null, 2])
    expect(write.bookmark).toBe(`${world.epoch}.2`)
  })

  it('of a hundred changes is one transaction: all, or none', async () => {
    const { world, cache } = planted()
    for (let i = 0; i < 100; i++) world.plant(String(i), 'old')
    const changes = Array.from({ length: 100 }, (_, i) => world.retitle(String(i), 'new'))
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    const broken = {
      ...world.retitle('5', 'x'),
      statement: world.db.prepare('UPDATE posts SET title = NULL'),
    }
    await expect(cache.write([...changes, broken])).rejects.toThrow('NOT NULL')
    expect([
      logged(world).length,
      world.d1.one(`SELECT count(*) AS n FROM posts WHERE title = 'new'`)?.n,
    ]).toEqual([0, 0])
    expect(world.events.sent).toEqual([])
    const result = await cache.write(changes)
    expect([result.changes.filter(({ changed }) => changed).length, logged(world).length]).toEqual([100, 100])
    expect(batches).toBe(2)
  })

  it('with an event id that the log has already changes nothing', async () => {
    const { world, cache } = planted()
    const event = { ...world.retitle('1', 'new').event, id: 'mine' }
    await cache.write([{ ...world.retitle('1', 'new'), event }])
    await expect(cache.write([{ ...world.retitle('1', 'newer'), event }])).rejects.toThrow('UNIQUE')
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('logs its event also where the cache is off', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    const on = world.isolate().cache
    await on.read(post)
    await cache.write([world.retitle('1', 'new')])
    expect(logged(world).length).toBe(1)
    await world.runtime.advance(5001)
    expect((await on.read(post)).value()?.title).toBe('new')
  })

  it('holds in an isolate whose fence is far behind the log', async () => {
    const { world, cache, isolate } = planted()
    await cache.read(post)
    world.logMany(2500)
    await cache.write([world.retitle('1', 'new')])
    expect(isolate.fence.head).toBe(1000)
    expect((await cache.read(post)).value()?.title).toBe('new')
    expect((await cache.read(post, { maxStalenessMs: 0 })).value()?.title).toBe('new')
    expect(isolate.fence.head).toBe(2501)
  })

  it('holds in a new isolate, and beside the start of its fence', async () => {
    const { world, cache } = planted()
    const [, read] = await Promise.all([cache.write([world.retitle('1', 'new')]), cache.read(post)])
    expect(['old', 'new']).toContain(read.value()?.title)
    expect((await cache.read(post)).value()?.title).toBe('new')
  })
})

describe('a write whose answer is lost', () => {
  it.each([
    ['after', 'new'],
    ['before', 'old'],
  ] as const)('%s it was committed: the next read asks D1, and is right', async (when, title) => {
    const { world, cache } = planted()
    await cache.read(post)
    loseNextWrite(world, when)
    await expect(cache.write([world.retitle('1', 'new')])).rejects.toThrow('connection lost')
    world.queries()
    expect((await cache.read(post)).value()?.title).toBe(title)
    expect(world.queries()).toBeGreaterThan(0)
    const again = await cache.read(post)
    expect([again.outcome, again.value()?.title, world.queries()]).toEqual(['HIT', title, 0])
  })

  it('leaves alone what it cannot have touched', async () => {
    const { world, cache } = planted()
    const other = posts.at({ id: '2' })
    await cache.read(other)
    loseNextWrite(world, 'after')
    await cache.write([world.retitle('1', 'new')]).catch(() => {})
    world.queries()
    expect([(await cache.read(other)).outcome, world.queries()]).toEqual(['HIT', 0])
  })

  it('for a broken constraint is known not to have happened', async () => {
    const { world, cache } = planted()
    await cache.read(post)
    const statement = world.db.prepare('UPDATE posts SET title = NULL')
    await expect(cache.write([{ ...world.retitle('1', 'x'), statement }])).rejects.toThrow(
      'constraint failed',
    )
    world.queries()
    expect([(await cache.read(post)).outcome, world.queries()]).toEqual(['HIT', 0])
  })

  it('is in doubt also for whoever reads KV', async () => {
    const { world, cache } = planted()
    await world.isolate().cache.read(post)
    await world.settle()
    await cache.getWithSource('content:post:9')
    loseNextWrite(world, 'after')
    await cache.write([world.retitle('1', 'new')]).catch(() => {})
    expect((await cache.read(post)).value()?.title).toBe('new')
  })
})

describe('a write among answers that come out of order', () => {
  const isWrite = (statements: { sql: string }[]) =>
    statements.some(({ sql }) => sql.startsWith('UPDATE posts'))

  /** Something to wait for, and what ends the wait. */
  function held() {
    let release = () => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    return { until, release }
  }

  async function oldInKv() {
    const bench = planted()
    await bench.world.isolate().cache.read(post)
    await bench.world.settle()
    return bench
  }

  it('holds where the fence began between its question and its answer, and was refreshed from before it', async () => {
    const { world, cache, isolate } = await oldInKv()
    world.logElsewhere(['content:post:9'])
    const [sending, answering] = [held(), held()]
    world.d1.before = (statements) => (isWrite(statements) ? sending.until : undefined)
    world.d1.after = (statements) => (isWrite(statements) ? undefined : answering.until)
    const writing = cache.write([world.retitle('1', 'new')])
    await world.settle()
    // A snapshot comes late.
    isolate.fence.merge({
      schema: 1,
      epoch: world.epoch,
      head: 1,
      headEventId: String(world.d1.one(`SELECT ${ROW_ID} AS id FROM invalidation_log`)?.id),
      floor: 0,
      patterns: [['content:post:9', 1]],
      folded: null,
    })
    const refreshing = isolate.refresher.run(world.io())
    await world.settle()
    sending.release()
    await writing
    answering.release()
    await refreshing
    world.d1.after = null
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('in doubt holds against a new epoch that an answer from before it tells of', async () => {
    const { world, cache, isolate } = planted()
    await cache.read(post)
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    await world.isolate().cache.read(post)
    await world.settle()
    const answering = held()
    world.d1.after = (statements) => {
      if (isWrite(statements)) throw new Error('D1_ERROR: Network connection lost.')
      return answering.until
    }
    const refreshing = isolate.refresher.run(world.io())
    await world.settle()
    await expect(cache.write([world.retitle('1', 'new')])).rejects.toThrow('connection lost')
    answering.release()
    await refreshing
    world.d1.after = null
    expect((await cache.read(post)).value()?.title).toBe('new')
  })
})

describe('the event of a write', () => {
  it('is sent to the queue after the commit, behind the answer', async () => {
    const { world, cache } = planted()
    const { changes } = await cache.write([world.retitle('1', 'new'), world.retitle('2', 'none')])
    await world.settle()
    expect(world.events.sent.map(parseEventMessage)).toEqual([
      {
        kind: 'event',
        message: { v: 1, id: changes[0]?.eventId, type: 'post.update', payload: { id: '1' } },
      },
    ])
  })

  it('may be lost: that harms neither the write nor anything after it', async () => {
    const { world, cache } = planted()
    world.events.fails = true
    await cache.write([world.retitle('1', 'new')])
    await Promise.all(world.background.promises)
    expect((await cache.read(post)).value()?.title).toBe('new')
    expect(world.d1.one('SELECT processed_at FROM invalidation_log')?.processed_at).toBe(null)
  })

  it('goes with others in batches that the queue takes', async () => {
    const { world, isolate } = planted()
    const batches: unknown[][] = []
    const queue = new CapturedQueue()
    queue.sendBatch = async (messages) => {
      batches.push([...messages].map(({ body }) => body))
    }
    const writer = new Writer(isolate, world.io({ events: queue }))
    for (let i = 0; i < 250; i++) world.plant(String(i), 'old')
    const changes = Array.from({ length: 250 }, (_, i) => world.retitle(String(i), 'new'))
    await writer.write(changes)
    expect(batches.map((batch) => batch.length)).toEqual([100, 100, 50])
    batches.length = 0
    const large = (id: string) => {
      const change = world.retitle(id, 'newer')
      return { ...change, event: { ...change.event, payload: { id, text: 'é'.repeat(30_000) } } }
    }
    await writer.write(Array.from({ length: 9 }, (_, i) => large(String(i))))
    expect(batches.flat().length).toBe(9)
    for (const batch of batches) {
      expect(new TextEncoder().encode(JSON.stringify(batch)).length).toBeLessThan(256_000)
    }
  })

  it('leaves its payload in the log where no message could hold it', async () => {
    const { world, cache } = planted()
    const change = world.retitle('1', 'new')
    await cache.write([{ ...change, event: { ...change.event, payload: 'x'.repeat(200_000) } }])
    await world.settle()
    expect(world.events.sent).toMatchObject([{ v: 1, type: 'post.update', payload: null }])
  })

  it('is nobody’s where no queue is bound', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate({ io: { events: null } })
    expect((await cache.write([world.retitle('1', 'new')])).bookmark).not.toBe(null)
  })
})

describe('a purge', () => {
  it('is one row in the log, however many patterns it has', async () => {
    const { world, isolate } = planted()
    const patterns = Array.from({ length: 150 }, (_, i) => `content:post:${i}`)
    const result = await new Writer(isolate, world.io()).purge('cache.delete', patterns)
    expect([result.changes.length, logged(world).length]).toEqual([1, 1])
    expect(isolate.fence.generation('content:post:149')).toBe(1)
  })
})

describe('outside events', () => {
  const event = (id: string, n = id) => ({
    id,
    type: 'post.update',
    payload: { id: n },
    patterns: [`content:post:${n}`],
  })

  it('are logged in one transaction, each id once, with what goes along', async () => {
    const { world, cache, isolate } = planted()
    await cache.read(post)
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    const also = [world.db.prepare("INSERT INTO posts VALUES ('9', 'along')")]
    const { changes, bookmark } = await cache.log([event('a', '1'), event('b', '2'), event('a', '3')], also)
    expect([batches, changes.map(({ changed }) => changed), bookmark]).toEqual([
      1,
      [true, true, false],
      `${world.epoch}.2`,
    ])
    expect(logged(world).map((row) => [row.event_id, row.patterns])).toEqual([
      ['a', '["content:post:1"]'],
      ['b', '["content:post:2"]'],
    ])
    expect(world.d1.one("SELECT title FROM posts WHERE id = '9'")?.title).toBe('along')
    expect(isolate.fence.generation('content:post:1')).toBe(1)
    expect(world.events.sent).toMatchObject([{ id: 'a' }, { id: 'b' }])
  })

  it('that were logged before change nothing, and their bookmark covers them', async () => {
    const { world, cache } = planted()
    await cache.log([event('a')])
    world.events.sent.length = 0
    const { changes, bookmark } = await cache.log([event('a')])
    expect([changes[0]?.changed, changes[0]?.seq, bookmark]).toEqual([false, null, `${world.epoch}.1`])
    expect([logged(world).length, world.events.sent]).toEqual([1, []])
  })

  it('are all logged, or none', async () => {
    const { world, cache } = planted()
    const also = [world.db.prepare('INSERT INTO no_such_table VALUES (1)')]
    await expect(cache.log([event('a')], also)).rejects.toThrow('no_such_table')
    const bad = { ...event('b'), patterns: ['a::b'] }
    await expect(cache.log([event('a'), bad])).rejects.toThrow(PatternError)
    expect([logged(world), world.events.sent]).toEqual([[], []])
  })
})
