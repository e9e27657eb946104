import type { Context } from 'hono'
import * as v from 'valibot'
import { type FieldError, Problem } from './problem.ts'
import { inWords } from './words.ts'

// Of all schemas, wherever they are: what does not fit an event, packages/cms says, and producers read it.
v.setGlobalMessage(inWords)

/** Anything larger is refused before it is read. */
export const MAX_BODY_BYTES = 1_000_000

/**
 * Reads a JSON body, which is an object everywhere.
 * @throws Problem 415 without a JSON content type (which also keeps out cross-site forms), 400 for text that is no JSON, 422
 * naming the fields that do not fit
 */
export async function readBody<S extends v.GenericSchema>(c: Context, schema: S): Promise<v.InferOutput<S>> {
  const type = c.req.header('Content-Type') ?? ''
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Problem(415, `The body must be JSON with Content-Type application/json; it came as "${type}".`)
  }
  let json: unknown
  try {
    json = await c.req.json()
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Problem(400, `The body is not JSON: ${error.message}`, {
      errors: [{ field: 'body', message: error.message }],
    })
  }
  // To an object's schema, an array is an object without the fields.
  if (Array.isArray(json)) {
    const message = 'must be an object, not an array'
    throw new Problem(422, `body: ${message}`, { errors: [{ field: 'body', message }] })
  }
  return check(schema, json, 422, 'body')
}

/** Reads the query string. @throws Problem 400 for unknown, repeated or bad parameters */
export function readQuery<S extends v.GenericSchema>(c: Context, schema: S): v.InferOutput<S> {
  const errors: FieldError[] = []
  const query: [string, string][] = []
  for (const [name, value] of new URL(c.req.url).searchParams) {
    if (query.some(([other]) => other === name)) errors.push({ field: name, message: 'is given twice' })
    query.push([name, value])
  }
  if (errors[0] !== undefined) throw new Problem(400, `${errors[0].field}: ${errors[0].message}`, { errors })
  // From entries, since a parameter may be called __proto__.
  return check(schema, Object.fromEntries(query), 400, 'query')
}

/** Reads a parameter of the path. @throws Problem 404: what cannot be an id is nobody's */
export function readPath<S extends v.GenericSchema<string>>(
  c: Context,
  name: string,
  schema: S,
  what: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, c.req.param(name))
  if (!parsed.success)
    throw new Problem(404, `There is no such ${what}: ${name} ${parsed.issues[0].message}.`)
  return parsed.output
}

function check<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  status: 400 | 422,
  whole: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, input)
  if (parsed.success) return parsed.output
  const errors = parsed.issues.map(
    (issue): FieldError => ({ field: v.getDotPath(issue) ?? whole, message: messageOf(issue, schema) }),
  )
  const [first] = errors
  throw new Problem(status, `${first?.field}: ${first?.message}`, { errors })
}

/** Of what is not known, also what would be. */
function messageOf({ message, expected, path }: v.BaseIssue<unknown>, schema: v.GenericSchema): string {
  if (expected !== 'never' || path?.length !== 1 || !('entries' in schema)) return message
  return `${message}; known are: ${Object.keys(Object(schema.entries)).join(', ')}`
}
