import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import type { Query } from '../source.ts'
import {
  deadLetter,
  deadLetterPage,
  discardDeadLetter,
  invalidationPage,
  pipelineState,
  recentCounts,
} from './admin.ts'
import { quarantine } from './dead-letters.ts'

/** Asks as an operator's route does, through the cache's own way to D1. */
function ask<T>(world: World, query: Query<T>): Promise<T | null> {
  return world.isolate().cache.query(query)
}

async function bury(world: World, ids: readonly string[], at = (place: number) => place) {
  const letters = ids.map((id, place) =>
    quarantine(world.db, 'q', { id, body: { id }, attempts: 2 }, `of ${id}`, at(place)),
  )
  await world.db.batch(letters)
}

describe('dead letters', () => {
  async function pages(world: World, limit: number) {
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = await ask(world, deadLetterPage(world.db, { limit, cursor }))
      pages.push(page?.items.map(({ id }) => id) ?? [])
      cursor = page?.next ?? undefined
    } while (cursor !== undefined)
    return pages
  }

  it('are listed in pages, the newest first, those of one moment as well', async () => {
    const world = new World()
    await bury(world, ['a', 'b.1', 'c\n2', 'd', 'e'], (place) => Math.floor(place / 3))
    expect(await pages(world, 2)).toEqual([['e', 'd'], ['c\n2', 'b.1'], ['a']])
    expect(await pages(world, 5)).toEqual([['e', 'd', 'c\n2', 'b.1', 'a']])
    expect(await pages(new World(), 5)).toEqual([[]])
    expect((await ask(world, deadLetterPage(world.db, { limit: 1 })))?.total).toBe(5)
  })

  it('begin anew with a cursor that is none', async () => {
    const world = new World()
    await bury(world, ['a'])
    expect((await ask(world, deadLetterPage(world.db, { limit: 1, cursor: 'x' })))?.items).toHaveLength(1)
  })

  it('show the beginning of a long message in a page, and all of it alone', async () => {
    const world = new World()
    const body = { text: 'é'.repeat(1_000) }
    await world.db.batch([quarantine(world.db, 'q', { id: 'a', body, attempts: 3 }, 'why', 7)])
    const letter = { id: 'a', queue: 'q', reason: 'why', attempts: 3, firstSeenAt: 7, lastSeenAt: 7 }
    const page = await ask(world, deadLetterPage(world.db, { limit: 1 }))
    expect(page?.items).toEqual([{ ...letter, excerpt: `{"text":"${'é'.repeat(491)}`, bytes: 2_011 }])
    expect(await ask(world, deadLetter(world.db, 'a'))).toEqual({ ...letter, body })
  })

  it('are dropped once, and are nobody’s then', async () => {
    const world = new World()
    await bury(world, ['a', 'b'])
    expect(await ask(world, discardDeadLetter(world.db, 'a'))).toEqual({ id: 'a' })
    expect(await ask(world, discardDeadLetter(world.db, 'a'))).toBe(null)
    expect(await ask(world, deadLetter(world.db, 'a'))).toBe(null)
    expect(await ask(world, deadLetter(world.db, 'b'))).toMatchObject({ id: 'b' })
  })
})

