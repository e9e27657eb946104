import { describe, expect, it, vi } from 'vitest'
import { CONFIGS, posts, World } from '../../test/world.ts'
import { CacheService, defineResource, Isolate, parseSettings, type Violation } from '../index.ts'
import { forgetViolations, keptViolations, recentViolations } from './violation.ts'

const post = posts.at({ id: '1' })

/** A post of a user's own: nobody else may look at it. */
const secrets = defineResource({
  name: 'secret',
  namespace: 'user',
  parseParams: () => ({}),
  key: () => ({ entity: 'profile', id: '7' }),
  tags: () => [],
  load: (db) => ({
    statements: [db.prepare("SELECT id, title FROM posts WHERE id = '1'")],
    decode: ([result]) => result?.results[0] ?? null,
  }),
  parse: (json) => json,
})

/** An isolate that looks at each hit, and what it found. */
function watched(world: World, env: Record<string, string> = {}) {
  const violations: Violation[] = []
  const isolate = new Isolate({
    configs: CONFIGS,
    settings: parseSettings({ CACHE_VERIFY_SAMPLE: '1', ...env }),
    runtime: world.runtime,
    keepsFresh: true,
    violated: (violation) => violations.push(violation),
  })
  const cache = new CacheService(isolate, world.io({ requestId: 'ray-1' }))
  const read = async (source = post) => {
    const result = await cache.read(source)
    await world.settle()
    return result
  }
  return { isolate, cache, violations, read, counted: () => ({ ...isolate.stats.verification }) }
}

function planted() {
  const world = new World()
  world.plant('1', 'first')
  return world
}

function kept(world: World) {
  const { statements, decode } = keptViolations(world.db, 10)
  return world.db.batch(statements).then(decode)
}

