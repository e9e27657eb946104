import * as v from 'valibot'
import { expect, it } from 'vitest'
import { inWords } from './words.ts'

const Input = v.looseObject({
  name: v.string(),
  size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5000))),
  ids: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2))),
  text: v.optional(v.pipe(v.string(), v.minLength(2), v.maxLength(2000))),
  word: v.optional(v.pipe(v.string(), v.nonEmpty(), v.regex(/^a/))),
  way: v.optional(v.picklist(['up', 'down'])),
  is: v.optional(v.boolean()),
  inner: v.optional(v.strictObject({ key: v.string() })),
  other: v.optional(v.object({ key: v.string() })),
  yes: v.optional(v.literal('true')),
})

const said = (input: unknown) =>
  v
    .safeParse(Input, input, { message: inWords })
    .issues?.map((issue) => `${v.getDotPath(issue) ?? 'body'} ${issue.message}`)

it.each([
  [{}, 'name is required'],
  [null, 'body must be an object, not null'],
  ['x', 'body must be an object, not "x"'],
  [{ name: 5 }, 'name must be a string, not 5'],
  [{ name: '', is: 'x'.repeat(200) }, `is must be true or false, not "${'x'.repeat(99)}…`],
  [{ name: '', size: 1.5 }, 'size must be a whole number'],
  [{ name: '', size: 0 }, 'size must be at least 1'],
  [{ name: '', size: 5001 }, 'size must be at most 5,000'],
  [{ name: '', size: {} }, 'size must be a number, not an object'],
  [{ name: '', ids: [] }, 'ids must not be empty'],
  [{ name: '', ids: 'x' }, 'ids must be an array, not "x"'],
  [{ name: '', ids: ['a', 'b', 'c'] }, 'ids must hold at most 2 entries'],
  [{ name: '', text: 'x' }, 'text must have at least 2 characters'],
  [{ name: '', text: 'x'.repeat(2001) }, 'text must have at most 2,000 characters'],
  [{ name: '', word: '' }, 'word must not be empty'],
  [{ name: '', word: 'b' }, 'word does not fit'],
  [{ name: '', way: 'left' }, 'way must be one of "up", "down", not "left"'],
  [{ name: '', yes: 'no' }, 'yes must be "true", not "no"'],
  [{ name: '', other: {} }, 'other.key is required'],
  [{ name: '', inner: { key: '', kee: '' } }, 'inner.kee is not known here'],
])('of %j it says: %s', (input, words) => {
  expect(said(input)?.[0]).toBe(words)
})
