import type { Faker } from '@faker-js/faker'

/** The seeded site began two years before its newest change; fixed, so that the rows do not depend on the day. */
const NEWEST = Date.UTC(2025, 0, 1)
const SPAN_MS = 2 * 365 * 24 * 3600 * 1000

/** When a seeded row was made, and last changed. */
export interface Times {
  createdAt: number
  updatedAt: number
}

/** Times in whole seconds, so that some are equal and ties get tested. */
export function times(faker: Faker): Times {
  const createdAt = NEWEST - faker.number.int(SPAN_MS / 1000) * 1000
  return { createdAt, updatedAt: between(faker, createdAt, NEWEST) }
}

/** A time from `from` to `to`. */
export function between(faker: Faker, from: number, to: number): number {
  return from + faker.number.int((to - from) / 1000) * 1000
}

export const SITE_BEGAN = NEWEST - SPAN_MS
