/** What to look for, and what to put there; SQL expressions. */
type Replacement = readonly [from: string, to: string]

/** What may stand nowhere in a segment. A `%` first, since all that follow write some. */
const BEFORE: readonly Replacement[] = [
  ["'%'", "'%25'"],
  ["':'", "'%3A'"],
  ["'*'", "'%2A'"],
  ['char(127)', "'%7F'"],
  // Put away, so that every backslash that is seen later is JSON's.
  ["'\\'", "'%5C'"],
]

const AFTER: readonly Replacement[] = [
  // JSON's own quotes go. No other colon is left in the text, so these two are found at its ends only.
  [`':"'`, "''"],
  [`'":'`, "''"],
  [`'\\"'`, `'"'`],
  // JSON has letters for some control characters, and writes the hexadecimal digits of the others small.
  ["'\\b'", "'%08'"],
  ["'\\t'", "'%09'"],
  ["'\\n'", "'%0A'"],
  ["'\\f'", "'%0C'"],
  ["'\\r'", "'%0D'"],
  ...['0b', '0e', '0f', '1a', '1b', '1c', '1d', '1e', '1f'].map(
    (hex): Replacement => [`'\\u00${hex}'`, `'%${hex.toUpperCase()}'`],
  ),
  ["'\\u00'", "'%'"],
  ["'%5C'", "'\\'"],
]

/**
 * `escapeSegment` in SQL. Control characters are found by way of JSON, since `replace()` cannot look for a NUL.
 * @returns an expression for the segment, null where the text is
 */
export function escapedSql(text: string): string {
  const json = `json_quote(${replaced(text, BEFORE)})`
  // Of null JSON makes a word without quotes.
  return replaced(`':' || nullif(${json}, 'null') || ':'`, AFTER)
}

function replaced(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((inner, [from, to]) => `replace(${inner}, ${from}, ${to})`, text)
}
