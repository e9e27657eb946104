/** One figure of one system. */
export interface Result {
  bench: string
  system: string
  metric: string
  value: number
  /** How many times better than the first system of the bench; null for the first itself, and where better has no meaning. */
  ratio: number | null
}

/** A comparison of systems in one run. */
export interface Bench {
  name: string
  /** One sentence for people. */
  about: string
  /** @param write prints a line at once */
  run(write: (line: string) => void): Promise<Omit<Result, 'bench'>[]>
}
