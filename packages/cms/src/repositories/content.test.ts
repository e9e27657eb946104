import { beforeEach, describe, expect, it } from 'vitest'
import { FIRST_CONTENT_PAGE } from '../input/list.ts'
import { LOG_WRITERS } from '../testing/database.ts'
import { loggedEvents, type World, world } from '../testing/world.ts'
import { ConstraintError } from './constraint-error.ts'

const draft = {
  collection: 'posts',
  slug: 'one',
  title: 'One',
  status: 'draft',
  data: {},
  authorId: null,
  featuredMediaId: null,
} as const

describe.each(LOG_WRITERS)('the log is written by $writer:', ({ database }) => {
  let all: World

  beforeEach(() => {
    all = world(database())
    all.db.exec(`INSERT INTO users (id, email, name, role, created_at, updated_at) VALUES ('u', 'u@example.com', 'U', 'editor', 0, 0), ('w', 'w@example.com', 'W', 'editor', 0, 0);
    INSERT INTO media (id, filename, mime_type, size, url, created_at, updated_at) VALUES ('m', 'm.png', 'image/png', 1, '/m.png', 0, 0)`)
  })

  const create = async (fields: object = {}): Promise<string> =>
    (await all.content.create({ ...draft, ...fields })).value?.id ?? ''
  const lastEvent = () => loggedEvents(all.db).at(-1)

  describe('create', () => {
    it('answers the item at version 1 as its transaction saw it, and tells the queue', async () => {
      const written = await all.content.create({
        ...draft,
        status: 'published',
        authorId: 'u',
        featuredMediaId: 'm',
      })
      expect(written).toMatchObject({
        status: 'written',
        value: { slug: 'one', version: 1, author: { id: 'u', name: 'U' }, featuredMedia: { id: 'm' } },
      })
      expect(written.bookmark).not.toBeNull()
      expect(written.value?.publishedAt).toBe(written.value?.createdAt)
      expect(all.sent).toEqual([expect.objectContaining({ type: 'content.create' })])
      expect(lastEvent()?.payload).toEqual({
        id: written.value?.id,
        collection: 'posts',
        slugs: ['one'],
        statuses: ['published', 'any'],
        featuredStatuses: [],
      })
    })

    it('is seen at once by whoever had not found it', async () => {
      const id = '00000000-0000-4000-8000-000000000001'
      expect((await all.content.findById(id)).found).toBe(false)
      expect((await all.content.findBySlug('posts', 'one')).found).toBe(false)
      expect(await create()).toBe(id)
      expect((await all.content.findById(id)).value()?.title).toBe('One')
      expect((await all.content.findBySlug('posts', 'one')).value()).toEqual({ id })
    })

    it.each([
      [{ collection: 'nothing' }, 'collection'],
      [{ authorId: 'nobody' }, 'authorId'],
      [{ featuredMediaId: 'none' }, 'featuredMediaId'],
      [{ slug: 'taken' }, 'slug'],
    ])('names the field at fault in %j, and writes nothing', async (fields, field) => {
      await create({ slug: 'taken' })
      const error = await all.content.create({ ...draft, ...fields }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(ConstraintError)
      expect(error).toMatchObject({ field })
      expect(loggedEvents(all.db)).toHaveLength(1)
      expect(all.db.one('SELECT count(*) AS n FROM content')).toEqual({ n: 1 })
    })

    it('passes on errors of other kinds', async () => {
      all.db.before = () => Promise.reject(new Error('D1_ERROR: storage caused object to be reset'))
      await expect(all.content.create(draft)).rejects.toThrow('object to be reset')
      await expect(all.content.update('1', { title: 'x' })).rejects.toThrow('D1 failed')
    })
  })

  describe('update', () => {
    it('raises the version by one and keeps what is not named', async () => {
      const id = await create({ authorId: 'u', data: { a: 1 } })
      all.runtime.time += 1000
      const { value } = await all.content.update(id, { title: 'Two' })
      expect(value).toMatchObject({
        title: 'Two',
        slug: 'one',
        version: 2,
        data: { a: 1 },
        author: { id: 'u' },
      })
      expect(value?.updatedAt).not.toBe(value?.createdAt)
      expect(lastEvent()).toMatchObject({
        type: 'content.update',
        payload: { slugs: [], statuses: ['draft', 'any'] },
      })
    })

    it('sets, changes and clears relations', async () => {
      const id = await create()
      const set = await all.content.update(id, { authorId: 'u', featuredMediaId: 'm' })
      expect(set.value).toMatchObject({ author: { id: 'u' }, featuredMedia: { id: 'm' } })
      expect((await all.content.update(id, { authorId: 'w' })).value).toMatchObject({
        author: { id: 'w' },
        version: 3,
      })
      const cleared = await all.content.update(id, { authorId: null, featuredMediaId: null })
      expect(cleared.value).toMatchObject({ author: null, featuredMedia: null })
    })

    it('names both addresses of a renamed item', async () => {
      const id = await create()
      await all.content.update(id, { slug: 'two' })
      expect(lastEvent()?.payload).toMatchObject({ slugs: ['one', 'two'] })
      expect((await all.content.findBySlug('posts', 'one')).found).toBe(false)
      expect((await all.content.findBySlug('posts', 'two')).found).toBe(true)
    })

    it('names the featured lists when the item is or was featured', async () => {
      const id = await create({ data: { featured: true } })
      expect(lastEvent()?.payload).toMatchObject({ featuredStatuses: ['draft', 'any'] })
      await all.content.update(id, { data: {} })
      expect(lastEvent()?.payload).toMatchObject({ featuredStatuses: ['draft', 'any'] })
      await all.content.update(id, { title: 'x' })
      expect(lastEvent()?.payload).toMatchObject({ featuredStatuses: [] })
    })

    it('is publication or its end when the status says so', async () => {
      const id = await create()
      const type = async (status: 'draft' | 'published' | 'archived') => {
        all.runtime.time += 1000
        const { value } = await all.content.update(id, { status })
        return [
          lastEvent()?.type,
          value?.publishedAt === null ? null : value?.publishedAt === value?.updatedAt,
        ]
      }
      expect(await type('published')).toEqual(['content.publish', true])
      expect(await type('published')).toEqual(['content.update', false])
      expect(await type('archived')).toEqual(['content.unpublish', false])
      expect(await type('draft')).toEqual(['content.update', null])
    })

    it('refuses a version that the item has moved on from', async () => {
      const id = await create()
      await all.content.update(id, { title: 'Two' }, 1)
      expect(await all.content.update(id, { title: 'Three' }, 1)).toMatchObject({ status: 'conflict' })
      expect(await all.content.delete(id, 1)).toMatchObject({ status: 'conflict' })
      expect((await all.content.findById(id)).value()?.title).toBe('Two')
    })

    it('of nothing finds nothing', async () => {
      expect(await all.content.update('none', { title: 'x' })).toMatchObject({ status: 'missing' })
      expect(await all.content.delete('none')).toMatchObject({ status: 'missing' })
      expect(await all.content.publish('none')).toMatchObject({ status: 'missing' })
      expect(loggedEvents(all.db)).toEqual([])
    })

    it('that loses a race leaves the relations alone, and wins the next time', async () => {
      const id = await create({ authorId: 'w' })
      let races = 1
      // Another writer comes between the read and the write, and brings the row to the version that ours would have.
      all.db.before = (statements) => {
        if (races > 0 && statements.some(({ sql }) => sql.startsWith('UPDATE content'))) {
          races--
          all.db.exec(`UPDATE content SET version = version + 1, title = 'Other' WHERE id = '${id}'`)
          expect(all.db.one('SELECT user_id FROM content_relationships')).toEqual({ user_id: 'w' })
        }
      }
      const refused = await all.content.update(id, { title: 'Mine', authorId: 'u' }, 1)
      expect(refused.status).toBe('conflict')
      expect(all.db.one('SELECT user_id FROM content_relationships')).toEqual({ user_id: 'w' })
      races = 1
      const { value } = await all.content.update(id, { title: 'Mine', authorId: 'u' })
      expect(value).toMatchObject({ title: 'Mine', author: { id: 'u' }, version: 4 })
    })
  })

  describe('a write to an item that memory has', () => {
    /** Statements that D1 was asked for, batch by batch. */
    const batchesOf = async (write: () => Promise<unknown>) => {
      const batches: string[][] = []
      all.db.before = (statements) => void batches.push(statements.map(({ sql }) => sql))
      await write()
      all.db.before = null
      return batches
    }

    it('asks D1 once', async () => {
      const id = await create()
      const batches = await batchesOf(() => all.content.update(id, { title: 'Two' }, 1))
      expect(batches.map(([first]) => first?.slice(0, 14))).toEqual(['UPDATE content'])
      expect((await all.content.findById(id)).value()).toMatchObject({ title: 'Two', version: 2 })
      expect(await batchesOf(() => all.content.delete(id, 2))).toHaveLength(1)
      expect(await all.content.findById(id)).toMatchObject({ found: false })
    })

    it('asks D1 for the row when memory has another version than the one that is expected', async () => {
      const id = await create()
      all.db.exec(`UPDATE content SET version = 7 WHERE id = '${id}'`)
      expect(await all.content.update(id, { title: 'Two' }, 7)).toMatchObject({ status: 'written' })
      expect(await all.content.update(id, { title: 'Two' }, 1)).toMatchObject({ status: 'conflict' })
    })

    // A console changes what it likes, and leaves the version alone.
    it.each([
      ["slug = 'raw'", { slug: 'raw' }],
      ["title = 'Raw'", { title: 'Raw' }],
      // Titles are sorted without regard to case.
      ["title = 'ONE'", { title: 'ONE' }],
      ["status = 'archived', published_at = 5000", { status: 'archived' }],
      ['data = \'{"featured": true}\'', { data: { featured: true } }],
      ["collection_id = 'news'", { collection: 'news' }],
      ['published_at = 7000', {}],
    ])('keeps what a raw update set behind it, and names it: %s', async (raw, expected) => {
      const id = await create()
      all.db.exec(`UPDATE content SET ${raw} WHERE id = '${id}'`)
      const batches = await batchesOf(() => all.content.update(id, { authorId: 'u' }))
      expect(batches).toHaveLength(3)
      expect((await all.content.findById(id)).value()).toMatchObject({
        title: 'One',
        slug: 'one',
        ...expected,
        author: { id: 'u' },
        version: 2,
      })
      const row = all.db.one(`SELECT collection_id, status FROM content WHERE id = '${id}'`)
      expect(lastEvent()?.payload).toMatchObject({
        collection: row?.collection_id,
        statuses: [row?.status, 'any'],
        featuredStatuses: raw.includes('featured') ? ['draft', 'any'] : [],
      })
    })

    it('finds out that there is nothing to delete', async () => {
      const id = await create()
      all.db.exec(`DELETE FROM content WHERE id = '${id}'`)
      expect(await all.content.delete(id)).toMatchObject({ status: 'missing' })
    })
  })

  describe('publish and unpublish', () => {
    it('change the status once', async () => {
      const id = await create()
      expect(await all.content.publish(id)).toMatchObject({
        status: 'written',
        value: { status: 'published', version: 2 },
      })
      expect(await all.content.publish(id)).toMatchObject({ status: 'unchanged', value: { version: 2 } })
      expect(await all.content.unpublish(id)).toMatchObject({
        status: 'written',
        value: { status: 'draft', publishedAt: null },
      })
      expect(await all.content.unpublish(id)).toMatchObject({ status: 'unchanged', value: { version: 3 } })
      expect(await all.content.publish(id, 1)).toMatchObject({ status: 'conflict' })
      expect(loggedEvents(all.db).map(({ type }) => type)).toEqual([
        'content.create',
        'content.publish',
        'content.unpublish',
      ])
    })
  })

  describe('delete', () => {
    it('takes the item and its relations, and is seen in its lists', async () => {
      const id = await create({ status: 'published', authorId: 'u' })
      const list = { scope: { collection: 'posts' }, ...FIRST_CONTENT_PAGE }
      expect((await all.content.findMany(list)).value()?.meta.total).toBe(1)
      expect(await all.content.delete(id)).toMatchObject({ status: 'written', value: null })
      expect((await all.content.findById(id)).found).toBe(false)
      expect((await all.content.findMany(list)).value()?.meta.total).toBe(0)
      expect(all.db.one('SELECT count(*) AS n FROM content_relationships')).toEqual({ n: 0 })
    })
  })

  describe('lists', () => {
    it('are of a collection, of all, or of what is featured', async () => {
      await create({ status: 'published', data: { featured: true } })
      await create({ status: 'published', collection: 'news' })
      const total = async (scope: Parameters<World['content']['findMany']>[0]['scope']) =>
        (await all.content.findMany({ scope, ...FIRST_CONTENT_PAGE })).value()?.meta.total
      expect(await total({ collection: 'news' })).toBe(1)
      expect(await total('all')).toBe(2)
      expect(await total('featured')).toBe(1)
    })

    it('of another collection stay cached when an item changes', async () => {
      const id = await create({ status: 'published' })
      const list = (collection: string) =>
        all.content.findMany({ scope: { collection }, ...FIRST_CONTENT_PAGE })
      await list('posts')
      await list('news')
      await all.content.update(id, { title: 'Two' })
      expect((await list('news')).source).toBe('memory')
      const changed = await list('posts')
      expect(changed.source).toBe('database')
      expect(changed.value()?.data[0]?.title).toBe('Two')
    })

    it('and items show a new name of their author at once', async () => {
      const id = await create({ status: 'published', authorId: 'u' })
      const other = await create({ status: 'published', slug: 'two', collection: 'news', authorId: 'w' })
      const feed = () => all.content.findMany({ scope: 'all', ...FIRST_CONTENT_PAGE })
      await Promise.all([feed(), all.content.findById(id), all.content.findById(other)])
      await all.users.update('u', { name: 'New' })
      expect((await all.content.findById(id)).value()?.author?.name).toBe('New')
      expect((await feed()).text).toContain('"name":"New"')
      expect((await all.content.findById(other)).source).toBe('memory')
      await all.users.delete('u')
      expect((await all.content.findById(id)).value()?.author).toBeNull()
    })
  })

  describe('bulk', () => {
    it('does many in one transaction, with a result for each', async () => {
      const [one, two] = [await create(), await create({ slug: 'two', status: 'published' })]
      all.db.log.length = 0
      const done = await all.content.bulk('publish', [one, two, 'none', one])
      expect(done.results).toEqual([
        { id: one, status: 'ok' },
        { id: two, status: 'unchanged' },
        { id: 'none', status: 'not_found' },
      ])
      expect(done.bookmark).not.toBeNull()
      expect(lastEvent()).toMatchObject({ type: 'content.publish', payload: { id: one } })
      expect((await all.content.bulk('unpublish', [one, two])).results).toEqual([
        { id: one, status: 'ok' },
        { id: two, status: 'ok' },
      ])
      expect((await all.content.bulk('delete', [one, two])).results.map(({ status }) => status)).toEqual([
        'ok',
        'ok',
      ])
      expect((await all.content.findById(one)).found).toBe(false)
    })

    it('that changes nothing writes nothing', async () => {
      expect(await all.content.bulk('publish', ['none'])).toEqual({
        results: [{ id: 'none', status: 'not_found' }],
        bookmark: null,
      })
    })

    it('tells which item another writer was faster with', async () => {
      const [one, two] = [await create(), await create({ slug: 'two' })]
      all.db.before = (statements) => {
        if (statements.some(({ sql }) => sql.startsWith('UPDATE content'))) {
          all.db.exec(`UPDATE content SET version = 9 WHERE id = '${one}'`)
        }
      }
      expect((await all.content.bulk('publish', [one, two])).results).toEqual([
        { id: one, status: 'conflict' },
        { id: two, status: 'ok' },
      ])
    })

    it('takes 100 items within the limits of D1', async () => {
      const ids: string[] = []
      for (let i = 0; i < 100; i++) ids.push(await create({ slug: `s-${i}` }))
      const { results } = await all.content.bulk('publish', ids)
      expect(results.every(({ status }) => status === 'ok')).toBe(true)
      expect(loggedEvents(all.db)).toHaveLength(200)
    })
  })
})
