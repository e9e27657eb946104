import { digest } from './hash.ts'

/** Parameters of a list. Undefined ones count as absent. */
export type Params = Readonly<Record<string, string | number | boolean | undefined>>

/** Canonical texts over this many characters are hashed. */
const LONG_PARAMS = 96

/**
 * The one text for a set of parameters, whatever their order: `limit=10&offset=0`, names and values percent-encoded,
 * sorted by code unit.
 */
export function canonicalParams(params: Params): string {
  return Object.entries(params)
    .filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`)
    .join('&')
}

/**
 * The segment for a set of parameters: their canonical text, or `~` and its 128-bit hash when that is long.
 * A hashed one comes with the canonical text, which the entry keeps and every hit compares.
 */
export function paramsSegment(params: Params): { segment: string; canonical: string | null } {
  const canonical = canonicalParams(params)
  if (canonical.length <= LONG_PARAMS) return { segment: canonical, canonical: null }
  return { segment: `~${digest(canonical)}`, canonical }
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/\*/g, '%2A')
}
