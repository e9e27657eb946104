import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LOG_WRITERS } from '../testing/database.ts'
import { operations, unlessConstraint } from '../testing/operations.ts'
import { changed, readAll, START, unnamed } from '../testing/universe.ts'
import { allEvents, world } from '../testing/world.ts'

/**
 * The rules against reality: after any write, whatever reads differently than before must be named by the write's event,
 * by its key or by a tag that it had before.
 */

const step = fc.tuple(fc.constantFrom(...Object.keys(operations)), fc.nat({ max: 10_000 }))

describe.each(LOG_WRITERS)('the rules, the log written by $writer', ({ database }) => {
  it('name everything that a write changes', async () => {
    const untouched = new Set(Object.keys(operations))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const all = world(database())
        all.db.exec(START)
        let before = await readAll(all.db)
        let seen = allEvents(all.db).length
        for (const [name, n] of steps) {
          all.runtime.time += 1000
          await operations[name]?.(all, n).catch(unlessConstraint)
          const after = await readAll(all.db)
          const events = allEvents(all.db)
          const patterns = events.slice(seen).flatMap((event) => event.patterns)
          expect({ name, n, patterns, unnamed: unnamed(before, after, patterns) }).toMatchObject({
            unnamed: [],
          })
          if (events.length > seen && changed(before, after).length > 0) untouched.delete(name)
          seen = events.length
          before = after
        }
      }),
      { numRuns: 25, seed: 7 },
    )
    // The property says nothing of an operation that never did anything.
    expect([...untouched]).toEqual([])
  }, 60_000)
})
