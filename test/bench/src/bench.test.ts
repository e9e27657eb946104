import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { benches } from './benches/table.ts'
import { costOf, Meter } from './meter.ts'
import { benchHelp, parseOptions } from './options.ts'
import { seeded, shuffled } from './random.ts'
import { filesAt, tableOf } from './run.ts'

describe('the command line', () => {
  it('runs all benches, or those that are named', () => {
    const short = benches.filter(({ isLong }) => !isLong)
    const rest = { json: null, traces: [], limit: 200_000, minutes: 10 }
    expect(parseOptions([], benches)).toEqual({ benches: short, ...rest })
    const memory = benches.filter(({ name }) => name === 'memory')
    const named = parseOptions(['--only', 'memory', '--minutes', '2'], benches)
    expect(named).toEqual({ ...rest, benches: memory, minutes: 2 })
    const [first] = benches
    expect(parseOptions(['--only', first?.name ?? '', '--json', 'f'], benches)).toEqual({
      benches: [first],
      json: 'f',
      traces: [],
      limit: 200_000,
      minutes: 10,
    })
  })

  it('takes several traces, or a folder of them', () => {
    expect(parseOptions(['--trace', 'a', '--trace', 'b'], benches).traces).toEqual(['a', 'b'])
    const folder = mkdtempSync(join(tmpdir(), 'traces-'))
    for (const name of ['b.txt.gz', 'a.txt', 'README.md']) writeFileSync(join(folder, name), '')
    expect(filesAt(folder)).toEqual([join(folder, 'a.txt'), join(folder, 'b.txt.gz')])
    expect(filesAt(join(folder, 'README.md'))).toEqual([join(folder, 'README.md')])
    rmSync(folder, { recursive: true })
  })

  it('takes what its help names', () => {
    const flags = benchHelp(benches).match(/^ {2}--[a-z]+/gm) ?? []
    expect(flags.map((flag) => flag.trim())).toEqual([
      '--only',
      '--json',
      '--trace',
      '--limit',
      '--minutes',
      '--help',
    ])
    for (const { name } of benches) expect(benchHelp(benches)).toContain(name)
  })

  it('says what is wrong', () => {
    expect(() => parseOptions(['--only', 'none'], benches)).toThrow('there is no bench "none"; there are: ')
    expect(() => parseOptions(['--fast'], benches)).toThrow('--fast')
    expect(() => parseOptions(['--limit', '0'], benches)).toThrow('from 1, not "0"')
    expect(() => parseOptions(['--minutes', 'x'], benches)).toThrow('minutes from 1, not "x"')
  })
})

it('prints figures as a table', () => {
  const results = [
    { bench: 'b', system: 'theirs', metric: 'ops', value: 1234567, ratio: null },
    { bench: 'b', system: 'ours', metric: 'ops', value: 0.12345, ratio: 10 },
  ]
  expect(tableOf(results).split('\n')).toEqual([
    '  system  metric      value  ratio',
    '  theirs  ops     1,234,567',
    '  ours    ops         0.123   10 ×',
  ])
})

it('counts what things cost', () => {
  const { operations } = new Meter()
  expect(costOf({ ...operations, kvReads: 1e6, kvWrites: 1e6, queueOperations: 3e6 })).toBeCloseTo(6.7, 6)
})

it('shuffles the same way each time, and loses nothing', () => {
  const items = Array.from({ length: 50 }, (_, i) => i)
  expect(shuffled(items, seeded(1))).toEqual(shuffled(items, seeded(1)))
  expect(shuffled(items, seeded(1))).not.toEqual(items)
  expect([...shuffled(items, seeded(1))].sort((a, b) => a - b)).toEqual(items)
})
