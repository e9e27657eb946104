import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixtureDirectories, fixtureMigrations } from './fixture/directories.ts'
import { readWorkerSource } from './worker-source.ts'

describe('readWorkerSource', () => {
  it('reads bindings, vars and the place of the migrations', () => {
    const source = readWorkerSource(fixtureDirectories.api)
    expect(source).toMatchObject({
      name: 'fixture-api',
      main: join(fixtureDirectories.api, 'index.mjs'),
      vars: { CACHE_ENABLED: 'true', GREETING: 'hello' },
      crons: [],
      migrations: [{ binding: 'DB', directory: fixtureMigrations, table: 'd1_migrations' }],
      keepNames: true,
    })
    expect(source.options).toMatchObject({
      compatibilityDate: '2026-07-30',
      kvNamespaces: { CACHE: { id: 'fixture-kv' } },
      queueProducers: { EVENTS: { queueName: 'fixture-events' } },
    })
  })

  it('reads crons and the settings of queues', () => {
    const source = readWorkerSource(fixtureDirectories.consumer)
    expect(source.crons).toEqual(['* * * * *'])
    expect(source.options.queueConsumers).toEqual({
      'fixture-events': { maxBatchSize: 10, maxBatchTimeout: 0 },
    })
  })
})

describe('readWorkerSource of a bad configuration', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'freshet-config-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('says where there is none', () => {
    expect(() => readWorkerSource(directory)).toThrow(join(directory, 'wrangler.jsonc'))
  })

  it('names what is missing', async () => {
    await writeFile(join(directory, 'wrangler.jsonc'), '{ "name": "x", "compatibility_date": "2026-07-30" }')
    expect(() => readWorkerSource(directory)).toThrow('main')
  })

  it('wants vars to be text, since deployed settings are', async () => {
    const config = {
      name: 'x',
      main: 'index.mjs',
      compatibility_date: '2026-07-30',
      vars: { CACHE_DEFAULT_TTL: 60 },
    }
    await writeFile(join(directory, 'wrangler.jsonc'), JSON.stringify(config))
    expect(() => readWorkerSource(directory)).toThrow('vars.CACHE_DEFAULT_TTL: a var must be text')
  })
})
