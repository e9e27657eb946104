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
    expect(text).toContain('through the other API Worker')
    expect(text).toContain('curl -s http://127.0.0.1:8788/api/content/content-0')
  })

  it('is made of commands that a shell can parse', () => {
    const commands = greeting(facts).split('The dashboard')[0]?.split('another terminal:')[1] ?? ''
    execFileSync('sh', ['-n'], { input: commands })
  })
})
