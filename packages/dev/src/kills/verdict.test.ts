import { describe, expect, it } from 'vitest'
import type { Facts } from './facts.ts'
import { verdict } from './verdict.ts'

const LEDGER = {
  answered: 3,
  unknown: 1,
  newest: new Map([
    ['a', 3],
    ['b', 2],
  ]),
  repeated: [] as string[],
  refusals: [] as string[],
}

/** Three answered writes and one that was done without an answer. */
const FACTS: Facts = {
  log: { rows: 5, distinct: 5, unprocessed: 0, relayed: 1, sends: 2 },
  deadLetters: 0,
  posts: [
    { id: 'a', before: 1, version: 4, logged: 3 },
    { id: 'b', before: 1, version: 2, logged: 1 },
  ],
  reads: [
    { id: 'a', url: 'one', version: 4, source: 'database' },
    { id: 'a', url: 'two', version: 4, source: 'kv' },
    { id: 'b', url: 'one', version: 2, source: 'kv' },
  ],
}
const none = { twice: [] }

describe('verdict', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(verdict(FACTS, LEDGER, none)).toEqual([])
  })

  it.each<[string, Partial<Facts>]>([
    ['1 log rows were never processed', { log: { ...FACTS.log, unprocessed: 1 } }],
    ['5 log rows have 4 event ids', { log: { ...FACTS.log, distinct: 4 } }],
    ['there are 2 dead letters', { deadLetters: 2 }],
    [
      'a read from two (kv) has version 3, not 4',
      { reads: [...FACTS.reads, { id: 'a', url: 'two', version: 3, source: 'kv' }] },
    ],
    ['no read was answered by KV: nothing was compared with it', { reads: FACTS.reads.slice(0, 1) }],
    [
      'a went from version 1 to 5 with 3 log rows',
      {
        posts: [
          { id: 'a', before: 1, version: 5, logged: 3 },
          { id: 'b', before: 1, version: 2, logged: 1 },
        ],
        reads: FACTS.reads.slice(2),
      },
    ],
  ])('finds that %s', (failure, changes) => {
    expect(verdict({ ...FACTS, ...changes }, LEDGER, none)).toEqual([failure])
  })

  it('finds a write that was answered and is gone', () => {
    const posts = [
      { id: 'a', before: 1, version: 2, logged: 1 },
      { id: 'b', before: 1, version: 2, logged: 1 },
    ]
    expect(verdict({ ...FACTS, posts, reads: [] }, LEDGER, none)).toEqual([
      '3 writes were answered and 1 were not, but the log has 2',
      'a should have version 3 at least',
    ])
    expect(verdict({ ...FACTS, posts: FACTS.posts.slice(0, 1), reads: [] }, LEDGER, none)).toEqual([
      'b should have version 2 at least',
    ])
  })

  it('finds more writes than were made', () => {
    const ledger = { ...LEDGER, unknown: 0 }
    expect(verdict(FACTS, ledger, none)).toEqual(['3 writes were answered and 0 were not, but the log has 4'])
  })

  it('passes on what was seen on the way', () => {
    const ledger = { ...LEDGER, repeated: ['a version 2'], refusals: ['500'] }
    expect(verdict(FACTS, ledger, { twice: ['e'] })).toEqual([
      'a write was refused: 500',
      'two writes made a version 2',
      'event e was processed twice',
    ])
  })
})