describe('a hit that is looked at', () => {
  it('is right where D1 has the same value, whatever was invalidated', async () => {
    const world = planted()
    const { read, counted, violations } = watched(world)
    await read()
    world.logElsewhere(['content:*'])
    expect((await read()).outcome).toBe('HIT')
    expect(counted()).toEqual({ checks: 1, violations: 0, younger: 0 })
    expect(violations).toEqual([])
  })

  it('may be older than a write that Δ allows it not to know of', async () => {
    const world = planted()
    const { read, counted } = watched(world)
    await read()
    world.writeElsewhere('1', 'second')
    expect((await read()).value()).toEqual({ id: '1', title: 'first' })
    expect(counted()).toEqual({ checks: 1, violations: 0, younger: 1 })
  })

  it('is a violation where the fence had the row, and tells both versions and why', async () => {
    const world = planted()
    const { read, counted, violations, isolate } = watched(world)
    await read()
    const seq = world.writeElsewhere('1', 'second')
    await isolate.refresher.run(world.io())
    vi.spyOn(isolate.fence, 'isValid').mockReturnValue(true)
    expect((await read()).value()).toEqual({ id: '1', title: 'first' })
    expect(counted()).toEqual({ checks: 1, violations: 1, younger: 0 })
    const violation = {
      kind: 'hit',
      key: 'content:post:1',
      namespace: 'content',
      source: 'memory',
      requestId: 'ray-1',
      cause: 'known row',
      says: `the fence knew of post.update (seq ${seq}) of content:post:1 when it called the value valid`,
      maxStalenessMs: 5_000,
      fence: { epoch: world.epoch, head: seq, ageMs: 0 },
      served: { stamp: 0, upTo: 0, found: true, text: '{"id":"1","title":"first"}' },
      current: { seq, found: true, text: '{"id":"1","title":"second"}' },
      row: { seq, type: 'post.update', name: 'content:post:1', pattern: 'content:post:1' },
    }
    expect(violations).toMatchObject([violation])
    expect(await kept(world)).toMatchObject({ total: 1, items: [{ id: 1, ...violation }] })
  })

  it('is a violation where the fence had fallen behind its bound', async () => {
    const world = planted()
    const { read, violations, isolate } = watched(world)
    await read()
    const seq = world.writeElsewhere('1', 'second', ['user:profile:*'])
    vi.spyOn(isolate.refresher, 'run').mockResolvedValue()
    vi.spyOn(isolate.fence, 'isFresh').mockReturnValue(true)
    await world.runtime.advance(18_000)
    await read()
    expect(violations).toMatchObject([
      {
        cause: 'old row',
        says: `post.update (seq ${seq}) of user:profile:7 is older than the bound, and the fence had not read so far`,
        fence: { head: 0, ageMs: 18_000 },
      },
    ])
  })

  it('is a violation where the data was changed past the log', async () => {
    const world = planted()
    const { read, violations } = watched(world)
    await read()
    world.plant('1', 'second')
    await read()
    expect(violations).toEqual([])
    await world.runtime.advance(10_000)
    expect(violations).toMatchObject([{ cause: 'no row', row: null }])
    expect(violations[0]?.says).toContain('no row of the log tells of the change')
  })

  it('is none where an outside producer’s event comes a little later than its change', async () => {
    const world = planted()
    const { read, counted } = watched(world)
    await read()
    world.plant('1', 'second')
    await read()
    await world.runtime.advance(5_000)
    world.logElsewhere(['content:post:1'])
    await world.runtime.advance(5_000)
    expect(counted()).toEqual({ checks: 1, violations: 0, younger: 1 })
  })

  it('is looked for in a long log as far as it makes a difference', async () => {
    const world = planted()
    const { read, violations, isolate, counted } = watched(world)
    await read()
    world.plant('1', 'second')
    world.logMany(5_500)
    await world.runtime.advance(600)
    // The fence is still at the beginning: nothing proves that an older row does not explain it.
    await read()
    expect(counted().checks).toBe(0)
    for (let page = 0; page < 6; page++) await isolate.refresher.run(world.io())
    vi.spyOn(isolate.fence, 'isValid').mockReturnValue(true)
    await world.runtime.advance(600)
    await read()
    await world.runtime.advance(10_000)
    expect(violations).toMatchObject([{ cause: 'no row', row: null }])
  })

  it('says nothing where the database was restored in between', async () => {
    const world = planted()
    const { read, counted } = watched(world)
    await read()
    world.plant('1', 'second')
    world.d1.exec("UPDATE invalidation_state SET epoch = 'e2'")
    await read()
    expect(counted()).toEqual({ checks: 0, violations: 0, younger: 0 })
  })

  it('says nothing between a restore and the move of its epoch', async () => {
    const world = planted()
    const { read, counted, violations } = watched(world)
    const restore = world.backup()
    world.writeElsewhere('1', 'second')
    await read()
    restore()
    expect((await read()).value()).toEqual({ id: '1', title: 'second' })
    await world.runtime.advance(10_000)
    expect([counted().checks, violations]).toEqual([0, []])
  })

  it('says nothing of a restore that is found out a little later', async () => {
    const world = planted()
    const { read, violations, counted } = watched(world)
    await read()
    // What the restored database has in its place, and no row tells of it.
    world.plant('1', 'as it was before')
    await read()
    await world.runtime.advance(5_000)
    world.d1.exec("UPDATE invalidation_state SET epoch = 'another'")
    await world.runtime.advance(5_000)
    expect(counted().violations).toBe(0)
    expect(violations).toEqual([])
  })

  it('shows nobody what is private: a hash has to do', async () => {
    const world = planted()
    const { read, violations } = watched(world)
    await read(secrets.at({}) as typeof post)
    world.plant('1', 'second')
    await read(secrets.at({}) as typeof post)
    await world.runtime.advance(10_000)
    expect(violations).toMatchObject([{ served: { text: null }, current: { text: null } }])
    const [violation] = violations
    expect(violation?.served.etag).not.toBe(violation?.current.etag)
    expect(JSON.stringify(violation)).not.toContain('second')
  })

  it('goes to the console as a line of JSON where nobody else listens', async () => {
    const world = planted()
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { cache } = world.isolate({ env: { CACHE_VERIFY_SAMPLE: '1' } })
    await cache.read(post)
    world.plant('1', 'second')
    await cache.read(post)
    await world.runtime.advance(10_000)
    const lines = error.mock.calls.map(([line]) => JSON.parse(String(line)))
    error.mockRestore()
    expect(lines).toEqual([{ level: 'error', violation: expect.objectContaining({ cause: 'no row' }) }])
  })
})

