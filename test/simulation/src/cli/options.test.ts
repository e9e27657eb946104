import { expect, it } from 'vitest'
import { scenarios } from '../workload/scenarios.ts'
import { parseOptions, SIMULATE_HELP } from './options.ts'

it('takes what its help names, and its help names every scenario', () => {
  const flags = SIMULATE_HELP.match(/^ {2}--[a-z-]+/gm)?.map((flag) => flag.trim()) ?? []
  expect(flags).toHaveLength(11)
  const values: Record<string, string> = { '--scenario': 'all', '--with': '{}', '--json': 'f' }
  for (const flag of flags.filter((one) => one !== '--help')) {
    const isSwitch = ['--deal', '--mutants', '--designs', '--trace'].includes(flag)
    expect(() => parseOptions(isSwitch ? [flag] : [flag, values[flag] ?? '3'])).not.toThrow()
  }
  for (const { name } of scenarios) expect(SIMULATE_HELP).toContain(name)
})

it('says what is wrong', () => {
  expect(() => parseOptions(['--seeds', '0'])).toThrow('--seeds is "0"; it may be a whole number from 1 on')
  expect(() => parseOptions(['--fast'])).toThrow('--fast')
})
