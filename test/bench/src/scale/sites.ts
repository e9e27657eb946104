import type { Scale } from './world.ts'

const HOUR = 3_600

const COMMON = {
  exponent: 0.9,
  deltaSeconds: 5,
  sessionShare: 0,
  ttlSeconds: HOUR,
  memoryEntries: 10_000,
  namesPerChange: 2,
  // An item's author and file.
  tagsPerEntry: 2,
  fencePatterns: 10_000,
  foldedPlaces: 2 ** 18,
  locationTier: false,
  // One lifetime of an hour, so that what expires is counted as well, and fences have folded where they fold at all.
  warmUpSeconds: 1.1 * HOUR,
  seconds: HOUR,
} as const satisfies Partial<Scale>

/** A site that grows, each time tenfold. */
const SMALL: Scale = {
  ...COMMON,
  requestsPerSecond: 100,
  locations: 10,
  isolatesPerLocation: 1,
  keys: 2_000,
  writesPerSecond: 0.01,
}
const MEDIUM: Scale = {
  ...COMMON,
  requestsPerSecond: 1_000,
  locations: 50,
  isolatesPerLocation: 2,
  keys: 20_000,
  writesPerSecond: 0.1,
}
const LARGE: Scale = {
  ...COMMON,
  requestsPerSecond: 10_000,
  locations: 150,
  isolatesPerLocation: 4,
  keys: 200_000,
  writesPerSecond: 1,
}
const HUGE: Scale = {
  ...COMMON,
  requestsPerSecond: 100_000,
  locations: 300,
  isolatesPerLocation: 10,
  keys: 1_000_000,
  writesPerSecond: 10,
}

/** What `npm run scale` counts: the sites, and the largest one with other settings. */
export const SITES: readonly (readonly [name: string, scale: Scale])[] = [
  ['100 requests/s, 10 isolates', SMALL],
  ['1,000 requests/s, 100 isolates', MEDIUM],
  ['10,000 requests/s, 600 isolates', LARGE],
  ['… with a TTL of 24 h', { ...LARGE, ttlSeconds: 24 * HOUR }],
  ['100,000 requests/s, 3,000 isolates', HUGE],
  ['… with Δ 30 s', { ...HUGE, deltaSeconds: 30 }],
  ['… with a TTL of 24 h', { ...HUGE, ttlSeconds: 24 * HOUR }],
  ['… and 1,048,576 places', { ...HUGE, ttlSeconds: 24 * HOUR, foldedPlaces: 2 ** 20 }],
  ['… with 1 % of requests logged in', { ...HUGE, sessionShare: 0.01 }],
  ['… with entries shared by location', { ...HUGE, locationTier: true }],
  [
    '… shared by location, Δ 30 s, a TTL of 24 h',
    { ...HUGE, locationTier: true, deltaSeconds: 30, ttlSeconds: 24 * HOUR },
  ],
  ['10,000 requests/s, entries shared by location', { ...LARGE, locationTier: true }],
]
