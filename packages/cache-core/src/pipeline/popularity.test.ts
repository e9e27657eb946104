import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { addReads, forgetUnread, popularRecipes, type RecipeReads, sumReads } from './popularity.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })
const reads = (id: string, n: number, costMs = 10): RecipeReads => ({ recipe: recipe(id), reads: n, costMs })
const HALF_LIFE_MS = 12 * 3_600_000

class Bench {
  readonly world = new World()
  now = 1_800_000_000_000
  async add(...all: RecipeReads[]): Promise<void> {
    await this.world.db.batch([addReads(this.world.db, all, this.now)])
  }
  top = (share = 1, cap = 100) => popularRecipes(this.world.db, { share, cap }, this.now)
  ids = async (share = 1, cap = 100) => (await this.top(share, cap)).map((one) => one.recipe.params.id)
}

describe('scores', () => {
  it('add up, over messages and within one', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 5), reads('b', 7), reads('a', 4))
    await bench.add(reads('b', 1))
    const [a, b] = await bench.top()
    expect([a?.recipe, b?.recipe]).toEqual([recipe('a'), recipe('b')])
    expect(a?.score).toBeCloseTo(9, 6)
    expect(b?.score).toBeCloseTo(8, 6)
  })

  it('are halved every twelve hours without a write, and their order stays', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 100), reads('b', 60))
    bench.now += HALF_LIFE_MS
    expect((await bench.top()).map(({ score }) => Math.round(score))).toEqual([50, 30])
    await bench.add(reads('b', 30))
    expect((await bench.top()).map(({ score }) => Math.round(score))).toEqual([60, 50])
    expect(await bench.ids()).toEqual(['b', 'a'])
  })

  it('hold for years: nothing overflows', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 1e6))
    bench.now += 1000 * HALF_LIFE_MS
    await bench.add(reads('a', 3), reads('b', 2))
    expect((await bench.top()).map(({ score }) => score)).toEqual([
      expect.closeTo(3, 6),
      expect.closeTo(2, 6),
    ])
  })

  it('know a recipe again whatever the order of its parameters', async () => {
    const bench = new Bench()
    const one = { resource: 'list', params: { limit: 1, offset: 2 } }
    const two = { resource: 'list', params: { offset: 2, limit: 1 } }
    await bench.add({ recipe: one, reads: 1, costMs: 1 })
    await bench.add({ recipe: two, reads: 1, costMs: 1 })
    expect(await bench.top()).toHaveLength(1)
  })

  it('remember what a load costs, the newest most', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 1, 10))
    await bench.add(reads('a', 1, 20))
    expect((await bench.top())[0]?.costMs).toBeCloseTo(13, 6)
  })

  it('of what was not read at all are none', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 0))
    expect(await bench.top()).toEqual([])
    expect(sumReads([reads('a', 1, 10), reads('a', 3, 2)])).toEqual([reads('a', 4, 4)])
  })
})

describe('the popular ones', () => {
  it('cover the share that is asked for, and no more', async () => {
    const bench = new Bench()
    await bench.add(reads('a', 60), reads('b', 25), reads('c', 10), reads('d', 5))
    expect(await bench.ids(0.9)).toEqual(['a', 'b', 'c'])
    expect(await bench.ids(0.5)).toEqual(['a'])
    expect(await bench.ids(0.9, 2)).toEqual(['a', 'b'])
  })

  it('are none before anything was read', async () => {
    expect(await new Bench().top()).toEqual([])
  })
})

describe('forgetting', () => {
  it('drops what has decayed to nothing, and what is past twenty thousand', async () => {
    const bench = new Bench()
    await bench.add(reads('old', 1))
    bench.now += 7 * HALF_LIFE_MS
    await bench.add(reads('new', 1))
    const forget = () => bench.world.db.batch([forgetUnread(bench.world.db, bench.now)])
    await forget()
    expect(await bench.ids()).toEqual(['new'])
    await bench.add(...Array.from({ length: 20_004 }, (_, i) => reads(String(i), 2 + (i % 7))))
    await forget()
    expect(bench.world.d1.one('SELECT count(*) AS n FROM popularity')?.n).toBe(20_000)
    expect(await bench.ids(1, 20_000)).not.toContain('new')
  })
})
