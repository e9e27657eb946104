import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CapturedQueue } from '../../test/world.ts'
import { MessageTooLargeError } from './batches.ts'
import {
  checkMessage,
  eventBatches,
  eventMessage,
  ProducerEventError,
  parseEventMessage,
  parsePipelineMessage,
  replayMessage,
  type Sweep,
  sendEvents,
  sweepMessage,
  warmRecipesMessage,
} from './message.ts'

const overTheWire = (body: unknown): unknown => JSON.parse(JSON.stringify(body))

describe('an event’s message', () => {
  it('comes back from the queue as the event that it tells of', () => {
    const name = fc.string({ minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(name, name, fc.jsonValue(), (id, type, payload) => {
        const message = overTheWire(eventMessage({ id, type, payload }))
        expect(parseEventMessage(message)).toEqual({
          kind: 'event',
          message: overTheWire({ v: 1, id, type, payload }),
        })
      }),
    )
  })

  it('is one also where the event has no payload', () => {
    const message = overTheWire(eventMessage({ id: 'a', type: 'b', payload: undefined }))
    expect(parseEventMessage(message)).toEqual({
      kind: 'event',
      message: { v: 1, id: 'a', type: 'b', payload: null },
    })
  })

  it.each([
    [null, 'message'],
    ['text', 'message'],
    [[], 'v'],
    [{}, 'v'],
    [{ v: 2, id: 'a', type: 'b', payload: {} }, 'v'],
    [{ v: 1, id: '', type: 'b', payload: {} }, 'id'],
    [{ v: 1, id: 'x'.repeat(201), type: 'b', payload: {} }, 'id'],
    [{ v: 1, id: 'a', type: 7, payload: {} }, 'type'],
    [{ v: 1, id: 'a', type: 'x'.repeat(101), payload: {} }, 'type'],
  ])('is not %j, and the problem names what is wrong', (body, place) => {
    expect(parseEventMessage(body)).toEqual({
      kind: 'poison',
      problem: expect.stringContaining(`${place}: `),
    })
  })
})

describe('eventBatches', () => {
  it('leaves a payload behind that no message could hold, and no event', () => {
    const events = ['small', 'x'.repeat(130_000), 'é'.repeat(65_000)].map((payload, i) => ({
      id: `e${i}`,
      type: 't',
      payload,
    }))
    const sent = eventBatches(events).flat()
    expect(sent.map(({ body }) => [body.id, body.payload])).toEqual([
      ['e0', 'small'],
      ['e1', null],
      ['e2', null],
    ])
  })
})

describe('a message of the events’ queue', () => {
  const sweep: Sweep = {
    eventIds: ['e1'],
    ranges: [{ prefix: 'content:', patterns: [['content:*', 7]], cursor: null }],
    link: 'l',
    epoch: 'e',
  }

  it.each([
    ['event', eventMessage({ id: 'a', type: 'b', payload: { replay: 'x', sweep: 'y' } })],
    ['replay', replayMessage('0123')],
    ['sweep', sweepMessage(sweep)],
  ])('is told to be a %s, after the queue as before', (kind, message) => {
    expect(parsePipelineMessage(overTheWire(message))).toEqual({ kind, message: overTheWire(message) })
  })

  it.each([
    [null, 'message: '],
    [{ v: 1 }, 'id: '],
    [{ v: 2, replay: 'a' }, 'v: '],
    [{ v: 1, replay: 7 }, 'replay: '],
    [
      { v: 1, sweep: { ...sweep, ranges: [{ prefix: 'a', patterns: [['b', -1]], cursor: null }] } },
      'sweep.ranges.0',
    ],
    [{ v: 1, sweep: { ...sweep, epoch: 1 } }, 'sweep.epoch: '],
    // It says that it is a replay: the rest does not make it an event.
    [{ v: 1, replay: '', id: 'a', type: 'b', payload: {} }, 'replay: '],
  ])('is poison as %j, and the problem names what is wrong', (body, problem) => {
    expect(parsePipelineMessage(body)).toEqual({ kind: 'poison', problem: expect.stringContaining(problem) })
  })
})

describe('sendEvents', () => {
  const source = (): { uuid(): string } => {
    let n = 0
    return { uuid: () => `made-${++n}` }
  }

  it('sends what the consumer reads, with the ids that it was given or made', async () => {
    const queue = new CapturedQueue()
    const ids = await sendEvents(
      queue,
      [
        { id: 'mine', type: 'a', payload: 1 },
        { type: 'b', payload: undefined },
      ],
      source(),
    )
    expect(ids).toEqual(['mine', 'made-1'])
    expect(queue.sent.map(overTheWire).map(parsePipelineMessage)).toEqual([
      { kind: 'event', message: { v: 1, id: 'mine', type: 'a', payload: 1 } },
      { kind: 'event', message: { v: 1, id: 'made-1', type: 'b', payload: null } },
    ])
  })

  it('makes ids of its own without a source', async () => {
    const ids = await sendEvents(
      new CapturedQueue(),
      [1, 2].map((payload) => ({ type: 'a', payload })),
    )
    expect(new Set(ids).size).toBe(2)
  })

  it('splits what is more than a batch', async () => {
    const sizes: number[] = []
    const queue = { sendBatch: async (messages: Iterable<unknown>) => sizes.push([...messages].length) }
    await sendEvents(
      queue,
      Array.from({ length: 250 }, (_, n) => ({ type: 'a', payload: n })),
      source(),
    )
    await sendEvents(
      queue,
      Array.from({ length: 5 }, () => ({ type: 'a', payload: 'x'.repeat(100_000) })),
      source(),
    )
    expect(sizes).toEqual([100, 100, 50, 2, 2, 1])
  })

  it.each([
    [
      'a type of the library’s own, of which the consumer would do nothing',
      { type: 'cache.invalidate', payload: { patterns: ['*'] } },
      ProducerEventError,
      'event 100: type: "cache." is how the library\'s own types begin',
    ],
    [
      'a large payload',
      { type: 'a', payload: 'é'.repeat(64_000) },
      MessageTooLargeError,
      'message 100 has 128',
    ],
    ['a long id', { id: 'x'.repeat(201), type: 'a', payload: 1 }, ProducerEventError, 'event 100: id: '],
    ['no id', { id: '', type: 'a', payload: 1 }, ProducerEventError, 'event 100: id: '],
    ['no type', { type: '', payload: 1 }, ProducerEventError, 'event 100: type: '],
    ['no JSON', { type: 'a', payload: 1n }, TypeError, 'BigInt'],
  ])('sends nothing at all when an event has %s', async (_, event, error, text) => {
    const queue = new CapturedQueue()
    const events = [...Array.from({ length: 100 }, () => ({ type: 'a', payload: 1 })), event]
    const sent = sendEvents(queue, events, source())
    await expect(sent).rejects.toThrow(error)
    await expect(sent).rejects.toThrow(text)
    expect(queue.sent).toEqual([])
  })
})

describe('what asks for warming or for a check', () => {
  const recipe = { resource: 'post', params: { id: '1' } }
  const check = { recipe, eventId: 'e1', afterSeconds: 5 }

  it('comes back from the queue as it was', () => {
    expect(parsePipelineMessage(overTheWire(warmRecipesMessage([recipe])))).toEqual({
      kind: 'warm',
      message: { v: 1, warm: [recipe] },
    })
    expect(parsePipelineMessage(overTheWire(checkMessage(check)))).toEqual({
      kind: 'check',
      message: { v: 1, check },
    })
  })

  it.each([
    [{ v: 1, warm: [] }, 'warm: '],
    [{ v: 1, warm: Array.from({ length: 101 }, () => recipe) }, 'warm: '],
    [{ v: 1, warm: [{ resource: 'post' }] }, 'warm.0.params: '],
    [{ v: 2, warm: [recipe] }, 'v: '],
    [{ v: 1, check: { ...check, eventId: '' } }, 'check.eventId: '],
    [{ v: 1, check: { ...check, afterSeconds: -1 } }, 'check.afterSeconds: '],
  ])('is not %j, and the problem names what is wrong', (body, problem) => {
    expect(parsePipelineMessage(body)).toEqual({ kind: 'poison', problem: expect.stringContaining(problem) })
  })
})
