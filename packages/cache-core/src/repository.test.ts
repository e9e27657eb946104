import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { World } from '../test/world.ts'
import { CachedRepository, type Current } from './repository.ts'
import { defineResource } from './source.ts'
import type { Change } from './write/types.ts'

interface Note {
  id: string
  title: string
  version: number
}

const NoteRow = v.object({ id: v.string(), title: v.string(), version: v.number() })
const rowsOf = (results: unknown[] | undefined) => v.parse(v.array(NoteRow), results)

const note = defineResource<{ id: string }, Note>({
  name: 'note',
  namespace: 'content',
  parseParams: (input) => v.parse(v.object({ id: v.string() }), input),
  key: ({ id }) => ({ entity: 'note', id }),
  tags: () => [],
  load: (db, { id }) => ({
    statements: [db.prepare('SELECT * FROM notes WHERE id = ?').bind(id)],
    decode: ([result]) => rowsOf(result?.results)[0] ?? null,
  }),
  parse: (json) => v.parse(NoteRow, json),
})

const notes = defineResource<{ limit: number }, Note[]>({
  name: 'notes',
  namespace: 'content',
  parseParams: (input) => v.parse(v.object({ limit: v.number() }), input),
  key: (params) => ({ entity: 'notes', id: { path: ['list'], params } }),
  tags: () => ['content:list:notes'],
  load: (db, { limit }) => ({
    statements: [db.prepare('SELECT * FROM notes ORDER BY id LIMIT ?').bind(limit)],
    decode: ([result]) => rowsOf(result?.results),
  }),
  parse: (json) => v.parse(v.array(NoteRow), json),
})

class NoteRepository extends CachedRepository<
  Note,
  Note[],
  { limit: number },
  { id: string; title: string },
  { title: string }
> {
  /** Somebody who writes the same row whenever ours has been read. */
  rival: (() => void) | null = null

  protected item(id: string) {
    return note.at({ id })
  }

  protected list(params: { limit: number }) {
    return notes.at(params)
  }

  protected async current(id: string): Promise<Current<Note> | null> {
    const { statements, decode } = note.at({ id }).load(this.db)
    const value = decode(await this.db.batch(statements))
    this.rival?.()
    return value && { value, version: value.version }
  }

  protected insertion({ id, title }: { id: string; title: string }) {
    const statement = this.db
      .prepare('INSERT INTO notes VALUES (?, ?, 1) ON CONFLICT DO NOTHING')
      .bind(id, title)
    return { id, changes: [this.change('note.create', id, statement)] }
  }

  protected modification({ value, version }: Current<Note>, { title }: { title: string }): Change[] {
    if (value.title === title) return []
    const statement = this.db
      .prepare('UPDATE notes SET title = ?, version = version + 1 WHERE id = ? AND version = ?')
      .bind(title, value.id, version)
    return [this.change('note.update', value.id, statement)]
  }

  protected removal({ value, version }: Current<Note>): Change[] {
    const statement = this.db
      .prepare('DELETE FROM notes WHERE id = ? AND version = ?')
      .bind(value.id, version)
    return [this.change('note.delete', value.id, statement)]
  }

  private change(type: string, id: string, statement: Change['statement']): Change {
    return {
      statement,
      event: { type, payload: { id }, patterns: [`content:note:${id}`, 'content:list:notes'] },
    }
  }
}

function bench() {
  const world = new World()
  world.d1.exec('CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT NOT NULL, version INTEGER NOT NULL)')
  const { cache } = world.isolate()
  const repository = new NoteRepository(cache, cache.db)
  const logged = () => world.d1.one('SELECT count(*) AS n FROM invalidation_log')?.n
  return { world, repository, logged }
}

