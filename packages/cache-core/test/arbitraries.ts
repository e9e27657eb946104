import fc from 'fast-check'

/** Any UTF-16 at all, lone surrogates included: what a queue's or a client's JSON can hold. */
export const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ':',
        '*',
        '%',
        '/',
        ' ',
        '\n',
        '\u0000',
        '~',
        '=',
        '&',
        '3',
        'A',
        '😀',
        '\ud800',
        '\udfff',
      ),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

/** What UTF-8 can carry. Injectivity is promised for these; lone surrogates are one character to any database as well. */
export const wellFormedText = anyText.map((text) => text.toWellFormed())

const segment = fc.constantFrom('a', 'b', 'c')

/** Names of a small world, so that patterns and names meet often. */
export const smallName = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(':'))

/** Patterns of that world. */
export const smallPattern = fc
  .array(fc.oneof({ weight: 2, arbitrary: segment }, { weight: 1, arbitrary: fc.constant('*') }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => parts.join(':'))

/** `matches`, said another way: by backtracking over the segments, one at a time. */
export function naiveMatch(pattern: string, name: string): boolean {
  const match = (wanted: string[], given: string[]): boolean => {
    const [first, ...others] = wanted
    if (first === undefined) return given.length === 0
    if (first === '*' && others.length === 0) return true
    const [segment, ...rest] = given
    if (segment === undefined) return false
    return (first === '*' || first === segment) && match(others, rest)
  }
  return match(pattern.split(':'), name.split(':'))
}
