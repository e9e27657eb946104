import {
  CachedRepository,
  type CacheResult,
  type CacheService,
  type Change,
  type Current,
  type Database,
  type ReadOptions,
  type Source,
  type Written,
} from '@freshet/cache-core'
import * as v from 'valibot'
import { type Permissions, type Role, RoleSchema } from '../model/permissions.ts'
import type { UserProfile } from '../model/user.ts'
import { rowOf } from '../resources/rows.ts'
import { userPermissions, userProfile } from '../resources/user.ts'
import { type Clock, changeOf, eventOf, IF_LOGGED, sql } from './change.ts'
import { brokenUnique, ConstraintError } from './constraint-error.ts'

/** A new user; the password is hashed before it comes here (`hashPassword`). */
export interface NewUser {
  email: string
  name: string
  role: Role
  /** Null: cannot log in. */
  passwordHash: string | null
}

const LoginRow = v.object({
  id: v.string(),
  email: v.string(),
  name: v.string(),
  role: RoleSchema,
  passwordHash: v.nullable(v.string()),
})

/** What a log-in is checked against. Never cached. */
export type LoginUser = v.InferOutput<typeof LoginRow>

/** Users, with the events that their changes cause. Users are not listed. */
export class UserRepository extends CachedRepository<UserProfile, never, never, NewUser, Partial<NewUser>> {
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    super(cache, db)
    this.#clock = clock
  }

  /** @returns what a user may do */
  findPermissions(id: string, options?: ReadOptions): Promise<CacheResult<Permissions>> {
    return this.cache.read(userPermissions.at({ id }), options)
  }

  /** @returns the user with their password's hash, straight from D1; null when nobody has this address */
  findForLogin(email: string): Promise<LoginUser | null> {
    return this.cache.query({
      statements: [
        sql(
          this.db,
          'SELECT id, email, name, role, password_hash AS passwordHash FROM users WHERE email = ?',
          [email],
        ),
      ],
      decode: (results) => rowOf(LoginRow, results),
    })
  }

  /** @throws ConstraintError for an e-mail address that is taken */
  override create(input: NewUser): Promise<Written<UserProfile>> {
    return super.create(input).catch((error) => explain(error, input))
  }

  /** @throws ConstraintError for an e-mail address that is taken */
  override update(
    id: string,
    input: Partial<NewUser>,
    expectedVersion?: number,
  ): Promise<Written<UserProfile>> {
    return super.update(id, input, expectedVersion).catch((error) => explain(error, input))
  }

  protected item(id: string): Source<UserProfile> {
    return userProfile.at({ id })
  }

  protected list(): never {
    throw new TypeError('users are not listed')
  }

  protected async current(id: string): Promise<Current<UserProfile> | null> {
    const value = await this.cache.query(this.item(id).load(this.db))
    return value && { value, version: value.version }
  }

  protected insertion(input: NewUser): { id: string; changes: Change[] } {
    const id = this.#clock.uuid()
    const now = this.#clock.now()
    const statement = sql(
      this.db,
      'INSERT INTO users (id, email, name, role, password_hash, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [id, input.email, input.name, input.role, input.passwordHash, now, now],
    )
    return { id, changes: [changeOf('users', statement, eventOf({ type: 'user.create', payload: { id } }))] }
  }

  protected modification({ value, version }: Current<UserProfile>, input: Partial<NewUser>): Change[] {
    const eventId = this.#clock.uuid()
    const { id, email, name, role } = { ...value, ...input }
    const secret = input.passwordHash
    const statement = sql(
      this.db,
      `UPDATE users SET email = ?, name = ?, role = ?, password_hash = ${secret === undefined ? 'password_hash' : '?'},
         updated_at = ?, version = version + 1 WHERE id = ? AND version = ?`,
      [email, name, role, ...(secret === undefined ? [] : [secret]), this.#clock.now(), id, version],
    )
    // Who changes a password means to lock out whoever knew the old one.
    const logout = sql(this.db, `DELETE FROM sessions WHERE user_id = ? AND ${IF_LOGGED}`, [id, eventId])
    const event = eventOf({ type: 'user.update', payload: { id } }, eventId)
    return [changeOf('users', statement, event, secret === undefined ? [] : [logout])]
  }

  protected removal({ value: { id }, version }: Current<UserProfile>): Change[] {
    const statement = sql(this.db, 'DELETE FROM users WHERE id = ? AND version = ?', [id, version])
    return [changeOf('users', statement, eventOf({ type: 'user.delete', payload: { id } }))]
  }
}

function explain(error: unknown, { email }: Partial<NewUser>): never {
  if (brokenUnique(error).includes('users.email'))
    throw new ConstraintError('email', `the address "${email}" is taken`)
  throw error
}