describe('a repository', () => {
  it('reads items and lists through the cache', async () => {
    const { repository } = bench()
    expect((await repository.findById('1')).found).toBe(false)
    expect((await repository.findMany({ limit: 5 })).value()).toEqual([])
    expect((await repository.findById('1')).outcome).toBe('HIT')
    expect((await repository.findMany({ limit: 5 })).outcome).toBe('HIT')
  })

  it('creates: the item is there at once, in lists as well', async () => {
    const { repository, world } = bench()
    await repository.findById('1')
    await repository.findMany({ limit: 5 })
    const created = await repository.create({ id: '1', title: 'first' })
    expect(created).toMatchObject({ status: 'written', value: { id: '1', title: 'first', version: 1 } })
    expect(created.bookmark).toBe(`${world.epoch}.1`)
    const read = await repository.findById('1')
    expect([read.value(), read.etag]).toEqual([created.value, created.etag])
    expect((await repository.findMany({ limit: 5 })).value()?.length).toBe(1)
  })

  it('creates nothing where the insertion is held back', async () => {
    const { repository, logged } = bench()
    await repository.create({ id: '1', title: 'first' })
    expect(await repository.create({ id: '1', title: 'other' })).toEqual({
      status: 'conflict',
      value: null,
      etag: null,
      bookmark: null,
    })
    expect(logged()).toBe(1)
  })

  it('updates, and removes', async () => {
    const { repository } = bench()
    await repository.create({ id: '1', title: 'first' })
    expect(await repository.update('1', { title: 'second' })).toMatchObject({
      status: 'written',
      value: { title: 'second', version: 2 },
    })
    expect((await repository.findById('1')).value()?.title).toBe('second')
    expect(await repository.delete('1')).toMatchObject({ status: 'written', value: null })
    expect((await repository.findById('1')).found).toBe(false)
  })

  it('writes nothing where the item already is as it should be', async () => {
    const { repository, logged } = bench()
    const created = await repository.create({ id: '1', title: 'first' })
    expect(await repository.update('1', { title: 'first' })).toMatchObject({
      status: 'unchanged',
      value: created.value,
      etag: created.etag,
    })
    expect(logged()).toBe(1)
  })

  it('finds nothing to change where there is nothing', async () => {
    const { repository, logged } = bench()
    const missing = { status: 'missing', value: null, etag: null, bookmark: null }
    expect([await repository.update('1', { title: 'x' }), await repository.delete('1')]).toEqual([
      missing,
      missing,
    ])
    expect(logged()).toBe(0)
  })

  it('refuses a version that is not the present one', async () => {
    const { repository } = bench()
    await repository.create({ id: '1', title: 'first' })
    expect((await repository.update('1', { title: 'x' }, 7)).status).toBe('conflict')
    expect((await repository.delete('1', 7)).status).toBe('conflict')
    expect((await repository.update('1', { title: 'second' }, 1)).status).toBe('written')
  })
})

describe('a repository that recalls rows', () => {
  class RecallingRepository extends NoteRepository {
    /** Looks past memory. */
    looks = 0

    protected override async current(id: string) {
      this.looks++
      return super.current(id)
    }

    protected override recalled(id: string): Current<Note> | null {
      const value = this.cache.recall(note.at({ id }))
      return value && { value, version: value.version, isRecalled: true }
    }
  }

  const recalling = async () => {
    const { world } = bench()
    const { cache } = world.isolate()
    const repository = new RecallingRepository(cache, cache.db)
    await repository.create({ id: '1', title: 'first' })
    return { world, repository }
  }

  it('changes and removes them without reading them first', async () => {
    const { repository } = await recalling()
    expect(await repository.update('1', { title: 'second' }, 1)).toMatchObject({
      status: 'written',
      value: { title: 'second', version: 2 },
    })
    expect((await repository.delete('1')).status).toBe('written')
    expect(repository.looks).toBe(0)
  })

  it('reads them where they have moved on, or may have', async () => {
    const { world, repository } = await recalling()
    world.d1.exec('UPDATE notes SET version = 5')
    expect(await repository.update('1', { title: 'second' })).toMatchObject({ value: { version: 6 } })
    expect(repository.looks).toBe(1)
    world.d1.exec("UPDATE notes SET version = 9, title = 'other'")
    expect((await repository.update('1', { title: 'third' }, 6)).status).toBe('conflict')
    expect((await repository.update('1', { title: 'third' }, 9)).status).toBe('written')
    world.d1.exec("UPDATE notes SET title = 'raw'")
    expect(await repository.update('1', { title: 'third' })).toMatchObject({
      status: 'written',
      value: { title: 'third', version: 11 },
    })
    expect(repository.looks).toBe(3)
  })
})

describe('a repository among other writers', () => {
  const racing = async (times: number) => {
    const { world, repository, logged } = bench()
    await repository.create({ id: '1', title: 'first' })
    let left = times
    repository.rival = () => {
      if (left-- > 0) world.d1.exec('UPDATE notes SET version = version + 1')
    }
    return { repository, logged }
  }

  it('tries again, as the last writer wins', async () => {
    const { repository } = await racing(4)
    expect(await repository.update('1', { title: 'mine' })).toMatchObject({
      status: 'written',
      value: { title: 'mine', version: 6 },
    })
  })

  it('gives up on a row that never rests', async () => {
    const { repository, logged } = await racing(Number.POSITIVE_INFINITY)
    expect((await repository.update('1', { title: 'mine' })).status).toBe('conflict')
    expect(logged()).toBe(1)
  })

  it('does not try again for a version that has passed', async () => {
    const { repository } = await racing(1)
    expect((await repository.update('1', { title: 'mine' }, 1)).status).toBe('conflict')
    expect((await repository.findById('1', { maxStalenessMs: 0 })).value()?.title).toBe('first')
  })
})
