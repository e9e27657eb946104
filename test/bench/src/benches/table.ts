import type { Bench } from '../bench.ts'
import { coalescing } from './coalescing.ts'

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [coalescing]
