import { describe, expect, it } from 'vitest'
import { parseStartOptions, START_HELP } from './start-options.ts'

describe('parseStartOptions', () => {
  it('has the defaults that the page of help tells', () => {
    expect(parseStartOptions([], {})).toEqual({
      help: false,
      apiWorkers: 1,
      fresh: false,
      consumer: true,
      port: 8787,
      cronSeconds: 60,
    })
    expect(START_HELP).toMatch(/--api N .* default 1\n/)
    expect(START_HELP).toMatch(/PORT .* default 8787\n/)
    expect(START_HELP).toMatch(/CRON_SECONDS .* default 60\n/)
  })

  it('takes all flags and variables', () => {
    const argv = ['--api', '2', '--fresh', '--no-consumer', '--help']
    expect(parseStartOptions(argv, { PORT: '9000', CRON_SECONDS: '0.5' })).toEqual({
      help: true,
      apiWorkers: 2,
      fresh: true,
      consumer: false,
      port: 9000,
      cronSeconds: 0.5,
    })
  })

  it.each([
    [['--api', '0'], {}, '--api is "0", but must be a whole number from 1 to 8'],
    [['--api', 'two'], {}, '--api is "two", but must be a whole number from 1 to 8'],
    [[], { PORT: '70000' }, 'PORT is "70000", but must be a whole number from 1 to 65535'],
    [[], { PORT: '' }, 'PORT is "", but must be a whole number'],
    [['--api', '2'], { PORT: '65535' }, 'PORT is 65535, but with --api 2 must be at most 65534'],
    [[], { CRON_SECONDS: '0' }, 'CRON_SECONDS is "0", but must be a number from 0.1 to 86400'],
    [['--port', '9000'], {}, "Unknown option '--port'"],
  ])('refuses %j with %j', (argv, env, message) => {
    expect(() => parseStartOptions(argv, env)).toThrow(message)
  })
})
