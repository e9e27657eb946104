/**
 * Patterns name what an event invalidates: colon-separated segments, where `*` stands for one segment and a final `*`
 * for the rest, which may be none. So the plan's `content:*:123:*`, whose last star stood for a version, means here what
 * it meant there: names carry no version.
 */

const MAX_SEGMENTS = 16
const MAX_LENGTH = 4096

/** Thrown for text that is not a pattern; the message says what is wrong and what would be right. */
export class PatternError extends Error {
  override name = 'PatternError'
}

/**
 * Checks a pattern that comes from outside.
 * @returns the pattern, unchanged
 * @throws PatternError when it is empty, too long, or holds a `*` that is not a whole segment
 */
export function parsePattern(text: string): string {
  if (text === '') throw new PatternError('a pattern must not be empty; "*" matches everything')
  if (text.length > MAX_LENGTH)
    throw new PatternError(`a pattern has at most ${MAX_LENGTH} characters, this one ${text.length}`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new PatternError('a pattern holds no control characters; write them as %XX')
  const segments = text.split(':')
  if (segments.length > MAX_SEGMENTS)
    throw new PatternError(`a pattern has at most ${MAX_SEGMENTS} segments, this one ${segments.length}`)
  for (const segment of segments) {
    if (segment === '')
      throw new PatternError(`"${text}" has an empty segment; write segments as in content:item:42`)
    if (segment.includes('*') && segment !== '*') {
      throw new PatternError(
        `"${segment}" in "${text}": a * stands for a whole segment, as in content:*:42 or content:item:*`,
      )
    }
  }
  return text
}

/** Whether a pattern holds a wildcard. */
export function isWild(pattern: string): boolean {
  return pattern.includes('*')
}

/** Whether a pattern matches a name (a tag, or a key without its version). Linear in both. */
export function matches(pattern: string, name: string): boolean {
  const wanted = pattern.split(':')
  const segments = name.split(':')
  const last = wanted.length - 1
  for (let i = 0; i < last; i++) {
    if (i >= segments.length || (wanted[i] !== '*' && wanted[i] !== segments[i])) return false
  }
  if (wanted[last] === '*') return true
  return segments.length === wanted.length && wanted[last] === segments[last]
}

/** The next broader pattern: `content:item:42` → `content:item:*` → `content:*` → `*`. Matches all that the first did. */
export function broaden(pattern: string): string {
  const segments = pattern.split(':')
  if (segments.at(-1) === '*') segments.pop()
  segments.pop()
  return [...segments, '*'].join(':')
}

/** Whether one pattern matches all that another one matches. */
export function covers(broad: string, narrow: string): boolean {
  const wanted = broad.split(':')
  const segments = narrow.split(':')
  const isOpen = wanted.at(-1) === '*'
  if (isOpen) wanted.pop()
  // What is left of a closed pattern has a length; an open one may match any number of further segments.
  const isNarrowOpen = segments.at(-1) === '*'
  if (isNarrowOpen) segments.pop()
  if (!isOpen && (isNarrowOpen || segments.length !== wanted.length)) return false
  if (segments.length < wanted.length) return false
  return wanted.every((segment, i) => segment === '*' || segment === segments[i])
}

/** The names that a pattern matches all begin with this; it ends with a `:` or is the whole name. */
export function literalPrefix(pattern: string): string {
  const star = pattern.indexOf('*')
  return star < 0 ? pattern : pattern.slice(0, star)
}
