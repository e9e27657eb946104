import type { Bench } from '../bench.ts'
import { coalescing } from './coalescing.ts'
import { cold } from './cold.ts'
import { hitRatio } from './hit-ratio.ts'
import { hits } from './hits.ts'
import { http } from './http.ts'
import { invalidation } from './invalidation.ts'
import { lists } from './lists.ts'
import { memory } from './memory.ts'
import { system } from './system.ts'
import { warming } from './warming.ts'

/** All benches, in the order in which they run. */
export const benches: readonly Bench[] = [
  hits,
  cold,
  hitRatio,
  invalidation,
  coalescing,
  warming,
  lists,
  http,
  system,
  memory,
]
