/** Everything that could end a segment, start a wildcard or break a log line; nothing else is touched. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const SPECIAL = /[%:*\u0000-\u001f\u007f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const HAS_SPECIAL = /[%:*\u0000-\u001f\u007f\ud800-\udfff]/

/**
 * Makes any string one segment of a key, tag or pattern: `%`, `:`, `*` and control characters become `%XX`.
 * Injective, so two ids never share a segment. Lone surrogates, which no UTF-8 text can hold, become U+FFFD first.
 */
export function escapeSegment(text: string): string {
  // Once over most ids is enough: a surrogate, lone or not, is looked at more closely.
  if (!HAS_SPECIAL.test(text)) return text
  return text
    .toWellFormed()
    .replace(SPECIAL, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** The reverse of `escapeSegment`. Text that it cannot have made is returned as it is. */
export function unescapeSegment(segment: string): string {
  return segment.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Joins segments, each escaped, into a name: `nameOf('content', 'item', 'a:b')` is `content:item:a%3Ab`. */
export function nameOf(...segments: string[]): string {
  return segments.map(escapeSegment).join(':')
}
