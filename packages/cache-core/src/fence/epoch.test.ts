import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { DatabaseUnavailableError, Sql } from '../sql.ts'
import { Stats } from '../stats.ts'
import { moveEpoch } from './epoch.ts'

describe('moveEpoch', () => {
  it('moves the epoch once, whoever else has found the same', async () => {
    const world = new World()
    const sql = new Sql(world.runtime, new Stats())
    const from = world.epoch
    await moveEpoch(world.db, sql, from)
    const { epoch } = world
    await Promise.all([moveEpoch(world.db, sql, from), moveEpoch(world.db, sql, from)])
    expect([epoch === from, world.epoch]).toEqual([false, epoch])
  })

  it('makes epochs that bookmarks can carry', async () => {
    const world = new World()
    expect(world.epoch).toMatch(/^[0-9a-f]{16}$/)
    await moveEpoch(world.db, new Sql(world.runtime, new Stats()), world.epoch)
    expect(world.epoch).toMatch(/^[0-9a-f]{16}$/)
  })

  it('says that D1 is unavailable when it fails', async () => {
    const world = new World()
    world.d1.before = () => {
      throw new Error('overloaded')
    }
    const moving = moveEpoch(world.db, new Sql(world.runtime, new Stats()), world.epoch)
    await expect(moving).rejects.toThrow(DatabaseUnavailableError)
  })
})
