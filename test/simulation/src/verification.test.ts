import { expect, it, vi } from 'vitest'
import { runOne } from './run/run-one.ts'
import { scenarioNamed } from './workload/scenarios.ts'

/** What the model changes past the log, or tells of minutes later: these are violations in fact. */
const PAST_THE_LOG = ['rate:of', 'content:feed']

it('online verification accuses nobody: all that it finds was written past the log', async () => {
  const found: { key: string; cause: string }[] = []
  const error = vi.spyOn(console, 'error').mockImplementation((line) => {
    found.push(JSON.parse(String(line)).violation)
  })
  try {
    for (const name of ['steady', 'contention', 'queues', 'trouble', 'restores']) {
      const scenario = scenarioNamed(name)
      for (const seed of [1, 3]) {
        const env = { ...scenario.env, CACHE_VERIFY_SAMPLE: '1' }
        const verdicts = await runOne(seed, { ...scenario, env })
        expect([name, seed, verdicts.first ?? null]).toEqual([name, seed, null])
      }
    }
  } finally {
    error.mockRestore()
  }
  // It did look: nobody tells the log of rates.
  expect(found.length).toBeGreaterThan(10)
  const innocent = found.filter(
    ({ key, cause }) => cause !== 'no row' || !PAST_THE_LOG.includes(key.split(':').slice(0, 2).join(':')),
  )
  expect(innocent).toEqual([])
})
