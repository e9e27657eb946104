import { describe, expect, it } from 'vitest'
import { safeNext, wantsPage, withQuery } from './paths.ts'

describe('after logging in, one goes', () => {
  it.each([
    ['/admin/cache/ui/warming', '/admin/cache/ui/warming'],
    ['/admin/cache/ui/browser?tier=kv&prefix=a%26b', '/admin/cache/ui/browser?tier=kv&prefix=a%26b'],
    ['/admin/cache', '/admin/cache'],
  ])('to %s', (next, path) => expect(safeNext(next)).toBe(path))

  it.each([
    undefined,
    '',
    'https://elsewhere.example/admin/cache/ui/x',
    '//elsewhere.example/admin/cache/ui/x',
    '/\\elsewhere.example',
    'javascript:alert(1)',
    '/api/content',
    '/admin/cache/ui/../../../auth/me',
    '/admin/cache/ui/login?next=/admin/cache/ui/login',
    'http://[',
  ])('to the overview, not to %s', (next) => expect(safeNext(next)).toBe('/admin/cache'))
})

it('browsers ask for HTML by name, programs do not', () => {
  const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
  expect([browser, 'text/html', 'application/xml, text/html;q=0.5'].map(wantsPage)).toEqual([
    true,
    true,
    true,
  ])
  expect([undefined, '*/*', 'application/json', 'text/htmlx'].map(wantsPage)).toEqual([
    false,
    false,
    false,
    false,
  ])
})

it('queries leave out what is empty and escape the rest', () => {
  expect(withQuery('/x', { a: 'b&c', d: '', e: null, f: undefined, g: 0 })).toBe('/x?a=b%26c&g=0')
  expect(withQuery('/x', {})).toBe('/x')
})
