import type { CacheService, Database, ReadOptions, WriteResult } from '@freshet/cache-core'
import type { SessionValue } from '../model/session.ts'
import { session } from '../resources/session.ts'
import { type Clock, changeOf, eventOf, IF_LOGGED, sql } from './change.ts'

/** A new session. Its token is known to the client only. */
export interface NewSession {
  /** SHA-256 of the token, in hexadecimal. */
  hash: string
  userId: string
  /** Milliseconds since the Unix epoch. */
  expiresAt: number
  /** What the password was checked against: if it is another one by now, or the user is gone, no session is made. */
  passwordHash?: string
}

/** Who is logged in. */
export class SessionRepository {
  readonly #cache: CacheService
  readonly #db: Database
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    this.#cache = cache
    this.#db = db
    this.#clock = clock
  }

  /**
   * Logs a user in: the session, the time of the log-in and its event in one transaction. Takes the user's expired
   * sessions along, so that they need no janitor.
   */
  create({ hash, userId, expiresAt, passwordHash }: NewSession): Promise<WriteResult> {
    const now = this.#clock.now()
    const eventId = this.#clock.uuid()
    const insert = sql(
      this.#db,
      `INSERT INTO sessions (id, user_id, created_at, expires_at) SELECT ?, id, ?, ? FROM users
       WHERE id = ? AND (? IS NULL OR password_hash = ?)`,
      [hash, now, expiresAt, userId, passwordHash ?? null, passwordHash ?? null],
    )
    const seen = `UPDATE users SET last_login_at = ? WHERE id = ? AND ${IF_LOGGED}`
    const expired = `DELETE FROM sessions WHERE user_id = ? AND expires_at <= ? AND ${IF_LOGGED}`
    return this.#cache.write([
      changeOf('sessions', insert, eventOf({ type: 'auth.login', payload: { userId } }, eventId), [
        sql(this.#db, seen, [now, userId, eventId]),
        sql(this.#db, expired, [userId, now, eventId]),
      ]),
    ])
  }

  /** @returns who a token speaks for; null when it was never given out, was logged out, or has expired */
  async find(hash: string, options?: ReadOptions): Promise<SessionValue | null> {
    const value = (await this.#cache.read(session.at({ hash }), options)).value()
    if (value === null || Date.parse(value.expiresAt) <= this.#clock.now()) return null
    return value
  }

  /** Ends a session. */
  logout(hash: string): Promise<WriteResult> {
    const statement = sql(this.#db, 'DELETE FROM sessions WHERE id = ?', [hash])
    return this.#cache.write([
      changeOf('sessions', statement, eventOf({ type: 'auth.logout', payload: { session: hash } })),
    ])
  }
}
