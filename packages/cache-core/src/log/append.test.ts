import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { append, appendIfChanged, decodeSeq } from './append.ts'

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
