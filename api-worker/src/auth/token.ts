import { sha256 } from './sha256.ts'

const TOKEN_BYTES = 32

/** @returns a new session token: 256 random bits, base64url */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** What D1 and the cache know a token by, so that neither can give it away. @returns SHA-256 in hexadecimal */
export function hashToken(token: string): Promise<string> {
  return sha256(token)
}
