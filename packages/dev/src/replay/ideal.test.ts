import { describe, expect, it } from 'vitest'
import { idealHitRate } from './ideal.ts'
import type { Operation } from './workload.ts'

/** 'a' reads a, 'A' writes it. */
const operations = (text: string): Operation[] =>
  [...text].map((letter) => ({
    key: letter.toLowerCase().charCodeAt(0),
    write: letter !== letter.toLowerCase(),
  }))

describe('idealHitRate', () => {
  it.each([
    ['', 0],
    ['a', 0],
    ['aa', 1 / 2],
    ['abab', 2 / 4],
    ['aaAaa', 2 / 4],
    ['aAAAa', 0],
    ['aabBaabb', 4 / 7],
    ['AB', 0],
  ])('of %j is %f', (text, rate) => {
    expect(idealHitRate(operations(text))).toBe(rate)
  })

  it.each([
    ['ab|ab', 1],
    ['ab|abc', 2 / 3],
    ['aA|aa', 1 / 2],
    ['a|Aaa', 1 / 2],
    ['ab|', 0],
  ])('of %j, counted from the bar, is %f', (text, rate) => {
    const from = text.indexOf('|')
    expect(idealHitRate(operations(text.replace('|', '')), from)).toBe(rate)
  })
})
