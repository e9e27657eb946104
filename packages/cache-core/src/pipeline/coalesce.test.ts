import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { smallName, smallPattern } from '../../test/arbitraries.ts'
import { matches } from '../keys/pattern.ts'
import { coalescePatterns, coalescePlans, type SeqPattern } from './coalesce.ts'
import type { WarmJob } from './warm-job.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })
const job = (id: string, priority = 1, reason = 'update'): WarmJob => ({
  recipe: recipe(id),
  priority,
  reason,
})

describe('patterns', () => {
  const seqPattern = fc.tuple(smallPattern, fc.integer({ min: 1, max: 6 }))
  const newestMatch = (patterns: readonly SeqPattern[], name: string) =>
    Math.max(0, ...patterns.filter(([pattern]) => matches(pattern, name)).map(([, seq]) => seq))

  it('say the same when they are fewer', () => {
    fc.assert(
      fc.property(fc.array(seqPattern, { maxLength: 12 }), fc.array(smallName), (patterns, names) => {
        const fewer = coalescePatterns(patterns)
        expect(fewer.length).toBeLessThanOrEqual(patterns.length)
        for (const name of names) expect(newestMatch(fewer, name)).toBe(newestMatch(patterns, name))
      }),
    )
  })

  it('come to the same in any order, and however often each comes', () => {
    fc.assert(
      fc.property(fc.array(seqPattern, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (patterns, order) => {
        const shuffled = [...patterns, ...patterns.slice(0, 3)]
          .map((one) => [one, order.next().value] as const)
          .sort(([, a], [, b]) => a - b)
          .map(([one]) => one)
        expect(coalescePatterns(shuffled)).toEqual(coalescePatterns(patterns))
      }),
    )
  })

  it('that a broader one covers go, unless they are newer', () => {
    expect(
      coalescePatterns([
        ['content:item:1', 3],
        ['content:item:2', 9],
        ['content:*', 5],
        ['content:item:1', 4],
        ['api:list:*', 5],
      ]),
    ).toEqual([
      ['api:list:*', 5],
      ['content:*', 5],
      ['content:item:2', 9],
    ])
  })
})

describe('plans', () => {
  const planned = (seq: number, jobs: WarmJob[], gone: string[] = []) => ({
    jobs,
    gone: gone.map(recipe),
    seq,
    bookmark: `e.${seq}`,
  })

  it('of a hundred updates of one post warm it once, at the newest place', () => {
    const plans = Array.from({ length: 100 }, (_, i) => planned(i + 1, [job('1'), job('home', 2)]))
    expect(coalescePlans(plans)).toEqual([
      { ...job('1'), bookmark: 'e.100' },
      { ...job('home', 2), bookmark: 'e.100' },
    ])
  })

  it('of a create, an update and a delete of one post warm only the lists', () => {
    const plans = [
      planned(1, [job('1'), job('home', 2)]),
      planned(2, [job('1')]),
      planned(3, [job('home', 2)], ['1']),
    ]
    for (const order of [plans, [...plans].reverse()])
      expect(coalescePlans(order)).toEqual([{ ...job('home', 2), bookmark: 'e.3' }])
  })

  it('warm a post that was deleted and came back', () => {
    expect(coalescePlans([planned(5, [job('1')]), planned(4, [], ['1'])])).toEqual([
      { ...job('1'), bookmark: 'e.5' },
    ])
  })

  it('come to the same in any order: the highest priority and the newest place win', () => {
    const plan = fc.record({
      seq: fc.integer({ min: 1, max: 50 }),
      jobs: fc.array(fc.record({ id: fc.constantFrom('1', '2', '3'), priority: fc.nat(3) }), {
        maxLength: 3,
      }),
      gone: fc.array(fc.constantFrom('1', '2', '3'), { maxLength: 1 }),
    })
    fc.assert(
      fc.property(fc.uniqueArray(plan, { maxLength: 8, selector: ({ seq }) => seq }), (made) => {
        const plans = made.map(({ seq, jobs, gone }) =>
          planned(
            seq,
            jobs.map(({ id, priority }) => job(id, priority, `r${priority}`)),
            gone,
          ),
        )
        const byText = (jobs: WarmJob[]) => jobs.map((one) => JSON.stringify(one)).sort()
        expect(byText(coalescePlans([...plans].reverse()))).toEqual(byText(coalescePlans(plans)))
        for (const one of coalescePlans(plans)) {
          const asking = plans.filter(({ jobs }) =>
            jobs.some((own) => own.recipe.params.id === one.recipe.params.id),
          )
          expect(one.bookmark).toBe(`e.${Math.max(...asking.map(({ seq }) => seq))}`)
        }
      }),
    )
  })
})
