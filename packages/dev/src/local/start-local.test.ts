import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fixtureDirectories } from './fixture/directories.ts'
import { PortBusyError } from './ports.ts'
import type { LocalStack } from './running-stack.ts'
import { type LocalOptions, startLocal } from './start-local.ts'
import { StateBusyError } from './state.ts'
import { bundleWorkers } from './workers.ts'

const stacks: LocalStack[] = []
const directories: string[] = []

/** A stack of the fixture Workers that ends with its test. */
async function start(options: LocalOptions = {}): Promise<LocalStack> {
  const stack = await startLocal({ port: 0, cronSeconds: 0, directories: fixtureDirectories, ...options })
  stacks.push(stack)
  return stack
}

async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-start-'))
  directories.push(directory)
  return directory
}

afterEach(async () => {
  await Promise.all(stacks.splice(0).map((stack) => stack.stop()))
  await Promise.all(directories.splice(0).map((directory) => rm(directory, { recursive: true })))
})

const json = async (url: string): Promise<unknown> => (await fetch(url)).json()
const notes = async (stack: LocalStack) => v.parse(v.array(v.string()), await json(`${stack.urls[0]}/notes`))
const seed = (...texts: string[]) =>
  texts.map((text) => ({ sql: 'INSERT INTO notes (text) VALUES (?)', params: [text] }))

describe('startLocal', () => {
  it('gives each API Worker an isolate of its own over the same KV, D1 and queues', async () => {
    const stack = await start({ apiWorkers: 2, seed: seed('first') })
    const [one = '', two = ''] = stack.urls
    await fetch(`${one}/requests`)
    expect(await json(`${one}/requests`)).toBe(2)
    expect(await json(`${two}/requests`)).toBe(1)

    await fetch(`${one}/kv`, { method: 'PUT', body: 'shared' })
    expect(await (await fetch(`${two}/kv`)).text()).toBe('shared')

    await fetch(`${one}/send`, { method: 'POST', body: 'a' })
    await fetch(`${two}/send`, { method: 'POST', body: 'b' })
    await vi.waitFor(async () => {
      const expected = ['first', 'message a', 'message b']
      expect((await notes(stack)).sort()).toEqual(expected)
    }, 10_000)
  })

  it("calls the consumer's scheduled() on demand and by itself", async () => {
    const stack = await start({ cronSeconds: 0.05 })
    await stack.runCron()
    await vi.waitFor(async () => {
      expect((await notes(stack)).length).toBeGreaterThan(2)
    }, 10_000)
    expect(new Set(await notes(stack))).toEqual(new Set(['cron * * * * *']))
  })

  it('reports a scheduled() that failed, and goes on', async () => {
    const lines: string[] = []
    const stack = await start({
      cronSeconds: 0.05,
      env: { CACHE_CRON_FAILS: 'true' },
      onOutput: (line) => lines.push(line),
    })
    await expect(stack.runCron()).rejects.toThrow('ended with: exception')
    await vi.waitFor(() => {
      expect(lines.filter((line) => line.includes('scheduled() for "* * * * *"')).length).toBeGreaterThan(1)
    }, 10_000)
  })

  it('leaves the consumer out on request', async () => {
    const stack = await start({ consumer: false, cronSeconds: 0.05 })
    expect((await fetch(`${stack.urls[0]}/send`, { method: 'POST', body: 'lost' })).status).toBe(204)
    await stack.runCron()
    expect(await notes(stack)).toEqual([])
  })

  it('takes settings from the environment, and vars for single Workers', async () => {
    const stack = await start({
      apiWorkers: 2,
      env: { CACHE_VERSION: '7', HOME: '/home/me' },
      apiVars: [{}, { CACHE_ENABLED: 'false' }],
    })
    expect(await json(`${stack.urls[0]}/vars`)).toEqual({
      CACHE_ENABLED: 'true',
      CACHE_VERSION: '7',
      GREETING: 'hello',
    })
    expect(await json(`${stack.urls[1]}/vars`)).toMatchObject({ CACHE_ENABLED: 'false' })
  })

  it('lets a caller change the options of a Worker', async () => {
    const stack = await start({
      configure: (options) => ({
        ...options,
        bindings: { ...options.bindings, GREETING: options.name ?? '' },
      }),
    })
    expect(await json(`${stack.urls[0]}/vars`)).toMatchObject({ GREETING: 'fixture-api-1' })
  })

  it('takes Workers that are bundled already', async () => {
    const { consumer } = await bundleWorkers({ directories: fixtureDirectories })
    const api = 'export default { fetch: () => new Response("bundled before") }'
    const stack = await start({ scripts: { api, consumer } })
    expect(await (await fetch(`${stack.urls[0]}/`)).text()).toBe('bundled before')
    await stack.runCron()
    expect(await stack.sql([{ sql: 'SELECT text FROM notes', params: [] }])).toEqual([
      [{ text: 'cron * * * * *' }],
    ])
  })

  it('lets a caller look into the isolates', async () => {
    const { miniflare } = await start({ inspectorPort: 0 })
    const { host } = await miniflare.getInspectorURL()
    const ids = v.parse(v.array(v.object({ id: v.string() })), await json(`http://${host}/json`))
    expect(ids.map(({ id }) => id)).toContain('core:user:fixture-consumer')
  })

  it('hands on what the Workers log', async () => {
    const lines: string[] = []
    const stack = await start({ onOutput: (line) => lines.push(line) })
    await fetch(`${stack.urls[0]}/log`, { method: 'POST', body: 'from the Worker' })
    await vi.waitFor(() => expect(lines).toContain('from the Worker'))
  })
})

