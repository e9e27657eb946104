import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventBatches, eventMessage, parseEventMessage } from './message.ts'

const overTheWire = (body: unknown): unknown => JSON.parse(JSON.stringify(body))

describe('an event’s message', () => {
  it('comes back from the queue as the event that it tells of', () => {
    const name = fc.string({ minLength: 1, maxLength: 100 })
    fc.assert(
      fc.property(name, name, fc.jsonValue(), (id, type, payload) => {
        const message = overTheWire(eventMessage({ id, type, payload }))
        expect(parseEventMessage(message)).toEqual({ message: overTheWire({ v: 1, id, type, payload }) })
      }),
    )
  })

  it('is one also where the event has no payload', () => {
    const message = overTheWire(eventMessage({ id: 'a', type: 'b', payload: undefined }))
    expect(parseEventMessage(message)).toEqual({ message: { v: 1, id: 'a', type: 'b', payload: null } })
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
    expect(parseEventMessage(body)).toEqual({ problem: expect.stringContaining(`${place}: `) })
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
