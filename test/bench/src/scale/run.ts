import { columns } from '../columns.ts'
import { type Bill, billOf } from './bill.ts'
import { SITES } from './sites.ts'
import { countOperations, type Scale } from './world.ts'

/** A site with what was counted of it. */
export interface ScaleResult {
  name: string
  scale: Scale
  bill: Bill
}

/** Counts all sites, and prints them as a table. */
export function runScale(write: (line: string) => void, sites = SITES): ScaleResult[] {
  const results = sites.map(([name, scale]) => {
    const bill = billOf(scale, countOperations(scale))
    write(`counted: ${name}`)
    return { name, scale, bill }
  })
  write(`\n${columns([HEADER, ...results.map(rowOf)])}`)
  write('\nThe nearest limit, and what moves it:')
  write(
    columns(
      results.map(({ name, bill: { limit } }) => [name, percent(limit.share), limit.name, limit.setting]),
    ),
  )
  return results
}

const HEADER = [
  'site',
  'memory',
  'KV',
  'combined',
  'D1/s: fence',
  'loads',
  'after a change',
  'by folds',
  'writes',
  'KV reads/s',
  'writes/s',
  'messages/s',
  '$/month',
  'stale',
  'p50',
  'p99',
  'max',
]

function rowOf({ name, bill }: ScaleResult): string[] {
  const { hitRate, d1, kv, staleness } = bill
  return [
    name,
    percent(hitRate.memory),
    percent(hitRate.kv),
    percent(hitRate.combined),
    ...[d1.fence, d1.loads, d1.loadsAfterChange, d1.loadsByFolds, d1.writes].map(figure),
    ...[kv.reads, kv.writes, bill.messages].map(figure),
    figure(bill.dollarsAMonth),
    `${(staleness.share * 100).toFixed(3)} %`,
    ...[staleness.p50, staleness.p99, staleness.max].map((ms) => `${(ms / 1000).toFixed(1)} s`),
  ]
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function figure(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value.toLocaleString('en-US', { maximumSignificantDigits: 2 })
}