describe('the state of a local stack', () => {
  it('is kept between runs, migrated once and seeded once; fresh drops it', async () => {
    const directory = await stateDirectory()
    const progress: string[] = []
    const options = {
      stateDirectory: directory,
      seed: seed('seeded'),
      onProgress: (line: string) => progress.push(line),
    }

    const first = await start(options)
    await first.sql(seed('added'))
    expect(await first.sql([{ sql: 'SELECT value FROM counters', params: [] }])).toEqual([[{ value: 2 }]])
    await first.stop()
    expect(progress).toContain('applied the migrations 0001_notes.sql, 0002_trigger.sql')

    progress.length = 0
    const second = await start(options)
    expect(await notes(second)).toEqual(['seeded', 'added'])
    expect(progress).not.toContain('seeding the database')
    expect(progress.join()).not.toContain('migrations')
    await expect(start(options)).rejects.toThrow(StateBusyError)
    await second.stop()

    const third = await start({ ...options, fresh: true })
    expect(await notes(third)).toEqual(['seeded'])
  })

  it('starts over when its seeding was cut short', async () => {
    const directory = await stateDirectory()
    const broken = [...seed('half'), { sql: 'INSERT INTO nowhere VALUES (1)', params: [] }]
    await expect(start({ stateDirectory: directory, seed: broken })).rejects.toThrow('no such table: nowhere')
    const stack = await start({ stateDirectory: directory, seed: seed('whole') })
    expect(await notes(stack)).toEqual(['whole'])
  })
})

describe('startLocal that cannot start', () => {
  it('says that the port is in use', async () => {
    const stack = await start()
    const port = Number(new URL(stack.urls[0] ?? '').port)
    await expect(start({ port })).rejects.toThrow(PortBusyError)
  })

  it('names a bad setting, what it holds and what it may hold', async () => {
    await expect(start({ env: { CACHE_DEFAULT_TTL: 'abc' } })).rejects.toThrow(
      'CACHE_DEFAULT_TTL is "abc"; it may be whole seconds',
    )
    await expect(start({ apiVars: [{ CACHE_ENABLED: 'yes' }] })).rejects.toThrow('CACHE_ENABLED is "yes"')
  })

  it('names the migration that failed', async () => {
    const directory = await stateDirectory()
    await writeFile(join(directory, '0001_bad.sql'), 'CREATE NONSENSE;')
    const { applyMigrations } = await import('./migrations.ts')
    const stack = await start()
    await expect(applyMigrations(stack.sql, directory, 'other_migrations')).rejects.toThrow(
      'migration 0001_bad.sql failed',
    )
    await expect(applyMigrations(stack.sql, join(directory, 'nowhere'), 'd1_migrations')).rejects.toThrow(
      'no directory of migrations',
    )
  })

  it('gives up when aborted', async () => {
    await expect(start({ signal: AbortSignal.abort(new Error('stopped early')) })).rejects.toThrow(
      'stopped early',
    )
  })
})
