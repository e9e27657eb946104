import type { Faker } from '@faker-js/faker'
import { ROLES } from '../model/permissions.ts'
import type { Insertion } from './batch.ts'
import { seedUserId } from './ids.ts'
import { SITE_BEGAN, times } from './times.ts'

export const USERS: Insertion = {
  table: 'users',
  columns: ['id', 'email', 'name', 'role', 'password_hash', 'created_at', 'updated_at'],
}

/** `freshet-dev`, which everybody knows: only ever written to local databases. */
const LOCAL_PASSWORD_HASH =
  'pbkdf2-sha256$100000$66726573686574206c6f63616c206f6e$e07d1af078f5305756e6ca0be2d23be0ec6ab821c61e3290bf74aff28a36715f'

/** Users who write: none of them has a password, so none can log in. */
export function* userRows(faker: Faker, count: number): Generator<unknown[]> {
  for (let i = 0; i < count; i++) {
    const role = faker.helpers.weightedArrayElement([
      { value: 'viewer', weight: 6 },
      { value: 'editor', weight: 3 },
      { value: 'admin', weight: 1 },
    ])
    const { createdAt, updatedAt } = times(faker)
    yield [seedUserId(i), `user-${i}@example.org`, faker.person.fullName(), role, null, createdAt, updatedAt]
  }
}

/** One user of each role, with the password `freshet-dev`. */
export function localUserRows(): unknown[][] {
  return ROLES.map((role) => [
    `user-${role}`,
    `${role}@example.com`,
    `Local ${role}`,
    role,
    LOCAL_PASSWORD_HASH,
    SITE_BEGAN,
    SITE_BEGAN,
  ])
}
