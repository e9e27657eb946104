import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openState, StateBusyError, temporaryState } from './state.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-state-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** Leaves a database in the state's directory. */
async function leaveData(dataDirectory: string): Promise<void> {
  await mkdir(dataDirectory, { recursive: true })
  await writeFile(join(dataDirectory, 'db'), 'rows')
}

describe('openState', () => {
  it('keeps what was complete', async () => {
    const first = await openState(directory, { fresh: false })
    expect(first.complete).toBe(false)
    await leaveData(first.dataDirectory)
    await first.markComplete()
    await first.release()
    const second = await openState(directory, { fresh: false })
    expect(second.complete).toBe(true)
    expect(await readdir(second.dataDirectory)).toEqual(['db'])
  })

  it('drops what was not', async () => {
    const first = await openState(directory, { fresh: false })
    await leaveData(first.dataDirectory)
    await first.release()
    const second = await openState(directory, { fresh: false })
    expect(second.complete).toBe(false)
    await expect(readdir(second.dataDirectory)).rejects.toThrow('ENOENT')
  })

  it('drops everything with fresh', async () => {
    const first = await openState(directory, { fresh: false })
    await leaveData(first.dataDirectory)
    await first.markComplete()
    await first.release()
    const second = await openState(directory, { fresh: true })
    expect(second.complete).toBe(false)
    await expect(readdir(second.dataDirectory)).rejects.toThrow('ENOENT')
  })

  it('refuses a directory that a living process uses', async () => {
    await writeFile(join(directory, 'lock'), String(process.ppid))
    await expect(openState(directory, { fresh: true })).rejects.toThrow(StateBusyError)
    await expect(openState(directory, { fresh: true })).rejects.toThrow(
      `process ${process.ppid} already runs on the state in ${directory}: stop it first (if it isn't Freshet, delete the file ${join(directory, 'lock')})`,
    )
  })

  it.each(['999999999', '', 'garbage', '-1', String(process.pid)])(
    'takes over from a dead process (%j)',
    async (owner) => {
      await writeFile(join(directory, 'lock'), owner)
      const state = await openState(directory, { fresh: false })
      await state.release()
      expect(await readdir(directory)).toEqual([])
    },
  )
})

describe('temporaryState', () => {
  it('is gone when it is released', async () => {
    const state = await temporaryState()
    expect(state.complete).toBe(false)
    await leaveData(state.dataDirectory)
    await state.markComplete()
    await state.release()
    await expect(readdir(state.dataDirectory)).rejects.toThrow('ENOENT')
  })
})
