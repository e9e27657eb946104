import { type Explanation, explain, type TierState } from '@freshet/cache-core'
import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { timeOf } from './page.ts'
import { Problem } from './problem.ts'

/** Characters of a value that are shown. */
const SHOWN = 100_000

/**
 * Explains a key with the bindings as they are, past all counts.
 * @throws Problem 400 for what is no key
 */
export async function explanationOf(c: Context<AppEnv>, key: string): Promise<Explanation> {
  try {
    return await explain(c.get('setup').isolate, { db: c.env.DB, kv: c.env.CACHE }, key)
  } catch (error) {
    throw forNoKey(error)
  }
}

/** @throws Problem 400 for what is no key without its version; tags look like one */
export function requireKey(c: Context<AppEnv>, key: string): void {
  try {
    c.get('setup').isolate.keyAt(key)
  } catch (error) {
    throw forNoKey(error)
  }
}

function forNoKey(error: unknown): unknown {
  return error instanceof RangeError ? new Problem(400, error.message) : error
}

/** An explanation as it is sent, without values: for an operator who asks why, not what. */
export function forPeople(told: Explanation) {
  const { ttl, maxStalenessMs, staleIfErrorSeconds, memoryEnabled, kvEnabled } = told.policy
  return {
    scope: 'isolate',
    ...told,
    policy: { ttl, maxStalenessMs, staleIfErrorSeconds, memoryEnabled, kvEnabled },
    tiers: told.tiers.map(tierForPeople),
    newest: told.newest.map(({ event, ...match }) => ({
      ...match,
      event: event && {
        ...event,
        createdAt: timeOf(event.createdAt),
        processedAt: timeOf(event.processedAt),
      },
    })),
  }
}

/** The same with each tier's value. What is private is nobody's to look at, whoever administers the cache. */
export function withValues(told: Explanation) {
  const whole = forPeople(told)
  return {
    ...whole,
    tiers: whole.tiers.map((tier, place) => ({
      ...tier,
      value: told.isPrivate ? null : shownValue(told.tiers[place]),
    })),
  }
}

function tierForPeople({ held, ...tier }: TierState) {
  if (held === null) return { ...tier, isHeld: false }
  const { text: _text, ...about } = held
  const times = { loadedAt: timeOf(held.loadedAt), expiresAt: timeOf(held.expiresAt) }
  return { ...tier, isHeld: true, ...about, ...times }
}

function shownValue(tier: TierState | undefined): { text: string; isTruncated: boolean } | null {
  if (!tier?.held) return null
  const { text } = tier.held
  return { text: text.slice(0, SHOWN), isTruncated: text.length > SHOWN }
}
