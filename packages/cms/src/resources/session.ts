import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { SessionRow, type SessionValue, SessionValueSchema } from '../model/session.ts'
import { sessionsTag } from './names.ts'
import { rowOf } from './rows.ts'

const Params = v.strictObject({ hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) })

/**
 * Who a token speaks for. Shows its user, so it goes when they change. Whether it has expired is for the reader to see.
 * That a token was not found is never undone: it has 256 random bits, so nobody asks for it before it is made.
 */
export const session = defineResource({
  name: 'session',
  namespace: 'session',
  parseParams: (input) => v.parse(Params, input),
  key: ({ hash }) => ({ entity: 'token', id: hash }),
  tags: (value: SessionValue | null) => (value === null ? [] : [sessionsTag(value.userId)]),
  load: (db, { hash }) => ({
    statements: [
      db
        .prepare(
          `SELECT s.user_id AS userId, u.email, u.name, u.role, s.expires_at AS expiresAt
           FROM sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.id = ?`,
        )
        .bind(hash),
    ],
    decode: (results) => rowOf(SessionRow, results),
  }),
  parse: (json) => v.parse(SessionValueSchema, json),
})
