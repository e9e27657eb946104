import type * as v from 'valibot'

/** What does not fit, for people: what all schemas say that have no words of their own. Valibot's are for programmers. */
export function inWords(issue: v.BaseIssue<unknown>): string {
  const { kind, expected, received } = issue
  if (kind !== 'schema') return limitInWords(issue) ?? 'does not fit'
  if (expected === 'never') return 'is not known here'
  if (received === 'undefined') return 'is required'
  return `must be ${wanted(expected)}, not ${given(received)}`
}

function limitInWords({ type, requirement, input }: v.BaseIssue<unknown>): string | null {
  if (type === 'integer' || type === 'safe_integer') return 'must be a whole number'
  if (type === 'non_empty') return 'must not be empty'
  if (typeof requirement !== 'number') return null
  const limit = requirement.toLocaleString('en')
  const [have, what] = Array.isArray(input) ? ['hold', 'entries'] : ['have', 'characters']
  if (type === 'min_length')
    return requirement === 1 ? 'must not be empty' : `must ${have} at least ${limit} ${what}`
  if (type === 'max_length') return `must ${have} at most ${limit} ${what}`
  if (type === 'min_value') return `must be at least ${limit}`
  return type === 'max_value' ? `must be at most ${limit}` : null
}

/** JSON's types, by the names that valibot has for them. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  Array: 'an array',
  Object: 'an object',
}

/** Of `("asc" | "desc")`, say, or `Array`. */
function wanted(expected: string | null): string {
  if (expected === null) return 'something else'
  const choices = /^\((.+)\)$/.exec(expected)?.[1]
  return choices === undefined ? nameOf(expected) : `one of ${choices.replaceAll(' | ', ', ')}`
}

/** Characters that are shown of what was sent. */
const SHOWN = 100

function given(received: string): string {
  return received.length > SHOWN ? `${received.slice(0, SHOWN)}…` : nameOf(received)
}

function nameOf(type: string): string {
  return Object.hasOwn(TYPES, type) ? (TYPES[type] ?? type) : type
}