describe('the sample', () => {
  it('takes its share of the hits', async () => {
    const world = planted()
    const { read, isolate } = watched(world, { CACHE_VERIFY_SAMPLE: '0.1' })
    let random = 1
    world.runtime.random = () => {
      random = (random * 16_807) % 2_147_483_647
      return random / 2_147_483_647
    }
    const start = vi.spyOn(isolate.verifier, 'start').mockReturnValue()
    await read()
    for (let hit = 0; hit < 5_000; hit++) await read()
    expect(start.mock.calls.length).toBeGreaterThan(430)
    expect(start.mock.calls.length).toBeLessThan(570)
  })

  it.each([
    ['0', {}],
    ['1', { CACHE_ENABLED: 'false' }],
  ])('of %s with %j takes none', async (sample, env) => {
    const world = planted()
    const { read, isolate } = watched(world, { CACHE_VERIFY_SAMPLE: sample, ...env })
    const start = vi.spyOn(isolate.verifier, 'start')
    for (let hit = 0; hit < 50; hit++) await read()
    expect(start).not.toHaveBeenCalled()
  })

  it('is none of values that only their caller can load again', async () => {
    const world = planted()
    const { cache, counted } = watched(world)
    for (let hit = 0; hit < 3; hit++) await cache.getOrSet('content:own:1', async () => Math.random())
    await world.settle()
    expect(counted().checks).toBe(0)
  })

  it('asks D1 at most twice a second, and not while that fails or is busy', async () => {
    const world = planted()
    const { read, isolate, counted } = watched(world)
    await read()
    for (let hit = 0; hit < 20; hit++) await read()
    expect(counted().checks).toBe(1)
    await world.runtime.advance(500)
    const busy = [1, 2, 3].map((n) => isolate.flights.lead(`x${n}`, 1, 0, () => new Promise(() => {})))
    await read()
    expect([busy.length, counted().checks]).toEqual([3, 1])
    for (let n = 1; n <= 3; n++) isolate.flights.lead(`x${n}`, 1, 0, () => Promise.reject(new Error('x')))
    await world.settle()
    await read()
    expect(counted().checks).toBe(2)
    await world.runtime.advance(500)
    for (let n = 0; n < 3; n++) isolate.sql.breaker.failed(world.runtime.now())
    await read()
    expect(counted().checks).toBe(2)
  })

  it('leaves a check that fails at that', async () => {
    const world = planted()
    const { read, counted } = watched(world)
    await read()
    world.d1.before = () => Promise.reject(new Error('D1 down'))
    expect((await read()).outcome).toBe('HIT')
    expect(counted()).toEqual({ checks: 0, violations: 0, younger: 0 })
  })
})

describe('the violations that are kept', () => {
  it('are a few of many, and the newest 500', async () => {
    const world = planted()
    const { read, violations } = watched(world)
    await read()
    world.plant('1', 'second')
    for (let hit = 0; hit < 20; hit++) {
      await read()
      await world.runtime.advance(500)
    }
    await world.runtime.advance(10_000)
    expect(violations.length).toBe(20)
    expect((await kept(world))?.total).toBe(2)
    world.d1.exec(`INSERT INTO cache_violations (at, detail) WITH RECURSIVE n(i) AS
      (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT 0, '{}' FROM n`)
    await world.runtime.advance(5_000)
    await read()
    await world.runtime.advance(10_000)
    expect(world.d1.one('SELECT count(*) AS n FROM cache_violations')?.n).toBe(500)
  })

  it('count for 24 hours, unless somebody has understood them', async () => {
    const world = planted()
    const { read } = watched(world)
    await read()
    world.plant('1', 'second')
    await read()
    await world.runtime.advance(10_000)
    const recent = async (hours: number) => {
      const { statements, decode } = recentViolations(world.db, world.runtime.now() + hours * 3_600_000)
      return decode(await world.db.batch(statements))
    }
    expect(await recent(0)).toEqual({ violations: 1, head: 0 })
    expect(await recent(24)).toEqual({ violations: 0, head: 0 })
    const { statements, decode } = forgetViolations(world.db)
    expect(decode(await world.db.batch(statements))).toEqual({ forgotten: 1 })
    expect((await recent(0))?.violations).toBe(0)
  })
})
