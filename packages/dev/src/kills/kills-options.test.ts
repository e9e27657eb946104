import { describe, expect, it } from 'vitest'
import { KILLS_HELP, parseKillsOptions } from './kills-options.ts'

describe('parseKillsOptions', () => {
  it('has the defaults that the page of help tells', () => {
    const defaults = { help: false, events: 2_000, kills: 20, seed: 1, json: undefined }
    expect(parseKillsOptions([], {})).toEqual(defaults)
    expect(KILLS_HELP).toMatch(/--events .* default 2000\n/)
    expect(KILLS_HELP).toMatch(/--kills .* default 20\n/)
    expect(KILLS_HELP).toMatch(/--seed .* default 1\n/)
  })

  it('takes all flags, with the file relative to where it was typed', () => {
    const argv = '--events 10 --kills 0 --seed 9 --json out.json --help'.split(' ')
    expect(parseKillsOptions(argv, { FRESHET_CALLER_DIR: '/home/me' })).toEqual({
      help: true,
      events: 10,
      kills: 0,
      seed: 9,
      json: '/home/me/out.json',
    })
  })

  it.each([
    [['--events', '0'], '--events is "0", but must be a whole number from 1 to 100000'],
    [['--kills', 'x'], '--kills is "x", but must be a whole number from 0 to 1000'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseKillsOptions(argv, {})).toThrow(message)
  })
})
