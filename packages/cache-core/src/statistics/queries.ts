import * as v from 'valibot'
import type { Database } from '../ports.ts'
import type { Query } from '../source.ts'
import {
  type Figures,
  type FleetSpan,
  figuresOf,
  fleetFigures,
  sumSaved,
  type TrendPoint,
  trendPoint,
} from './figures.ts'
import { addOutcome, noOutcomes, type Outcomes } from './outcomes.ts'
import { STEPS } from './store.ts'
import { addTo, FLEET, type Sums } from './sums.ts'

// What an operator asks of the statistics: one query each, for `CacheService.query`. All times are clocks, ms.

/** Spans that a trend can be of. */
export const TREND_SPANS = {
  hour: { step: 'minute', steps: 60 },
  day: { step: 'hour', steps: 24 },
  week: { step: 'hour', steps: 168 },
  month: { step: 'day', steps: 31 },
} as const

export type TrendSpan = keyof typeof TREND_SPANS

/** A series for a chart. */
export interface Trend {
  span: TrendSpan
  stepSeconds: number
  /** Null: all of them together. */
  namespace: string | null
  from: number
  to: number
  points: TrendPoint[]
}

const SumsRow = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.number()))
const SpanRow = v.object({ namespace: v.string(), sums: SumsRow })
const TrendRow = v.object({ at: v.number(), sums: SumsRow })
const OutcomeRow = v.object({ at: v.number(), name: v.string(), n: v.number() })

/**
 * The rows that make up a time: days and hours as far as they are rolled up, then minutes. None is of the time of two of them. Where a
 * step is cut by the beginning, all of it counts.
 * ?1: the beginning in seconds. ?2: the coarsest step that will do.
 */
const ROWS = `rolled AS (SELECT
  (SELECT max(at) + ${STEPS.day} FROM statistics WHERE step = ${STEPS.day}) AS days,
  (SELECT max(at) + ${STEPS.hour} FROM statistics WHERE step = ${STEPS.hour}) AS hours),
edges AS (SELECT
  CASE WHEN ?2 >= ${STEPS.day} THEN coalesce(days, 0) ELSE 0 END AS days,
  CASE WHEN ?2 >= ${STEPS.hour} THEN coalesce(hours, 0) ELSE 0 END AS hours FROM rolled),
rows AS (
  SELECT at, namespace, sums FROM statistics WHERE step = ${STEPS.day} AND ?2 >= ${STEPS.day} AND at > ?1 - ${STEPS.day}
  UNION ALL
  SELECT at, namespace, sums FROM statistics WHERE step = ${STEPS.hour} AND ?2 >= ${STEPS.hour}
    AND at >= max(?1 - ${STEPS.hour} + 1, (SELECT days FROM edges))
  UNION ALL
  SELECT at, namespace, sums FROM statistics WHERE step = ${STEPS.minute} AND at >= max(?1, (SELECT max(days, hours) FROM edges))
)`

const SPAN = `WITH ${ROWS}
SELECT namespace, json_group_object(key, value) AS sums FROM (
  SELECT namespace, one.key, sum(one.value) AS value FROM rows, json_each(rows.sums) one GROUP BY 1, 2
) GROUP BY namespace`

const TREND = `WITH ${ROWS}
SELECT at, json_group_object(key, value) AS sums FROM (
  SELECT rows.at - rows.at % ?2 AS at, one.key, sum(one.value) AS value FROM rows, json_each(rows.sums) one
  WHERE ?3 IS NULL OR namespace = ?3 GROUP BY 1, 2
) GROUP BY at`

const OUTCOMES = `SELECT minute * 60 - minute * 60 % ?2 AS at, name, sum(value) AS n FROM pipeline_counts
WHERE minute >= ?1 / 60 AND (name GLOB 'warm.*' OR name GLOB 'events.*' OR name GLOB 'jobs.*') GROUP BY 1, 2`

