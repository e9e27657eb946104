import { beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MEDIA_PAGE } from '../input/list.ts'
import { LOG_WRITERS } from '../testing/database.ts'
import { loggedEvents, type World, world } from '../testing/world.ts'

describe.each(LOG_WRITERS)('the log is written by $writer:', ({ database }) => {
  let all: World

  beforeEach(() => {
    all = world(database())
    all.db.exec("INSERT INTO plugins VALUES ('seo', 'SEO', '1', 'inactive', '{}', 0)")
  })

  describe('media', () => {
    const file = {
      filename: 'a.png',
      mimeType: 'image/png',
      size: 1,
      width: 2,
      height: null,
      alt: '',
      url: '/a.png',
    }

    it('are written and listed', async () => {
      expect((await all.media.findMany(FIRST_MEDIA_PAGE)).value()?.meta.total).toBe(0)
      const { value } = await all.media.create(file)
      const id = value?.id ?? ''
      expect(value).toMatchObject({ ...file, version: 1 })
      expect((await all.media.findMany(FIRST_MEDIA_PAGE)).value()?.data).toEqual([value])
      const changed = await all.media.update(id, { alt: 'A', width: null })
      expect(changed.value).toMatchObject({ ...file, alt: 'A', width: null, version: 2 })
      expect((await all.media.findMany(FIRST_MEDIA_PAGE)).value()?.data).toEqual([changed.value])
      expect(await all.media.update(id, { alt: 'B' }, 1)).toMatchObject({ status: 'conflict' })
      await all.media.delete(id)
      expect((await all.media.findById(id)).found).toBe(false)
      expect(await all.media.delete(id)).toMatchObject({ status: 'missing' })
      expect(loggedEvents(all.db).map(({ type }) => type)).toEqual([
        'media.upload',
        'media.update',
        'media.delete',
      ])
    })
  })

  describe('collections', () => {
    it('are known', async () => {
      expect((await all.collections.findAll()).value()?.data.map(({ id }) => id)).toEqual(['news', 'posts'])
      expect(await all.collections.has('posts')).toBe(true)
      expect(await all.collections.has('drafts')).toBe(false)
    })
  })

  describe('configuration', () => {
    it('is made private, changed, and read anew at once', async () => {
      expect((await all.config.find('site')).found).toBe(false)
      expect((await all.config.set('site', { value: { a: 1 } })).value).toMatchObject({
        version: 1,
        isPublic: false,
      })
      expect((await all.config.find('site')).label).toBe('private')
      const changed = await all.config.set('site', { value: null, isPublic: true }, 1)
      expect(changed).toMatchObject({ status: 'written', value: { version: 2, value: null, isPublic: true } })
      expect((await all.config.set('site', { value: 2 })).value).toMatchObject({ version: 3, isPublic: true })
      const found = await all.config.find('site')
      expect(found.label).toBe('public')
      expect(found.value()?.value).toBe(2)
    })

    it('refuses a version that it does not have', async () => {
      expect(await all.config.set('site', { value: 1 }, 1)).toMatchObject({ status: 'conflict' })
      await all.config.set('site', { value: 1 })
      expect(await all.config.set('site', { value: 2 }, 2)).toMatchObject({ status: 'conflict' })
      expect(loggedEvents(all.db)).toHaveLength(1)
    })

    it('is set though others set it meanwhile, unless they never stop', async () => {
      let others = 2
      all.db.before = (statements) => {
        if (statements.some(({ sql }) => /^(INSERT INTO|UPDATE) config/.test(sql)) && others-- > 0) {
          all.db.exec(`INSERT INTO config (key, value, updated_at) VALUES ('site', '0', 0)
          ON CONFLICT DO UPDATE SET version = version + 1`)
        }
      }
      expect(await all.config.set('site', { value: 1 })).toMatchObject({
        status: 'written',
        value: { version: 3 },
      })
      others = 100
      expect(await all.config.set('site', { value: 2 })).toMatchObject({ status: 'conflict' })
    })
  })

  describe('plugins', () => {
    it('are switched on and off, once', async () => {
      expect((await all.plugins.findMany('active')).value()?.data).toEqual([])
      expect(await all.plugins.activate('seo')).toMatchObject({
        status: 'written',
        value: { id: 'seo', status: 'active' },
      })
      expect((await all.plugins.findMany('active')).value()?.data).toHaveLength(1)
      expect(await all.plugins.activate('seo')).toMatchObject({
        status: 'unchanged',
        value: { status: 'active' },
      })
      expect(await all.plugins.deactivate('seo')).toMatchObject({
        status: 'written',
        value: { status: 'inactive' },
      })
      expect(await all.plugins.deactivate('none')).toMatchObject({ status: 'missing', value: null })
      expect((await all.plugins.findMany('all')).value()?.data).toHaveLength(1)
      expect(loggedEvents(all.db).map(({ type }) => type)).toEqual(['plugin.activate', 'plugin.deactivate'])
    })
  })
})
