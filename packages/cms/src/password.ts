/** What production workerd accepts at most; more work per guess is not to be had there. */
const ITERATIONS = 100_000
const SALT_BYTES = 16
const HASH_BYTES = 32

const STORED = /^pbkdf2-sha256\$(\d{1,6})\$([0-9a-f]{32})\$([0-9a-f]{64})$/

/** The hash of no password: checked for unknown users, so that they take as long as known ones. */
const NOBODY = `pbkdf2-sha256$${ITERATIONS}$${'0'.repeat(2 * SALT_BYTES)}$${'0'.repeat(2 * HASH_BYTES)}`

/**
 * Hashes a password with PBKDF2-SHA-256.
 * @returns `pbkdf2-sha256$iterations$salt$hash`, salt and hash in hexadecimal
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))
  const hash = await derive(password, salt, ITERATIONS)
  return `pbkdf2-sha256$${ITERATIONS}$${toHex(salt)}$${toHex(hash)}`
}

/**
 * Checks a password.
 * @param stored what `hashPassword` made; null for a user that does not exist or has no password, which takes the same
 * time and is never right
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const match = STORED.exec(stored ?? NOBODY)
  const [, count, salt, expected] = match ?? []
  if (count === undefined || salt === undefined || expected === undefined) return false
  const iterations = Number(count)
  if (iterations < 1 || iterations > ITERATIONS) return false
  const actual = await derive(password, fromHex(salt), iterations)
  return equal(actual, fromHex(expected)) && stored !== null
}

async function derive(
  password: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, [
    'deriveBits',
  ])
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations }
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, HASH_BYTES * 8))
}

/** Compares in time that depends on the length only. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0)
  return difference === 0
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
