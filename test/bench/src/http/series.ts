import { isFlat, type Point, slopeOf } from './slope.ts'

/** What is measured at the end of each minute, bytes. Null where nobody could tell. */
export interface Minute {
  rss: number
  /** After all isolates that were in use have collected. */
  rssCollected: number
  /** What a collection leaves of the API's and the consumer's heap. The others in the process are the simulators of KV, D1 and queues. */
  api: number | null
  consumer: number | null
}

/** One figure over time, and whether it stands still. */
export interface Series {
  metric: string
  points: readonly Point[]
  /** After the warm-up, MB a minute. */
  slope: number
  isFlat: boolean
}

const MB = 1_000_000

const FIGURES = [
  ['rss', 'RSS'],
  ['rssCollected', 'RSS after a collection'],
  ['api', 'live heap of the API'],
  ['consumer', 'live heap of the consumer'],
] as const satisfies readonly (readonly [keyof Minute, string])[]

/**
 * Each figure over time, from the first minute on.
 * @param warmUp share of the minutes that say nothing yet: caches fill, and V8 makes up its mind
 * @param flat growth over the other minutes, of the mean, which is called flat
 */
export function seriesOf(minutes: readonly Minute[], warmUp: number, flat: number): Series[] {
  return FIGURES.map(([name, metric]) => {
    const points = minutes.flatMap(({ [name]: bytes }, i) =>
      bytes === null ? [] : [{ minute: i + 1, value: bytes / MB }],
    )
    const counted = points.filter(({ minute }) => minute > minutes.length * warmUp)
    return { metric, points, slope: slopeOf(counted), isFlat: isFlat(counted, flat) }
  })
}

/** A minute's figures for people. */
export function minuteForPeople(minute: Minute): string {
  return FIGURES.map(([name, metric]) => {
    const bytes = minute[name]
    return `${metric} ${bytes === null ? '?' : (bytes / MB).toFixed(1)}`
  }).join(', ')
}
