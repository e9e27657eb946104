import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { seeded } from '../random.ts'
import { pairedRatio, summaryOf } from './load.ts'
import { type MixedRequest, mixedLoad } from './mixed-load.ts'
import { minuteForPeople, seriesOf } from './series.ts'
import { isFlat, slopeOf } from './slope.ts'
import { parseRss, parseStat } from './workerd.ts'

const round = (perSecond: number, cpu = 100) => ({ perSecond, p50: 1000 / perSecond, cpu })

it('takes medians of rounds, and says how far they lie apart', () => {
  const rounds = [100, 90, 110, 80, 1000].map((rate) => round(rate))
  expect(summaryOf(rounds)).toEqual({ perSecond: 100, p50: 10, cpu: 100, spread: 0.1 })
  expect(summaryOf([round(50)])).toEqual({ perSecond: 50, p50: 20, cpu: 100, spread: 0 })
  expect(() => summaryOf([])).toThrow(RangeError)
})

it('compares rounds that ran side by side', () => {
  // The machine is ten times as slow in the second pair, and that says nothing of the two.
  const ours = [round(90, 110), round(9, 1100), round(91, 105)]
  const theirs = [round(100), round(10, 1000), round(100)]
  expect(pairedRatio(ours, theirs)).toBeCloseTo(0.9)
  expect(pairedRatio(ours, theirs, 'cpu')).toBeCloseTo(1.1)
})

it('reads what the kernel tells of a process, whatever its name', () => {
  const fields = ['S', '42', ...Array.from({ length: 9 }, () => '0'), '150', '50', '0']
  expect(parseStat(`7 (a ) b) ${fields.join(' ')}`)).toEqual({ name: 'a ) b', parent: 42, cpuMs: 2000 })
  expect(parseRss('Name:\tx\nVmPeak:\t 9 kB\nVmRSS:\t  2048 kB\n')).toBe(2048 * 1024)
  expect(() => parseRss('Name:\tx\n')).toThrow('does not tell')
})

it.runIf(process.platform === 'linux')('reads it of this very process', () => {
  expect(parseStat(readFileSync('/proc/self/stat', 'utf8')).parent).toBe(process.ppid)
  expect(parseRss(readFileSync('/proc/self/status', 'utf8'))).toBeGreaterThan(1_000_000)
})

it('draws a line through points', () => {
  const line = (at: (minute: number) => number) =>
    Array.from({ length: 10 }, (_, minute) => ({ minute, value: at(minute) }))
  expect(slopeOf(line((minute) => 5 + 3 * minute))).toBeCloseTo(3)
  expect(slopeOf(line((minute) => 100 + (minute % 2)))).toBeLessThan(0.1)
  expect(slopeOf([{ minute: 1, value: 7 }])).toBe(0)
  expect(
    isFlat(
      line((minute) => 100 + (minute % 2)),
      0.05,
    ),
  ).toBe(true)
  expect(
    isFlat(
      line((minute) => 100 - minute),
      0.05,
    ),
  ).toBe(true)
  expect(
    isFlat(
      line((minute) => 100 + minute),
      0.05,
    ),
  ).toBe(false)
  expect(isFlat([], 0.05)).toBe(true)
})

it('tells of each figure over time whether it stands still once it is warm', () => {
  const minutes = Array.from({ length: 10 }, (_, i) => ({
    rss: 500e6 + i * 50e6,
    // It grows only while it warms up.
    rssCollected: 300e6 + Math.min(i, 3) * 50e6,
    api: 60e6,
    consumer: i === 5 ? null : 6e6,
  }))
  const series = seriesOf(minutes, 0.3, 0.05)
  expect(series.map(({ metric, isFlat }) => [metric, isFlat])).toEqual([
    ['RSS', false],
    ['RSS after a collection', true],
    ['live heap of the API', true],
    ['live heap of the consumer', true],
  ])
  expect(series.map(({ slope }) => Math.round(slope * 10) / 10)).toEqual([50, 0, 0, 0])
  expect(series[0]?.points.slice(0, 2)).toEqual([
    { minute: 1, value: 500 },
    { minute: 2, value: 550 },
  ])
  expect(series[3]?.points.map(({ minute }) => minute)).toEqual([1, 2, 3, 4, 5, 7, 8, 9, 10])
})

it('writes a minute down for people', () => {
  const minute = { rss: 512.34e6, rssCollected: 400e6, api: null, consumer: 6e6 }
  expect(minuteForPeople(minute)).toBe(
    'RSS 512.3, RSS after a collection 400.0, live heap of the API ?, live heap of the consumer 6.0',
  )
})

it('mixes reads of all kinds and a hundredth of writes', () => {
  const load = mixedLoad(100, 'token', seeded(1))
  const requests = Array.from({ length: 10_000 }, () => load.next().value)
  const count = (of: (request: MixedRequest) => boolean) => requests.filter(of).length
  expect(count(({ method }) => method === 'PUT')).toBeGreaterThan(50)
  expect(count(({ method }) => method === 'PUT')).toBeLessThan(150)
  expect(count(({ path }) => path.includes('?'))).toBeGreaterThan(1_000)
  const absent = requests.filter(({ path }) => path.includes('absent'))
  expect(absent.length).toBeGreaterThan(300)
  expect(new Set(absent.map(({ path }) => path)).size).toBe(absent.length)
  expect(requests.every(({ method, headers }) => (method === 'PUT') === 'Authorization' in headers)).toBe(
    true,
  )
})
