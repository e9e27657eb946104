import * as v from 'valibot'
import { RoleSchema } from '../model/permissions.ts'
import { lineInput, notEmpty } from './text.ts'

/** One spelling for one address: lower case. */
const EmailInput = v.pipe(v.string(), v.maxLength(254), v.email('must be an e-mail address'), v.toLowerCase())

/** PBKDF2 reads all of it; more would only cost time. */
const PasswordInput = v.pipe(
  v.string(),
  v.minLength(8, 'must have at least 8 characters'),
  v.maxLength(256, 'must have at most 256 characters'),
)

const fields = { email: EmailInput, name: lineInput(1, 200), role: RoleSchema, password: PasswordInput }

/** Body of `POST /api/users`. Without a password the user cannot log in. */
export const UserCreateInput = v.strictObject({ ...fields, password: v.exactOptional(fields.password) })

/** Body of `PUT /api/users/:id`. */
export const UserUpdateInput = v.pipe(
  v.strictObject({
    email: v.exactOptional(fields.email),
    name: v.exactOptional(fields.name),
    role: v.exactOptional(fields.role),
    password: v.exactOptional(fields.password),
  }),
  notEmpty(),
)

/** Body of `POST /auth/login`. Says nothing of what a password must look like: older ones may not. */
export const LoginInput = v.strictObject({
  email: v.pipe(v.string(), v.maxLength(254), v.toLowerCase()),
  password: v.pipe(v.string(), v.maxLength(256)),
})
