import { TRIGGER_EVENT_PREFIX } from '@freshet/cache-core'
import type { EventType } from '../events/event.ts'
import { RULES } from '../events/rules.ts'
import { escapedSql } from './escape-sql.ts'

/** One field of a payload, in SQL. */
export interface SqlField {
  /** Expressions of text. Those of a set may be null, and then are no members. */
  members: readonly string[]
  isSet: boolean
  /** Whether a member's name may have to be escaped in a pattern: not if a CHECK of the table lets only words through. */
  isFreeText: boolean
  /** The condition on a member under which `parseEvent` takes it. Conservative: it may refuse some more. */
  fits(member: string): string
}

/** An event as SQL sees it, in a trigger where the rows OLD and NEW have names. */
export interface SqlEvent {
  /** The type; or the first whose condition holds, and the last one's is `TRUE`. All of them have the same rules. */
  type: EventType | readonly (readonly [condition: string, EventType])[]
  payload: Readonly<Record<string, SqlField>>
  /** Nothing is logged unless this holds. */
  when?: string
  /** Table and condition of the rows that the expressions read besides OLD and NEW; one event for each. */
  from?: string
}

/** What the log calls a change whose payload no event can have: a row that no reader could ask for by its name. */
const PATTERNS_ONLY = 'cache.invalidate'

/** Of one function, in D1. */
const MAX_ARGUMENTS = 32

/**
 * The statement that logs an event from within a trigger. Its patterns are compiled from the rules, so that a raw change
 * invalidates what the API's does. It has no `CASE`: wrangler would look for an `END` of it.
 */
export function logStatement({ type, payload, when, from }: SqlEvent): string {
  const types = typeof type === 'string' ? [type] : type.map(([, one]) => one)
  const templates = rulesOf(types)
  const fields = Object.entries(payload).map(([name, field]) => ({ name, ...field }))
  const columns = fields.flatMap(({ name, members, isFreeText }) =>
    members.flatMap((member, i) => {
      const text = `nullif(CAST(${member} AS TEXT), '')`
      const raw = `${text} AS ${rawColumn(name, i)}`
      return isFreeText ? [raw, `${escapedSql(text)} AS ${segmentColumn(name, i)}`] : [raw]
    }),
  )
  const fits = fields.flatMap((field) =>
    field.members.map((_, i) => {
      const member = `e.${rawColumn(field.name, i)}`
      return `coalesce(${field.fits(member)}, ${field.isSet})`
    }),
  )
  const typeSql =
    typeof type === 'string'
      ? quoted(type)
      : type.reduceRight((rest, [condition, one]) => `iif(${condition}, ${quoted(one)}, ${rest})`, 'NULL')
  return `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at) SELECT ${[
    `${quoted(TRIGGER_EVENT_PREFIX)} || lower(hex(randomblob(16)))`,
    `iif(fits, type, ${quoted(PATTERNS_ONLY)})`,
    `iif(fits, payload, json_object('patterns', json(patterns)))`,
    'patterns',
    // Milliseconds, as the programs write them.
    `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  ].join(', ')} FROM (SELECT ${[
    `${fits.join(' AND ')} AS fits`,
    `${typeSql} AS type`,
    `${payloadSql(fields)} AS payload`,
    `${arrayOf(patternsSql(templates, payload))} AS patterns`,
  ].join(', ')} FROM (SELECT ${columns.join(', ')}${from === undefined ? '' : ` FROM ${from}`}) AS e)${
    when === undefined ? '' : ` WHERE ${when}`
  }`
}

/** The rules of a type, or of several that share them. */
function rulesOf(types: readonly EventType[]): readonly string[] {
  const [first] = types
  if (first === undefined) throw new Error('an event has a type')
  const rules = RULES[first]
  for (const type of types) {
    if (RULES[type].join() !== rules.join()) {
      throw new Error(`${first} and ${type} invalidate different things: log them by statements of their own`)
    }
  }
  return rules
}

function payloadSql(fields: readonly (SqlField & { name: string })[]): string {
  const entries = fields.map(({ name, isSet, members }) => {
    const columns = members.map((_, i) => `e.${rawColumn(name, i)}`)
    return `${quoted(name)}, ${isSet ? `json(${arrayOf(columns)})` : columns.join()}`
  })
  return `json_object(${entries.join(', ')})`
}

/** One expression for each pattern that the templates can come to; null where a member is. */
function patternsSql(templates: readonly string[], payload: SqlEvent['payload']): string[] {
  return templates.flatMap((template) => {
    let patterns: string[][] = [[]]
    for (const [at, segment] of template.split(':').entries()) {
      const separator = at === 0 ? '' : ':'
      const values = segment.startsWith('{')
        ? segmentsOf(segment.slice(1, -1), payload)
        : [quoted(`${separator}${segment}`)]
      const parts = values.map((value) =>
        segment.startsWith('{') && separator !== '' ? [quoted(separator), value] : [value],
      )
      patterns = patterns.flatMap((pattern) => parts.map((part) => [...pattern, ...part]))
    }
    return patterns.map((parts) => parts.join(' || ').replaceAll(`' || '`, ''))
  })
}

function segmentsOf(name: string, payload: SqlEvent['payload']): string[] {
  const field = payload[name]
  if (field === undefined) throw new Error(`a rule names "${name}", which the payload does not have`)
  return field.members.map((_, i) => `e.${(field.isFreeText ? segmentColumn : rawColumn)(name, i)}`)
}

/** A JSON array of expressions, each value once and no null. No `UNION`, of which D1 takes five arms at most. */
function arrayOf(values: readonly string[]): string {
  if (values.length > MAX_ARGUMENTS) {
    throw new Error(`D1's functions take ${MAX_ARGUMENTS} arguments, these are ${values.length}: ${values}`)
  }
  const list = `json_array(${values.join(', ')})`
  if (values.length === 0) return list
  return `(SELECT json_group_array(DISTINCT value) FROM json_each(${list}) WHERE value IS NOT NULL)`
}

const rawColumn = (field: string, member: number): string => `${field}_${member}`
const segmentColumn = (field: string, member: number): string => `${field}_${member}_segment`

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
