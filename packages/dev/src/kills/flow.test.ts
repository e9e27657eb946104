import { describe, expect, it } from 'vitest'
import { UnexpectedAnswerError } from '../replay/cms-client.ts'
import { type FlowOptions, flow } from './flow.ts'
import { WriteLedger } from './write-ledger.ts'

function options(write: (url: string, id: string) => Promise<number>): FlowOptions & { deaths: number[] } {
  const deaths: number[] = []
  const ledger = new WriteLedger()
  return {
    deaths,
    posts: ['a', 'b', 'a', 'b'],
    moments: [],
    lives: {
      up: async () => ['one', 'two'],
      killed: async () => void deaths.push(ledger.answered),
    },
    client: { write },
    ledger,
    writers: 1,
    restMs: 1,
    signal: new AbortController().signal,
    onDone: () => {},
  }
}

describe('flow', () => {
  it('makes all writes, in turn to the Workers', async () => {
    const sent: string[] = []
    let version = 1
    const given = options(async (url, id) => {
      sent.push(`${url} ${id}`)
      return ++version
    })
    const done: number[] = []
    await flow({ ...given, onDone: (n) => done.push(n) })
    expect(sent).toEqual(['one a', 'two b', 'one a', 'two b'])
    expect(done).toEqual([1, 2, 3, 4])
    expect(given.ledger.newest).toEqual(
      new Map([
        ['a', 4],
        ['b', 5],
      ]),
    )
  })

  it('makes a write again that was not answered', async () => {
    let calls = 0
    const given = options(async () => {
      calls += 1
      if (calls <= 2) throw new Error('socket hang up')
      return calls
    })
    await flow(given)
    expect(given.ledger).toMatchObject({ answered: 4, unknown: 2, refusals: [] })
  })

  it('does not insist when it is refused, nor for ever', async () => {
    const refusing = options(async () => {
      throw new UnexpectedAnswerError('PUT', { status: 500, headers: {}, body: 'no' })
    })
    await flow(refusing)
    expect(refusing.ledger).toMatchObject({ answered: 0, unknown: 0 })
    expect(refusing.ledger.refusals).toHaveLength(4)

    const dead = options(async () => {
      throw new Error('gone')
    })
    await flow({ ...dead, posts: ['a'], restMs: 0 })
    expect(dead.ledger.refusals).toEqual(['a was never answered: gone'])
  })

  it('kills at its moments, and waits for the last one', async () => {
    const given = options(async () => 2)
    const moments = [
      { afterWrites: 1, delayMs: 0 },
      { afterWrites: 4, delayMs: 60 },
      { afterWrites: 4, delayMs: 60 },
    ]
    await flow({ ...given, moments, restMs: 10 })
    expect(given.deaths).toEqual([1, 4, 4])
  })

  it('fails with the stack, and ends when asked to', async () => {
    const given = options(async () => 2)
    const up = () => Promise.reject(new Error('the stack ended by itself'))
    await expect(flow({ ...given, lives: { ...given.lives, up } })).rejects.toThrow('ended by itself')
    const killed = () => Promise.reject(new Error('no port'))
    const moments = [{ afterWrites: 1, delayMs: 0 }]
    await expect(flow({ ...given, moments, lives: { ...given.lives, killed } })).rejects.toThrow('no port')
    await expect(flow({ ...given, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  })
})
