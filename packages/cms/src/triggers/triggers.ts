import { triggerNames } from '@freshet/cache-core'
import { logStatement, type SqlEvent } from './sql-event.ts'
import { TABLE_EVENTS, type TableEvents, type TriggerTable } from './tables.ts'

export type { TriggerTable } from './tables.ts'

/** One trigger. */
export interface Trigger {
  name: string
  /** Creates it; one line, without the final semicolon. */
  sql: string
}

/** All tables that can have triggers. */
export const TRIGGER_TABLES: readonly TriggerTable[] = tableNames(TABLE_EVENTS)

/** The triggers of a table: each change of a row then logs what it invalidates, whoever makes it, in its transaction. */
export function triggersOf(table: TriggerTable): Trigger[] {
  const { replaced, ...events }: TableEvents = TABLE_EVENTS[table]
  const names = triggerNames(table)
  const triggers = (['insert', 'update', 'delete'] as const).map((operation) =>
    trigger(names[operation], `AFTER ${operation.toUpperCase()} ON ${table}`, events[operation]),
  )
  if (replaced === undefined) return triggers
  const taken = replaced.unique.map((columns) =>
    columns.map((column) => `gone.${column} = NEW.${column}`).join(' AND '),
  )
  const rows = `${table} AS gone WHERE (${taken.join(' OR ')})`
  const columns = [...new Set(replaced.unique.flat())].join(', ')
  return [
    ...triggers,
    trigger(`${names.insert}_replaces`, `BEFORE INSERT ON ${table}`, [{ ...replaced.event, from: rows }]),
    trigger(`${names.update}_replaces`, `BEFORE UPDATE OF ${columns} ON ${table}`, [
      { ...replaced.event, from: `${rows} AND gone.rowid <> OLD.rowid` },
    ]),
  ]
}

/** The SQL that installs the triggers of these tables, in place of older ones; each statement is one line. */
export function installTriggers(tables: readonly TriggerTable[] = TRIGGER_TABLES): string {
  return lines(
    '-- Freshet: whoever changes these tables invalidates what shows them. Made by "npm run triggers" from the rules in',
    '-- packages/cms/src/events/rules.ts. To be made anew when they change.',
    ...tables.flatMap(triggersOf).flatMap(({ name, sql }) => [`DROP TRIGGER IF EXISTS ${name};`, `${sql};`]),
  )
}

/** The SQL that removes them. */
export function dropTriggers(tables: readonly TriggerTable[] = TRIGGER_TABLES): string {
  return lines(
    '-- Freshet: only writes through the API invalidate what shows these tables.',
    ...tables.flatMap(triggersOf).map(({ name }) => `DROP TRIGGER IF EXISTS ${name};`),
  )
}

function trigger(name: string, occasion: string, events: readonly SqlEvent[]): Trigger {
  const body = events.map((event) => `${logStatement(event)};`).join(' ')
  return { name, sql: `CREATE TRIGGER ${name} ${occasion} BEGIN ${body} END` }
}

function tableNames<T extends object>(tables: T): readonly (keyof T & string)[] {
  const names: string[] = Object.keys(tables)
  return names.filter((name): name is keyof T & string => Object.hasOwn(tables, name))
}

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}
