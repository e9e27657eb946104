import type { Bench } from '../bench.ts'
import { coalescing } from './coalescing.ts'
import { system } from './system.ts'
import { warming } from './warming.ts'

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [coalescing, warming, system]