/** What was counted since a time, by namespace; a step that the time cuts counts whole. @param from clock, ms */
export function sumsSince(db: Database, from: number, now: number): Query<Record<string, Sums>> {
  const spanMs = now - from
  const coarsest =
    spanMs > STEPS.day * 1000 ? STEPS.day : spanMs > STEPS.hour * 1000 ? STEPS.hour : STEPS.minute
  return {
    statements: [db.prepare(SPAN).bind(Math.floor(from / 60_000) * STEPS.minute, coarsest)],
    decode: ([found]) =>
      Object.fromEntries(
        v.parse(v.array(SpanRow), found?.results).map(({ namespace, sums }) => [namespace, sums]),
      ),
  }
}

/** What the fleet did in the time before now, and each namespace of it. */
export function fleetSpan(db: Database, spanMs: number, now: number): Query<FleetSpan> {
  const from = now - spanMs
  const { statements, decode } = sumsSince(db, from, now)
  return {
    statements,
    decode(results) {
      const total: Sums = {}
      const namespaces: FleetSpan['namespaces'] = {}
      const saved: Figures['saved'][] = []
      for (const [namespace, sums] of Object.entries(decode(results) ?? {})) {
        addTo(total, sums)
        const figures = figuresOf(sums)
        saved.push(figures.saved)
        if (namespace !== FLEET) namespaces[namespace] = figures
      }
      // Not of the sums: a load of one namespace reads many more rows than one of another.
      return { from, to: now, total: { ...fleetFigures(total, spanMs), saved: sumSaved(saved) }, namespaces }
    },
  }
}

/** A series for a chart, without gaps; the last point is of a step that is not over. */
export function trendOf(
  db: Database,
  { span, namespace = null }: { span: TrendSpan; namespace?: string | null },
  now: number,
): Query<Trend> {
  const { step, steps } = TREND_SPANS[span]
  const seconds = STEPS[step]
  const last = Math.floor(now / 1000 / seconds) * seconds
  const first = last - (steps - 1) * seconds
  return {
    statements: [
      db.prepare(TREND).bind(first, seconds, namespace),
      db.prepare(OUTCOMES).bind(namespace === null ? first : last + seconds, seconds),
    ],
    decode([found, counted]) {
      const sums = new Map(v.parse(v.array(TrendRow), found?.results).map((row) => [row.at, row.sums]))
      const outcomes = new Map<number, Outcomes>()
      for (const { at, name, n } of v.parse(v.array(OutcomeRow), counted?.results)) {
        const own = outcomes.get(at) ?? noOutcomes()
        addOutcome(own, name, n)
        outcomes.set(at, own)
      }
      const points: TrendPoint[] = []
      for (let at = first; at <= last; at += seconds) {
        const stepMs = at === last ? now - at * 1000 : seconds * 1000
        points.push(trendPoint(at * 1000, sums.get(at) ?? {}, stepMs, outcomes.get(at)))
      }
      return { span, stepSeconds: seconds, namespace, from: first * 1000, to: now, points }
    },
  }
}

/** A pattern with a wildcard, and how many of the newest events had it. */
export interface WidePattern {
  pattern: string
  events: number
}

/** Events of the log that are looked at: it has no index by time. */
const LOOKED_AT = 5_000
const SHOWN_PATTERNS = 20

/** The wildcards that were used most, of the newest events. */
export function widePatterns(db: Database): Query<WidePattern[]> {
  const found = db.prepare(
    `SELECT one.value AS pattern, count(*) AS events FROM invalidation_log l, json_each(l.patterns) one
WHERE l.seq > (SELECT coalesce(max(seq), 0) - ${LOOKED_AT} FROM invalidation_log) AND instr(one.value, '*') > 0
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${SHOWN_PATTERNS}`,
  )
  return {
    statements: [found],
    decode: ([rows]) =>
      v.parse(v.array(v.object({ pattern: v.string(), events: v.number() })), rows?.results),
  }
}

/** Events, and warm jobs of both lanes, by outcome since a time; for the 48 hours that they are kept. */
export function outcomesSince(db: Database, from: number): Query<Outcomes> {
  return {
    statements: [db.prepare(OUTCOMES).bind(Math.floor(from / 1000), 1e9)],
    decode([found]) {
      const outcomes = noOutcomes()
      for (const { name, n } of v.parse(v.array(OutcomeRow), found?.results)) addOutcome(outcomes, name, n)
      return outcomes
    },
  }
}
