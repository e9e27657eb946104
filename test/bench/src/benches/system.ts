import type { Bench, Result } from '../bench.ts'
import { costOf, type Operations } from '../meter.ts'
import { type Figures, figuresOf, REQUESTS_PER_SECOND } from '../system/figures.ts'
import { freshet } from '../system/freshet.ts'
import { epochPerNamespace, noCache, scanNamespace, scanPrefix, ttlOnly } from '../system/peers.ts'
import { type MakeSystem, requestsOf } from '../system/site.ts'

const WRITE_SHARE = 0.01
const ISOLATES = 8

const SYSTEMS: readonly (readonly [name: string, make: MakeSystem])[] = [
  ['no cache', noCache],
  ['TTL only', ttlOnly],
  ['scan and delete, whole namespace', scanNamespace],
  ['scan and delete, by prefix', scanPrefix],
  ['epoch per namespace', epochPerNamespace],
  ['freshet', freshet],
]

/** Every design over the same requests: what it asks of D1, KV and Queues, and what that costs. */
export const system: Bench = {
  name: 'system',
  about: `a trace with ${WRITE_SHARE * 100} % writes through ${ISOLATES} isolates at ${REQUESTS_PER_SECOND} requests a second of virtual time: operations and their price, per million requests. Workers' own price is left out, KV is never late. The ratio is the system's figure to Freshet's`,
  async run(write, input) {
    const workload = await input.workload()
    const requests = requestsOf(workload.keys, ISOLATES, WRITE_SHARE)
    const figures: [name: string, Figures][] = []
    for (const [name, make] of SYSTEMS) {
      const own = await figuresOf(make, workload.distinct, requests, ISOLATES)
      write(`  ${name}: ${own.requests.toLocaleString('en-US')} requests`)
      figures.push([name, own])
    }
    const ours = figures.at(-1)?.[1]
    if (ours === undefined) throw new Error('nothing was measured')
    if (ours.late > 0)
      throw new Error(`Freshet served ${ours.late} titles that were replaced more than Δ ago`)
    return figures.flatMap(([name, own]) =>
      METRICS.map(([metric, of]): Omit<Result, 'bench'> => {
        const value = of(own)
        return {
          system: name,
          metric,
          value,
          ratio: own === ours || of(ours) === 0 ? null : value / of(ours),
        }
      }),
    )
  },
}

const perMillion = (of: (operations: Operations) => number) => (figures: Figures) =>
  (of(figures.operations) / figures.requests) * 1e6

const METRICS: readonly (readonly [metric: string, (figures: Figures) => number])[] = [
  ['$', perMillion(costOf)],
  ['D1 round trips', perMillion(({ d1Batches }) => d1Batches)],
  ['D1 queries', perMillion(({ d1Queries }) => d1Queries)],
  ['D1 rows written', perMillion(({ d1RowsWritten }) => d1RowsWritten)],
  ['KV reads', perMillion(({ kvReads }) => kvReads)],
  [
    'KV writes, deletes and lists',
    perMillion(({ kvWrites, kvDeletes, kvLists }) => kvWrites + kvDeletes + kvLists),
  ],
  ['queue operations', perMillion(({ queueOperations }) => queueOperations)],
  ['stale reads', ({ stale, requests }) => (stale / requests) * 1e6],
  ['stale by more than 5 s', ({ late, requests }) => (late / requests) * 1e6],
]
