import { beforeEach, describe, expect, it } from 'vitest'
import { LOG_WRITERS } from '../testing/database.ts'
import { loggedEvents, type World, world } from '../testing/world.ts'
import { ConstraintError } from './constraint-error.ts'

const ann = { email: 'ann@example.com', name: 'Ann', role: 'editor', passwordHash: 'hash' } as const
const HASH = 'ab'.repeat(32)
const LATER = 2_000_000_000_000

describe.each(LOG_WRITERS)('the log is written by $writer:', ({ database }) => {
  let all: World
  let id: string

  beforeEach(async () => {
    all = world(database())
    id = (await all.users.create(ann)).value?.id ?? ''
  })

  describe('users', () => {
    it('are found by id, with what they may do', async () => {
      expect((await all.users.findById(id)).value()).toMatchObject({
        email: ann.email,
        version: 1,
        lastLoginAt: null,
      })
      expect((await all.users.findPermissions(id)).value()).toMatchObject({ role: 'editor' })
      expect((await all.users.findById(id)).text).not.toContain('hash')
    })

    it('are found for a log-in by their address, with their secret', async () => {
      expect(await all.users.findForLogin(ann.email)).toEqual({
        id,
        email: ann.email,
        name: 'Ann',
        role: 'editor',
        passwordHash: 'hash',
      })
      expect(await all.users.findForLogin('nobody@example.com')).toBeNull()
    })

    it('have addresses of their own', async () => {
      await expect(all.users.create(ann)).rejects.toThrow(ConstraintError)
      const other = await all.users.create({ ...ann, email: 'bob@example.com' })
      await expect(all.users.update(other.value?.id ?? '', { email: ann.email })).rejects.toMatchObject({
        field: 'email',
      })
      all.db.before = () => Promise.reject(new Error('broken'))
      await expect(all.users.create(ann)).rejects.toThrow('broken')
    })

    it('change a field at a time, and what they may do at once', async () => {
      await all.users.findPermissions(id)
      expect((await all.users.update(id, { role: 'admin' }, 1)).value).toMatchObject({
        name: 'Ann',
        role: 'admin',
        version: 2,
      })
      expect((await all.users.findPermissions(id)).value()?.permissions).toContain('users:write')
      expect(await all.users.update(id, { name: 'B' }, 1)).toMatchObject({ status: 'conflict' })
      expect(await all.users.findForLogin(ann.email)).toMatchObject({ passwordHash: 'hash' })
    })

    it('go', async () => {
      expect(await all.users.delete(id)).toMatchObject({ status: 'written' })
      expect((await all.users.findById(id)).found).toBe(false)
      expect(await all.users.delete(id)).toMatchObject({ status: 'missing' })
    })

    it('are not listed', () => {
      expect(() => all.users.findMany(undefined as never)).toThrow('users are not listed')
    })
  })

  describe('sessions', () => {
    it('speak for their user, whose profile shows the log-in and nothing else changes', async () => {
      await all.users.findById(id)
      const { bookmark } = await all.sessions.create({ hash: HASH, userId: id, expiresAt: LATER })
      expect(bookmark).not.toBeNull()
      expect(await all.sessions.find(HASH)).toEqual({
        userId: id,
        email: ann.email,
        name: 'Ann',
        role: 'editor',
        expiresAt: new Date(LATER).toISOString(),
      })
      expect((await all.users.findById(id)).value()).toMatchObject({
        lastLoginAt: new Date(all.runtime.time).toISOString(),
        version: 1,
      })
      expect(loggedEvents(all.db).at(-1)).toMatchObject({
        type: 'auth.login',
        patterns: [`user:activity:${id}`],
      })
    })

    it('are not made for a password that was changed while it was being checked', async () => {
      await all.users.update(id, { passwordHash: 'new' })
      const login = { hash: HASH, userId: id, expiresAt: LATER }
      expect((await all.sessions.create({ ...login, passwordHash: 'old' })).bookmark).toBeNull()
      expect(await all.sessions.find(HASH)).toBeNull()
      expect(
        (await all.sessions.create({ ...login, hash: 'ef'.repeat(32), passwordHash: 'new' })).bookmark,
      ).not.toBeNull()
    })

    it('are of somebody', async () => {
      expect(await all.sessions.create({ hash: HASH, userId: 'nobody', expiresAt: LATER })).toMatchObject({
        bookmark: null,
      })
      expect(await all.sessions.find(HASH)).toBeNull()
    })

    it('end on time, though they are cached for longer', async () => {
      await all.sessions.create({ hash: HASH, userId: id, expiresAt: all.runtime.time + 60_000 })
      expect(await all.sessions.find(HASH)).not.toBeNull()
      all.runtime.time += 60_000
      expect(await all.sessions.find(HASH)).toBeNull()
      await all.sessions.create({ hash: 'cd'.repeat(32), userId: id, expiresAt: LATER })
      expect(all.db.one('SELECT count(*) AS n FROM sessions')).toEqual({ n: 1 })
    })

    it('end with a log-out', async () => {
      await all.sessions.create({ hash: HASH, userId: id, expiresAt: LATER })
      await all.sessions.find(HASH)
      await all.sessions.logout(HASH)
      expect(await all.sessions.find(HASH)).toBeNull()
      expect(await all.sessions.logout(HASH)).toMatchObject({ bookmark: null })
    })

    it('never leave for KV', async () => {
      await all.sessions.create({ hash: HASH, userId: id, expiresAt: LATER })
      await all.sessions.find(HASH)
      await all.runtime.advance(0)
      expect([...all.kv.entries.keys()].filter((name) => name.startsWith('session'))).toEqual([])
    })

    it.each([
      ['a new role', { role: 'viewer' } as const, { role: 'viewer' }],
      ['a new name', { name: 'Anna' }, { name: 'Anna' }],
    ])('show %s at once', async (_, change, shown) => {
      await all.sessions.create({ hash: HASH, userId: id, expiresAt: LATER })
      await all.sessions.find(HASH)
      await all.users.update(id, change)
      expect(await all.sessions.find(HASH)).toMatchObject(shown)
    })

    it.each([
      ['a new password', () => all.users.update(id, { passwordHash: 'new' })],
      ['their user', () => all.users.delete(id)],
    ])('end with %s', async (_, change) => {
      await all.sessions.create({ hash: HASH, userId: id, expiresAt: LATER })
      await all.sessions.find(HASH)
      await change()
      expect(await all.sessions.find(HASH)).toBeNull()
    })
  })
})
