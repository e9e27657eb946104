import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { append, appendIfChanged, decodeSeq, settleFollowing, triggerNames } from './append.ts'

const event = (id: string, payload: unknown = { id: '1' }) => ({
  id,
  type: 'post.update',
  payload,
  patterns: ['content:post:1', 'content:list:posts'],
})

const rows = (world: World) => world.d1.sqlite.prepare('SELECT * FROM invalidation_log ORDER BY seq').all()

describe('append', () => {
  it('adds a row and tells its seq', async () => {
    const world = new World()
    const [result] = await world.db.batch([append(world.db, event('a'), 123)])
    expect(decodeSeq(result)).toBe(1)
    expect(rows(world)).toEqual([
      {
        seq: 1,
        event_id: 'a',
        type: 'post.update',
        payload: '{"id":"1"}',
        patterns: '["content:post:1","content:list:posts"]',
        created_at: 123,
        sent_at: null,
        sends: 0,
        processed_at: null,
        received_at: null,
        swept_at: null,
        swept: 0,
        warm_jobs: 0,
        sweep_link: null,
      },
    ])
  })

  it('adds nothing for an id that is there already, and tells so', async () => {
    const world = new World()
    await world.db.batch([append(world.db, event('a'), 1)])
    const results = await world.db.batch([
      append(world.db, event('a', 'other'), 2),
      append(world.db, event('b'), 2),
    ])
    expect(decodeSeq(results[0])).toBe(null)
    expect(rows(world).map(({ event_id, payload }) => [event_id, payload])).toEqual([
      ['a', '{"id":"1"}'],
      ['b', '{"id":"1"}'],
    ])
    expect(decodeSeq(results[1])).toBeGreaterThanOrEqual(2)
  })

  it('keeps an event without a payload as null', async () => {
    const world = new World()
    await world.db.batch([append(world.db, { ...event('a'), payload: undefined }, 1)])
    expect(rows(world)[0]?.payload).toBe('null')
  })

  it('uses seqs in order of commits, and never one twice', async () => {
    const world = new World()
    for (const id of ['a', 'b']) await world.db.batch([append(world.db, event(id), 1)])
    world.d1.exec('DELETE FROM invalidation_log')
    const [result] = await world.db.batch([append(world.db, event('c'), 1)])
    expect(decodeSeq(result)).toBe(3)
  })
})

describe('appendIfChanged', () => {
  const retitle = (world: World, id: string) =>
    world.db.prepare('UPDATE posts SET title = ? WHERE id = ?').bind('new', id)

  it('logs what the statement before it changed', async () => {
    const world = new World()
    world.plant('1', 'old')
    const [, result] = await world.db.batch([retitle(world, '1'), appendIfChanged(world.db, event('a'), 1)])
    expect([decodeSeq(result), rows(world).length]).toEqual([1, 1])
  })

  it('logs nothing where the guard held it back', async () => {
    const world = new World()
    const [, result] = await world.db.batch([retitle(world, '1'), appendIfChanged(world.db, event('a'), 1)])
    expect([decodeSeq(result), rows(world).length]).toEqual([null, 0])
  })

  it('judges each change of a batch by itself', async () => {
    const world = new World()
    world.plant('2', 'old')
    const results = await world.db.batch([
      retitle(world, '1'),
      appendIfChanged(world.db, event('a'), 1),
      retitle(world, '2'),
      appendIfChanged(world.db, event('b'), 1),
      retitle(world, '3'),
      appendIfChanged(world.db, event('c'), 1),
    ])
    expect([1, 3, 5].map((at) => decodeSeq(results[at]))).toEqual([null, 1, null])
    expect(rows(world).map(({ event_id }) => event_id)).toEqual(['b'])
  })

  it('is undone with the change, and the change with it', async () => {
    const world = new World()
    world.plant('1', 'old')
    const failing = world.db.prepare('INSERT INTO posts VALUES (?, NULL)').bind('9')
    await expect(
      world.db.batch([retitle(world, '1'), appendIfChanged(world.db, event('a'), 1), failing]),
    ).rejects.toThrow('NOT NULL')
    expect([rows(world).length, world.d1.one('SELECT title FROM posts')?.title]).toEqual([0, 'old'])
    world.logElsewhere(['x'])
    const taken = { ...event('a'), id: String(rows(world)[0]?.event_id) }
    await expect(world.db.batch([retitle(world, '1'), appendIfChanged(world.db, taken, 1)])).rejects.toThrow(
      'UNIQUE',
    )
    expect(world.d1.one('SELECT title FROM posts')?.title).toBe('old')
  })
})

