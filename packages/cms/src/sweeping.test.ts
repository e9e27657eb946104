import { expect, it } from 'vitest'
import { mustGo } from './sweeping.ts'

const patterns = ['content:item:42', 'content:slug:posts:a', 'api:list:posts:published:*', 'api:feed:any:*']

it('takes a removed item and its address out of KV, and leaves lists to their expiry', () => {
  for (const type of ['content.delete', 'content.unpublish']) {
    expect(mustGo({ type, patterns })).toEqual(['content:item:42', 'content:slug:posts:a'])
  }
})

it('leaves alone what was merely changed', () => {
  for (const type of ['content.update', 'content.publish', 'user.update', 'cache.invalidate']) {
    expect(mustGo({ type, patterns })).toEqual([])
  }
})
