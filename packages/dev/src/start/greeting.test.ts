import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { greeting } from './greeting.ts'

const facts = {
  urls: ['http://127.0.0.1:8787'],
  postId: 'content-0',
  users: [
    { email: 'admin@example.com', role: 'admin' },
    { email: 'editor@example.com', role: 'editor' },
  ],
  password: 'freshet-dev',
}

describe('greeting', () => {
  it('shows what to try and who can log in', () => {
    const text = greeting(facts)
    expect(text).toContain('curl -si http://127.0.0.1:8787/api/content/content-0')
    expect(text).toContain('"email":"editor@example.com","password":"freshet-dev"')
    expect(text).toContain('(admin@example.com, freshet-dev): http://127.0.0.1:8787/admin/cache\n')
    expect(text).toMatch(/ {2}editor@example\.com {2}editor\n/)
  })

  it('reads through the other Worker where there is one', () => {
    const text = greeting({ ...facts, urls: [...facts.urls, 'http://127.0.0.1:8788'] })
    const reads = text
      .split('\n')
      .filter((line) => line.includes('curl -s http://127.0.0.1:8788/api/content/'))
    // Before the write, so that there is an older value; after it without the bookmark, and with it.
    expect(reads.map((line) => line.includes('"$BOOKMARK"'))).toEqual([false, false, true])
    expect(text.indexOf(reads[0] ?? '')).toBeLessThan(text.indexOf('-X PUT'))
    expect(text.lastIndexOf(reads[1] ?? '')).toBeGreaterThan(text.indexOf('-X PUT'))
    expect(text).toContain('for up to 5 seconds')
  })

  it('tells of no other Worker where there is none', () => {
    expect(greeting(facts)).not.toContain('other API Worker')
  })

  it.each([
    { what: 'one Worker', urls: facts.urls },
    { what: 'two', urls: [...facts.urls, 'http://127.0.0.1:8788'] },
  ])('is made of commands that a shell can parse, with $what', ({ urls }) => {
    const commands =
      greeting({ ...facts, urls })
        .split('The dashboard')[0]
        ?.split('another terminal:')[1] ?? ''
    execFileSync('sh', ['-n'], { input: commands })
  })
})