describe('appendIfChanged of a table whose triggers write the log', () => {
  const TABLE = 'posts'
  /** What a trigger logs: the same event, one pattern of ours and one of its own. */
  const logging = (type = 'post.update', id = "'sql:' || lower(hex(randomblob(16)))") =>
    `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)
     VALUES (${id}, '${type}', '{"by":"trigger"}', json_array('content:list:posts', 'of:trigger'), 7);`
  const install = (
    world: World,
    { update = logging(), operations = ['insert', 'update', 'delete'] } = {},
  ) => {
    for (const [operation, name] of Object.entries(triggerNames(TABLE))) {
      if (!operations.includes(operation)) continue
      const body = operation === 'update' ? update : logging(`post.${operation}`)
      world.d1.exec(`CREATE TRIGGER ${name} AFTER ${operation} ON ${TABLE} BEGIN ${body} END`)
    }
  }
  const retitle = (world: World, id: string) =>
    world.db.prepare('UPDATE posts SET title = title WHERE id = ?').bind(id)
  const write = (world: World, id: string) => [
    retitle(world, id),
    appendIfChanged(world.db, event(`for ${id}`), 5, TABLE),
  ]
  const ids = (world: World) => rows(world).map(({ event_id }) => String(event_id).slice(0, 5))

  it('takes the row that they wrote, with what either knows to invalidate', async () => {
    const world = new World()
    world.plant('1', 'old')
    install(world)
    const [, result] = await world.db.batch(write(world, '1'))
    expect(decodeSeq(result)).toBe(1)
    expect(rows(world)).toMatchObject([
      {
        seq: 1,
        event_id: 'for 1',
        type: 'post.update',
        payload: '{"id":"1"}',
        patterns: '["content:post:1","content:list:posts","of:trigger"]',
        created_at: 5,
      },
    ])
  })

  it('takes each change’s own row, in one batch with others that changed nothing', async () => {
    const world = new World()
    for (const id of ['1', '2']) world.plant(id, 'old')
    install(world)
    const results = await world.db.batch(['1', 'none', '2'].flatMap((id) => write(world, id)))
    expect([1, 3, 5].map((at) => decodeSeq(results[at]))).toEqual([1, null, 2])
    expect(ids(world)).toEqual(['for 1', 'for 2'])
  })

  it('takes the last row of several, and leaves the others', async () => {
    const world = new World()
    for (const id of ['1', '2']) world.plant(id, 'old')
    install(world)
    const all = world.db.prepare('UPDATE posts SET title = ?').bind('new')
    await world.db.batch([all, appendIfChanged(world.db, event('both'), 5, TABLE)])
    expect(ids(world)).toEqual([expect.stringMatching(/^sql:/), 'both'])
  })

  it.each([
    ['not all three are there', { operations: ['insert', 'update'] }, TABLE],
    ['another kind of event came last', { update: `${logging()} ${logging('comment.create')}` }, TABLE],
    ['a program’s event came last', { update: logging('post.update', "'by a program'") }, TABLE],
    ['the change is of another table', {}, 'comments'],
    ['nobody said which table it is', {}, undefined],
  ])('adds a row of its own when %s', async (_, options, table) => {
    const world = new World()
    world.plant('1', 'old')
    install(world, options)
    const statement = appendIfChanged(world.db, event('own'), 5, table)
    await world.db.batch([retitle(world, '1'), statement])
    expect(rows(world).at(-1)).toMatchObject({
      event_id: 'own',
      patterns: '["content:post:1","content:list:posts"]',
    })
    expect(rows(world).length).toBeGreaterThan(1)
  })

  it('never takes a row of an earlier commit, once they are gone', async () => {
    const world = new World()
    world.plant('1', 'old')
    install(world)
    await world.db.batch([retitle(world, '1')])
    for (const name of Object.values(triggerNames(TABLE))) world.d1.exec(`DROP TRIGGER ${name}`)
    const [, result] = await world.db.batch(write(world, '1'))
    expect(decodeSeq(result)).toBe(2)
    expect(ids(world)).toEqual([expect.stringMatching(/^sql:/), 'for 1'])
  })

  it('is undone with the change when its id is taken', async () => {
    const world = new World()
    world.plant('1', 'old')
    install(world)
    await world.db.batch([append(world.db, event('for 1'), 1)])
    await expect(world.db.batch(write(world, '1'))).rejects.toThrow('UNIQUE')
    expect(rows(world)).toHaveLength(1)
  })

  it('settles what they log of the statements that follow, and nothing else', async () => {
    const world = new World()
    for (const id of ['1', '2']) world.plant(id, 'old')
    install(world)
    await world.db.batch([retitle(world, '1')])
    await world.db.batch([
      ...write(world, '1'),
      retitle(world, '2'),
      settleFollowing(world.db, event('for 1'), 9),
      ...write(world, 'none'),
      retitle(world, '2'),
      settleFollowing(world.db, event('for none'), 10),
      ...write(world, '2'),
    ])
    expect(
      rows(world).map(({ event_id, processed_at }) => [String(event_id).slice(0, 5), processed_at]),
    ).toEqual([
      [expect.stringMatching(/^sql:/), null],
      ['for 1', null],
      [expect.stringMatching(/^sql:/), 9],
      [expect.stringMatching(/^sql:/), null],
      ['for 2', null],
    ])
  })
})
