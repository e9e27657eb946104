import autocannon from 'autocannon'
import { median } from '../rounds.ts'

/** What one round of one target came to. */
export interface Round {
  perSecond: number
  /** Median time of an answer, ms. */
  p50: number
  /** The server's CPU time, µs a request. */
  cpu: number
}

/** Medians of rounds, and how far the rounds' requests per second lie apart: half of them are within this share of the median. */
export interface Summary extends Round {
  spread: number
}

/** Something that is asked again and again. */
export interface Target {
  name: string
  origin: string
  /** They take turns. */
  paths: readonly string[]
  /** Requests of a round. */
  requests: number
}

/** Enough to keep one thread busy, few enough for nobody to wait long. */
const CONNECTIONS = 16
/** Which the platform gives each request. */
const HEADERS = { 'cf-ray': '8c1d5f6f3b1e2d3a-FRA' }

/**
 * Sends a round of requests over connections that stay open.
 * @param cpuMs the CPU time of the server so far
 * @throws Error for an answer that is no success
 */
export async function runRound(
  { name, origin, paths, requests }: Target,
  cpuMs: () => number,
): Promise<Round> {
  const times: number[] = []
  let first = 0
  let last = 0
  const before = cpuMs()
  const options = {
    url: origin,
    requests: paths.map((path) => (path === '' ? {} : { path })),
    connections: CONNECTIONS,
    headers: HEADERS,
    amount: requests,
    sampleInt: 50,
  }
  const { non2xx, errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)))
    // Its own figures begin and end with its clock, and have whole milliseconds.
    run.on('response', (_client, _status, _bytes, time) => {
      last = performance.now()
      if (first === 0) first = last
      times.push(time)
    })
  })
  if (non2xx + errors > 0) throw new Error(`${name}: ${non2xx} answers were no success, ${errors} failed`)
  return {
    perSecond: ((times.length - 1) * 1000) / (last - first),
    p50: median(times),
    cpu: ((cpuMs() - before) * 1000) / times.length,
  }
}

/** Medians of some rounds. @throws RangeError for none */
export function summaryOf(rounds: readonly Round[]): Summary {
  const rates = rounds.map(({ perSecond }) => perSecond).sort((a, b) => a - b)
  const perSecond = median(rates)
  const at = (share: number) => rates[Math.floor((rates.length - 1) * share)] ?? perSecond
  return {
    perSecond,
    p50: median(rounds.map(({ p50 }) => p50)),
    cpu: median(rounds.map(({ cpu }) => cpu)),
    spread: (at(0.75) - at(0.25)) / 2 / perSecond,
  }
}

/** The median of what each round says of two targets: rounds take turns, so each compares what ran side by side. */
export function pairedRatio(
  ours: readonly Round[],
  theirs: readonly Round[],
  of: 'perSecond' | 'cpu' = 'perSecond',
): number {
  return median(ours.map((round, i) => round[of] / (theirs[i]?.[of] ?? Number.NaN)))
}
