import type { Bench } from '../bench.ts'
import { coalescing } from './coalescing.ts'
import { invalidation } from './invalidation.ts'
import { system } from './system.ts'
import { warming } from './warming.ts'

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [invalidation, coalescing, warming, system]
