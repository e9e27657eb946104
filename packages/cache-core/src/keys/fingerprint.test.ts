import { expect, it } from 'vitest'
import { fingerprint } from './fingerprint.ts'

it('is what it was: snapshots in KV hold places by it, so with another hash they need another name', () => {
  const texts = ['', 'a', 'content:item:42', 'content:slug:posts:über', 'x'.repeat(600)]
  expect(texts.map(fingerprint)).toEqual([718_249_730, 111_160_428, 83_095_210, 13_860_280, 701_397_793])
})
