import { describe, expect, it } from 'vitest'
import { parseOptions } from './cli/options.ts'
import { simulate } from './cli/simulate.ts'
import { designs } from './designs/table.ts'
import { mutate, sourceFor } from './mutants/apply.ts'
import { hunt } from './mutants/hunt.ts'
import { mutants } from './mutants/table.ts'
import { runAll } from './run/pool.ts'
import { runOne } from './run/run-one.ts'
import { scenarioNamed, scenarios } from './workload/scenarios.ts'

/** Seeds that once showed a bug: of this world or of the library. The library's are told in docs/consistency.md. */
const REGRESSIONS: readonly [scenario: string, seed: number][] = [
  ['contention', 2],
  ['editors', 1315],
  ['floods', 1138],
  ['hundreds', 473],
  ['lulls', 11],
  ['neighbours', 6],
  ['neighbours', 1725],
  ['pruning', 85],
  ['queues', 2],
  ['restores', 2],
  ['restores', 20],
  ['restores', 1085],
  ['sleepers', 59],
  ['sleepers', 745],
  ['trouble', 7],
  ['trouble', 681],
]

describe('the protocol', () => {
  it.each(scenarios.map(({ name }) => name))('keeps its promises in %s', async (name) => {
    const { first, reads } = await runOne(1, scenarioNamed(name))
    expect(first).toBeNull()
    expect(reads).toBeGreaterThan(5_000)
  })

  it.each(REGRESSIONS)('keeps them in %s, seed %i', async (name, seed) => {
    expect((await runOne(seed, scenarioNamed(name))).first).toBeNull()
  })
})

describe('a run', () => {
  it('is a pure function of its seed and scenario', async () => {
    const traceOf = async (seed: number) => {
      const lines: string[] = []
      await runOne(
        seed,
        { ...scenarioNamed('restores'), durationMs: 40_000 },
        { trace: (line) => lines.push(line) },
      )
      return lines.join('\n')
    }
    const first = await traceOf(5)
    expect(await traceOf(5)).toBe(first)
    expect(await traceOf(6)).not.toBe(first)
  })
})

describe('the checkers', () => {
  it('refuse each known design', async () => {
    for (const { name } of designs) {
      const scenario = { ...scenarioNamed('steady'), durationMs: 30_000 }
      expect((await runOne(1, scenario, { design: name })).violations.P1, name).toBeGreaterThan(0)
    }
  })

  it.each(mutants.map(({ name }) => name))('can be given the mutant "%s"', (name) => {
    const mutant = mutants.find((one) => one.name === name)
    if (mutant === undefined) throw new Error('not in the table')
    expect(mutate(sourceFor(mutant), mutant)).not.toBe(sourceFor(mutant))
    for (const scenario of mutant.scenarios) scenarioNamed(scenario)
  })

  it.each([
    'tags ignored',
    'flight joined across an invalidation',
    'KV’s trouble is the reader’s',
    'an item without its author’s tag',
  ])('kill "%s"', async (name) => {
    const mutant = mutants.find((one) => one.name === name)
    if (mutant === undefined) throw new Error('not in the table')
    expect(await hunt(mutant, 5)).toMatchObject({ killed: true })
  })
})

describe('many runs', () => {
  it('go on when one of them breaks off', async () => {
    const jobs = ['none', 'contention'].map((scenario) => ({ seed: 1, scenario, design: null }))
    const ended: [string, string][] = []
    await runAll(
      jobs,
      1,
      ({ scenario }) => ended.push([scenario, 'done']),
      ({ scenario }, error) => ended.push([scenario, String(error)]),
    )
    expect(ended).toEqual([
      ['none', expect.stringContaining('there is no scenario "none"')],
      ['contention', 'done'],
    ])
  })

  it('can be one a seed', async () => {
    const lines: string[] = []
    const options = parseOptions(['--deal', '--seeds', '2', '--scenario', 'contention,editors'])
    expect(await simulate(options, (line) => lines.push(line))).toBe(true)
    const [table = ''] = lines
    expect(table.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual([
      'scenario',
      'contention',
      'editors',
    ])
    expect(table).not.toMatch(/ 0 .* – /)
  })
})

describe('a rejection that nobody handles', () => {
  it('is a violation', async () => {
    const scenario = { ...scenarioNamed('steady'), durationMs: 20_000 }
    let isLeft = false
    const trace = () => {
      if (!isLeft) Promise.reject(new Error('left alone'))
      isLeft = true
    }
    const { first } = await runOne(1, scenario, { trace })
    expect(first).toMatchObject({ property: 'P9', what: expect.stringContaining('left alone') })
  })
})

describe('a mutant', () => {
  const mutant = { name: 'm', rule: '', file: 'f.ts', find: 'a', replace: 'b', scenarios: [] }

  it('is refused when its text is not there exactly once', () => {
    expect(mutate('xay', mutant)).toBe('xby')
    expect(() => mutate('xy', mutant)).toThrow('occurs 0 times in f.ts')
    expect(() => mutate('aa', mutant)).toThrow('occurs 2 times')
  })
})

describe('the command line', () => {
  it('has defaults, and says what is wrong', () => {
    expect(parseOptions([])).toMatchObject({ seeds: 20, firstSeed: 1, mutants: false, json: null })
    expect(parseOptions(['--scenario', 'steady,queues', '--seeds', '3']).scenarios).toHaveLength(2)
    expect(() => parseOptions(['--scenario', 'none'])).toThrow(
      'there is no scenario "none"; there are: all, steady',
    )
    expect(() => parseOptions(['--seeds', '0'])).toThrow('--seeds is "0"')
    expect(() => parseOptions(['--with', '{"nothing":1}'])).toThrow()
    expect(parseOptions(['--deal'])).toMatchObject({ deal: true })
    expect(() => parseOptions(['--trace', '--mutants'])).toThrow('--trace and --with show single runs')
    expect(() => parseOptions(['--with', '{"clients":1}', '--json', 'f'])).toThrow('show single runs')
  })
})
