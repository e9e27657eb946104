import type { CacheEntry } from '../entry.ts'

/** What an entry costs beside its strings: objects, map slots, list links. Measured in workerd, rounded up: about 100 less. */
export const LEAST_BYTES = 500

/**
 * Bytes that an entry takes. V8 keeps a string at one byte a character until one of them is over U+00FF, and all of a string for as
 * long as a part of it is in use.
 * @param held the string that the entry's text is a part of
 */
export function sizeOf(entry: Pick<CacheEntry, 'path' | 'canonical' | 'tags'>, held: string): number {
  let bytes = LEAST_BYTES + entry.path.length + stringBytes(held)
  for (const tag of entry.tags) bytes += tag.length + 24
  return bytes + (entry.canonical?.length ?? 0)
}

/** Asked as a pattern, since V8 knows without looking that a string of one-byte characters has none. */
const WIDE = /[\u0100-\uffff]/

function stringBytes(text: string): number {
  return WIDE.test(text) ? text.length * 2 : text.length
}
