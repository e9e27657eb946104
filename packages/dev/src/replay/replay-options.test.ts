import { describe, expect, it } from 'vitest'
import { parseReplayOptions, REPLAY_HELP } from './replay-options.ts'

describe('parseReplayOptions', () => {
  it('has the defaults that the page of help tells', () => {
    expect(parseReplayOptions([], {})).toEqual({
      help: false,
      trace: undefined,
      limit: 20_000,
      writes: 0.01,
      train: 0,
      warm: true,
      latency: false,
      concurrency: 8,
      seed: 1,
      json: undefined,
    })
    expect(REPLAY_HELP).toMatch(/--limit .* 20000 without one/)
    expect(REPLAY_HELP).toMatch(/--writes .* default 0\.01\n/)
    expect(REPLAY_HELP).toMatch(/--train SHARE(.|\n)* default 0\n/)
    expect(REPLAY_HELP).toMatch(/--concurrency .* default 8,/)
    expect(REPLAY_HELP).toMatch(/--seed .* default 1\n/)
  })

  it('takes all flags, with files relative to where they were typed', () => {
    const argv =
      '--trace ../t.gz --limit 10 --writes 0.01 --concurrency 4 --seed 9 --json /tmp/out.json --help --train .5 --no-warm --latency'
    expect(parseReplayOptions(argv.split(' '), { FRESHET_CALLER_DIR: '/home/me/work' })).toEqual({
      help: true,
      trace: '/home/me/t.gz',
      limit: 10,
      writes: 0.01,
      train: 0.5,
      warm: false,
      latency: true,
      concurrency: 4,
      seed: 9,
      json: '/tmp/out.json',
    })
  })

  it('replays the whole of a trace by default', () => {
    expect(parseReplayOptions(['--trace', 't'], {}).limit).toBe(10_000_000)
  })

  it.each([
    [['--limit', '0'], '--limit is "0", but must be a whole number from 1 to 10000000'],
    [['--writes', '1.5'], '--writes is "1.5", but must be a number from 0 to 1'],
    [['--train', '1'], '--train is "1", but must be less'],
    [['--concurrency', 'x'], '--concurrency is "x", but must be a whole number from 1 to 256'],
    [['--seed', '-1'], "'--seed' argument is ambiguous"],
    [['trace.txt'], "Unexpected argument 'trace.txt'"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseReplayOptions(argv, {})).toThrow(message)
  })
})
