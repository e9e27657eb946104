import type { Database, Statement } from '../ports.ts'
import { FLEET, type Sums } from './sums.ts'

/** A minute, an hour, a day, in seconds. */
export const STEPS = { minute: 60, hour: 3_600, day: 86_400 } as const

/** How long the sums of each step are kept, in seconds: minutes two days, hours 30 days, days two years. */
const KEPT = { minute: 2 * STEPS.day, hour: 30 * STEPS.day, day: 730 * STEPS.day } as const

/** What comes later than this is counted in the oldest minute that is still open: an hour is rolled up once, soon after its end. */
const OPEN_MS = 4 * 60_000
/** An hour is rolled up so long after its end, in seconds: nothing comes any more. */
const ROLLED_AFTER = 5 * 60

/** Adds up two flat objects of JSON, name by name. */
const ADDED = `(SELECT json_group_object(key, value) FROM (SELECT key, sum(value) AS value FROM (
SELECT key, value FROM json_each(statistics.sums) UNION ALL SELECT key, value FROM json_each(excluded.sums)) GROUP BY key))`

const ADD = `INSERT INTO statistics (step, at, namespace, sums)
SELECT ${STEPS.minute}, value ->> 'at', value ->> 'namespace', value ->> 'sums' FROM json_each(?1) WHERE true
ON CONFLICT (step, at, namespace) DO UPDATE SET sums = ${ADDED}`

/** Rolls up all steps that have ended, and are not rolled up yet: those past the newest one that is. */
const ROLL_UP = `INSERT INTO statistics (step, at, namespace, sums)
SELECT ?2, at, namespace, json_group_object(key, value) FROM (
  SELECT s.at - s.at % ?2 AS at, s.namespace, one.key, sum(one.value) AS value FROM statistics s, json_each(s.sums) one
  WHERE s.step = ?1 AND s.at < ?3 - ?3 % ?2
    AND s.at >= coalesce((SELECT max(at) + ?2 FROM statistics WHERE step = ?2), 0)
  GROUP BY 1, 2, 3
) GROUP BY at, namespace
ON CONFLICT (step, at, namespace) DO UPDATE SET sums = excluded.sums`

/** What was counted in one minute, by namespace. */
export interface Counted {
  /** Clock, ms; one that is no time, is in the future or long past counts as now, or as long ago as is still open. */
  at: number
  namespaces: Readonly<Record<string, Sums>>
}

/** Adds to the sums of the minutes, in one statement: a row written for each minute and namespace. @param now clock, ms */
export function addSums(db: Database, counted: readonly Counted[], now: number): Statement {
  const rows = new Map<string, { at: number; namespace: string; sums: Sums }>()
  for (const { at, namespaces } of counted) {
    const from = Number.isFinite(at) ? Math.min(now, Math.max(at, now - OPEN_MS)) : now
    const minute = Math.floor(from / 60_000) * STEPS.minute
    for (const [namespace, sums] of Object.entries(namespaces)) {
      const place = `${minute} ${namespace}`
      const row = rows.get(place) ?? { at: minute, namespace, sums: {} }
      for (const [name, value] of Object.entries(sums)) row.sums[name] = (row.sums[name] ?? 0) + value
      rows.set(place, row)
    }
  }
  return db.prepare(ADD).bind(JSON.stringify([...rows.values()]))
}

/**
 * Rolls minutes up to hours and hours to days, and drops what is past its time. Done twice, it changes nothing.
 * @param now clock, ms
 * @returns statements of one transaction
 */
export function rollUp(db: Database, now: number): Statement[] {
  const seconds = Math.floor(now / 1000)
  const forget = (step: keyof typeof STEPS) =>
    db.prepare('DELETE FROM statistics WHERE step = ? AND at < ?').bind(STEPS[step], seconds - KEPT[step])
  return [
    db.prepare(ROLL_UP).bind(STEPS.minute, STEPS.hour, seconds - ROLLED_AFTER),
    db.prepare(ROLL_UP).bind(STEPS.hour, STEPS.day, seconds - ROLLED_AFTER),
    forget('minute'),
    forget('hour'),
    forget('day'),
  ]
}

/** Notes how many messages wait, as one look at the queue says. */
export function addBacklog(db: Database, backlog: number, now: number): Statement {
  return addSums(db, [{ at: now, namespaces: { [FLEET]: { backlogSum: backlog, backlogSamples: 1 } } }], now)
}
