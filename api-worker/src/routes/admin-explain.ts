import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { explanationOf, forPeople } from '../http/explanation.ts'
import { readQuery } from '../http/input.ts'

const Query = v.strictObject({ key: v.pipe(v.string(), v.minLength(1, 'must name a key')) })

/** `/admin/cache/explain`: why one key is answered as it is. */
export const adminExplainRoutes = new Hono<AppEnv>()

adminExplainRoutes.get('/', async (c) => {
  const { key } = readQuery(c, Query)
  return c.json(success(forPeople(await explanationOf(c, key))))
})
