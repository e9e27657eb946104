import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coalesceJobs, parseWarmMessage, recipeText, type WarmJob, warmMessages } from './warm-job.ts'

const recipe = fc.record({
  resource: fc.constantFrom('post', 'list'),
  params: fc.constantFrom({ id: '1' }, { id: '2' }, { limit: 10, offset: 0 }, { offset: 0, limit: 10 }, {}),
})

const job: fc.Arbitrary<WarmJob> = fc.record(
  {
    recipe,
    priority: fc.nat(9),
    reason: fc.constantFrom('a', 'b'),
    bookmark: fc.nat(20).map((seq) => `feed.${seq}`),
  },
  { requiredKeys: ['recipe', 'priority', 'reason'] },
)

const jobs = fc.array(job, { maxLength: 20 })
const seqOf = ({ bookmark }: WarmJob) => (bookmark === undefined ? -1 : Number(bookmark.split('.')[1]))

describe('recipeText', () => {
  it('is the same for the same recipe, whatever the order of its parameters', () => {
    expect(recipeText({ resource: 'list', params: { b: 1, a: 'x y' } })).toBe('list?a=x%20y&b=1')
    expect(recipeText({ resource: 'list', params: { a: 'x y', b: 1 } })).toBe('list?a=x%20y&b=1')
  })
})

describe('coalesceJobs', () => {
  it('leaves one job a recipe, with the highest priority and the newest bookmark of its copies', () => {
    fc.assert(
      fc.property(jobs, (all) => {
        const coalesced = coalesceJobs(all)
        const texts = new Set(all.map((one) => recipeText(one.recipe)))
        expect(coalesced.map((one) => recipeText(one.recipe)).sort()).toEqual([...texts].sort())
        for (const one of coalesced) {
          const copies = all.filter((other) => recipeText(other.recipe) === recipeText(one.recipe))
          expect(one.priority).toBe(Math.min(...copies.map(({ priority }) => priority)))
          expect(seqOf(one)).toBe(Math.max(...copies.map(seqOf)))
        }
      }),
    )
  })

  it('does not depend on the order in which jobs come', () => {
    const shuffled = jobs.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    )
    const essence = (all: readonly WarmJob[]) =>
      coalesceJobs(all)
        .map((one) => [recipeText(one.recipe), one.priority, seqOf(one)])
        .sort()
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(essence(other)).toEqual(essence(all))
      }),
    )
  })

  it('is done after once, and gives the most urgent first', () => {
    fc.assert(
      fc.property(jobs, (all) => {
        const coalesced = coalesceJobs(all)
        expect(coalesceJobs(coalesced)).toEqual(coalesced)
        const priorities = coalesced.map(({ priority }) => priority)
        expect(priorities).toEqual([...priorities].sort((a, b) => a - b))
      }),
    )
  })
})

describe('a warm job’s message', () => {
  it('comes back as the job', () => {
    fc.assert(
      fc.property(jobs, (all) => {
        const bodies = warmMessages(all)
          .flat()
          .map(({ body }) => JSON.parse(JSON.stringify(body)))
        expect(bodies.map(parseWarmMessage)).toEqual(
          coalesceJobs(all).map((one) => ({ job: { bookmark: undefined, ...one } })),
        )
      }),
    )
  })

  const good = { v: 1, recipe: { resource: 'post', params: {} }, priority: 1, reason: '' }
  it.each([
    [undefined, 'message'],
    [{ ...good, v: 0 }, 'v'],
    [{ ...good, recipe: {} }, 'recipe.resource'],
    [{ ...good, recipe: { resource: 'post', params: { a: {} } } }, 'recipe.params.a'],
    [{ ...good, priority: 10 }, 'priority'],
    [{ ...good, priority: 1.5 }, 'priority'],
    [{ ...good, priority: -1 }, 'priority'],
    [{ ...good, bookmark: 7 }, 'bookmark'],
  ])('is not %j, and the problem names what is wrong', (body, place) => {
    expect(parseWarmMessage(body)).toEqual({ problem: expect.stringContaining(`${place}: `) })
  })
})
