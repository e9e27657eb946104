import { basename } from 'node:path'
import { readTrace } from '@freshet/dev/trace'
import { zipfSequence } from '@freshet/dev/zipf'
import { seeded } from './random.ts'

/** Keys as they are asked for, numbered from 0. */
export interface Workload {
  name: string
  keys: readonly number[]
  distinct: number
}

/** The synthetic workload: about as many keys and as steep as the busy trace. */
const SYNTHETIC = { keys: 20_000, exponent: 1 }

/** @param trace file with a key a line, or null for a synthetic workload that is the same each time */
export async function loadWorkload(trace: string | null, limit: number): Promise<Workload> {
  if (trace !== null)
    return { name: basename(trace).replace(/\..*$/, ''), ...(await readTrace(trace, limit)) }
  const keys = zipfSequence({ ...SYNTHETIC, count: limit, random: seeded(5) })
  return { name: 'synthetic', keys, distinct: SYNTHETIC.keys }
}
