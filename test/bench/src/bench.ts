import type { Workload } from './workload.ts'

/** One figure of one system. */
export interface Result {
  bench: string
  system: string
  metric: string
  value: number
  /** To what the bench compares with; its `about` says how. Null for what has no comparison. */
  ratio: number | null
}

/** What a bench may be run on. */
interface BenchInput {
  /** Requests of the first trace, or a synthetic workload; read when a bench asks for it. */
  workload(): Promise<Workload>
  /** Those of all traces that were named. */
  workloads(): Promise<readonly Workload[]>
  /** How long a bench runs that watches something. */
  minutes: number
}

/** A comparison of systems in one run. */
export interface Bench {
  name: string
  /** One sentence for people. */
  about: string
  /** Whether it runs only where it is named. */
  isLong?: boolean
  /** @param write prints a line at once */
  run(write: (line: string) => void, input: BenchInput): Promise<Omit<Result, 'bench'>[]>
}