describe('invalidations', () => {
  it('say what each step took, as far as it was made', async () => {
    const world = new World()
    const patterns = Array.from({ length: 60 }, (_, i) => `content:post:${i}`)
    world.logElsewhere(patterns)
    world.logElsewhere(['content:*'], 'cache.clear')
    world.d1.exec(`UPDATE invalidation_log SET created_at = 100, sent_at = 105, sends = 1, received_at = 130, swept_at = 150,
      processed_at = 170, swept = 9, warm_jobs = 4 WHERE seq = 2`)
    const page = await ask(world, invalidationPage(world.db, { limit: 10 }))
    expect(page).toEqual({
      items: [
        expect.objectContaining({
          seq: 2,
          type: 'cache.clear',
          payload: '{}',
          patterns: ['content:*'],
          swept: 9,
          warmJobs: 4,
          sends: 1,
          took: { delivery: 30, sweep: 20, processing: 40 },
        }),
        expect.objectContaining({
          seq: 1,
          patterns: patterns.slice(0, 50),
          patternCount: 60,
          took: { delivery: null, sweep: null, processing: null },
        }),
      ],
      next: null,
    })
  })

  async function seqs(world: World, filter: { limit: number; type?: string; key?: string }) {
    const pages: number[][] = []
    let cursor: string | undefined
    do {
      const page = await ask(world, invalidationPage(world.db, { ...filter, cursor }))
      pages.push(page?.items.map(({ seq }) => seq) ?? [])
      cursor = page?.next ?? undefined
    } while (cursor !== undefined)
    return pages
  }

  it('come in pages, the newest first', async () => {
    const world = new World()
    for (let i = 1; i <= 5; i++) world.logElsewhere(['a'])
    expect(await seqs(world, { limit: 2 })).toEqual([[5, 4], [3, 2], [1]])
    expect(await seqs(world, { limit: 5 })).toEqual([[5, 4, 3, 2, 1]])
    expect((await ask(world, invalidationPage(world.db, { limit: 1, cursor: 'x' })))?.items[0]?.seq).toBe(5)
  })

  it('can be asked for by type and by what they touched', async () => {
    const world = new World()
    world.logElsewhere(['content:post:1'], 'a')
    world.logElsewhere(['content:post:2'], 'b')
    world.logElsewhere(['content:*'], 'a')
    world.logElsewhere(['user:*', 'content:post:1'], 'b')
    expect(await seqs(world, { limit: 9, type: 'a' })).toEqual([[3, 1]])
    expect(await seqs(world, { limit: 9, key: 'content:post:1' })).toEqual([[4, 3, 1]])
    expect(await seqs(world, { limit: 2, key: 'content:post:1' })).toEqual([[4, 3], [1]])
    expect(await seqs(world, { limit: 9, key: 'content:post:1', type: 'b' })).toEqual([[4]])
    expect(await seqs(world, { limit: 9, key: 'media:file:1' })).toEqual([[]])
  })

  it('search a long log page by page', async () => {
    const world = new World()
    world.logElsewhere(['content:post:1'])
    world.logMany(1_500)
    world.logElsewhere(['content:post:1'])
    expect(await seqs(world, { limit: 9, key: 'content:post:1' })).toEqual([[1_502], [1]])
  })
})

it('counts of the last minutes, the last hour and the last day are sums of minutes', async () => {
  const world = new World()
  const now = 100 * 3_600_000
  const minute = now / 60_000
  world.d1.exec(`INSERT INTO pipeline_counts VALUES (${minute}, 'a', 1), (${minute - 59}, 'a', 2), (${minute - 60}, 'a', 4),
    (${minute - 61}, 'b', 8), (${minute - 1439}, 'a', 16), (${minute - 1440}, 'a', 32),
    (${minute}, 'backlog.high', 99)`)
  expect(await ask(world, recentCounts(world.db, now))).toEqual({
    minutes: { a: 1, b: 0 },
    hour: { a: 3, b: 0 },
    day: { a: 23, b: 8 },
  })
})

it('the pipeline’s state tells who waits, and for how long', async () => {
  const world = new World()
  const none = { deadLetters: 0, unprocessed: 0, oldestUnprocessedAt: null }
  expect(await ask(world, pipelineState(world.db))).toEqual(none)
  for (const type of ['a', 'b', 'c']) world.logElsewhere(['x'], type)
  world.d1.exec('UPDATE invalidation_log SET created_at = seq * 10')
  world.d1.exec('UPDATE invalidation_log SET processed_at = 1 WHERE seq = 1')
  await bury(world, ['l'])
  expect(await ask(world, pipelineState(world.db))).toEqual({
    deadLetters: 1,
    unprocessed: 2,
    oldestUnprocessedAt: 20,
  })
})
