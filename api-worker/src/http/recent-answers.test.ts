import { buildKey } from '@freshet/cache-core'
import { expect, it } from 'vitest'
import { type Made, type RecentAnswer, RecentAnswers } from './recent-answers.ts'

function answerOf(id: string): RecentAnswer {
  const key = buildKey({ namespace: 'content', entity: 'item', id, version: '1.1' })
  return { key, isItem: true, isPublic: () => true, fixed: new Headers(), made: null }
}

function madeOf(body: string): Made {
  return { headers: new Headers(), body, etag: body, epoch: 'e', upTo: 1, ttl: 1 }
}

it('keeps what was answered lately, and no more than two generations of it', () => {
  const recent = new RecentAnswers()
  for (let i = 0; i < 5_000; i++) recent.keep(`/${i}`, answerOf(String(i)))
  expect(recent.get('/4999')?.key.path).toBe('content:item:4999')
  expect(recent.get('/0')).toBeUndefined()
  expect(recent.size.addresses).toBeLessThanOrEqual(2_000)
})

it('does not forget what is asked for all the time', () => {
  const recent = new RecentAnswers()
  recent.keep('/hot', answerOf('hot'))
  for (let i = 0; i < 5_000; i++) {
    recent.keep(`/${i}`, answerOf(String(i)))
    expect(recent.get('/hot')?.key.path).toBe('content:item:hot')
  }
})

it('keeps no addresses that are very long', () => {
  const recent = new RecentAnswers()
  recent.keep(`/${'x'.repeat(500)}`, answerOf('x'))
  expect(recent.size.addresses).toBe(0)
})

it('holds a bounded number of characters of bodies', () => {
  const recent = new RecentAnswers()
  let held = 0
  for (let i = 0; i < 500; i++) {
    const answer = answerOf(String(i))
    recent.keep(`/${i}`, answer)
    recent.remake(answer, madeOf(String(i).padEnd(20_000)))
    held = Math.max(held, recent.size.characters)
    // Of the next second, with the same body: nothing more is held.
    const before = recent.size.characters
    recent.remake(answer, { ...madeOf(String(i).padEnd(20_000)), ttl: 0 })
    expect(recent.size.characters).toBe(before)
  }
  expect(held).toBeLessThanOrEqual(2_000_000)
  expect(recent.size.addresses).toBeLessThanOrEqual(202)
})
