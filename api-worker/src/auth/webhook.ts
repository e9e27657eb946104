/** A request that is signed as Standard Webhooks has it (standardwebhooks.com, version 1.0.0). */
export interface SignedRequest {
  /** `webhook-id`. */
  id: string | undefined
  /** `webhook-timestamp`, in seconds. */
  timestamp: string | undefined
  /** `webhook-signature`: `v1,<base64>`, several of them separated by spaces. */
  signatures: string | undefined
  /** As it came: another spelling of the same JSON is another text. */
  body: string
}

/** A request that is older or newer than this is not taken: somebody may have recorded it. */
const WINDOW_SECONDS = 300
/** More than any rotation of secrets needs. Each is an HMAC over the body, for a caller that nobody knows yet. */
const MAX_SIGNATURES = 4
/** Lengths of a secret and of a signature, in bytes. */
const MIN_SECRET = 24
const MAX_SECRET = 64
const SHA256_BYTES = 32

/** @returns the key of a secret such as `whsec_…`, or null when it is none */
export function parseSecret(text: string): Uint8Array<ArrayBuffer> | null {
  const key = text.startsWith('whsec_') ? bytesOf(text.slice('whsec_'.length)) : null
  return key !== null && key.length >= MIN_SECRET && key.length <= MAX_SECRET ? key : null
}

/**
 * Whether somebody who has one of the secrets signed the request, and not long ago. WebCrypto compares, in constant time.
 * @param now clock, ms
 */
export async function isSigned(
  { id, timestamp, signatures, body }: SignedRequest,
  secrets: readonly Uint8Array<ArrayBuffer>[],
  now: number,
): Promise<boolean> {
  if (!id || timestamp === undefined || signatures === undefined) return false
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > WINDOW_SECONDS) return false
  const given = signatures.split(' ').filter((signature) => signature.startsWith('v1,'))
  if (given.length > MAX_SIGNATURES) return false
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`)
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'verify',
    ])
    for (const signature of given) {
      const bytes = bytesOf(signature.slice('v1,'.length))
      if (bytes?.length === SHA256_BYTES && (await crypto.subtle.verify('HMAC', key, bytes, signed)))
        return true
    }
  }
  return false
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  // What atob takes beyond that, such as white space, is no canonical spelling.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
}
