import { expect, it } from 'vitest'
import { summarizeWarming } from './warming.ts'

it('tells jobs by lane and outcome, their mean wait, and the hits on what they brought', () => {
  const counts = {
    'warm.high.loaded': 3,
    'warm.high.not found': 1,
    'warm.high.done': 3,
    'warm.high.wait_ms': 600,
    'warm.low.deferred': 2,
    'relay.sent': 7,
  }
  expect(summarizeWarming(counts, { hits: 80, warmedHits: 40 })).toEqual({
    lanes: {
      high: { outcomes: { loaded: 3, 'not found': 1 }, meanWaitMs: 200 },
      low: { outcomes: { deferred: 2 }, meanWaitMs: null },
    },
    hits: { total: 80, onWarmed: 40, share: 0.5 },
  })
})

it('tells nothing of nothing', () => {
  expect(summarizeWarming({}, { hits: 0, warmedHits: 0 })).toEqual({
    lanes: {},
    hits: { total: 0, onWarmed: 0, share: null },
  })
})
