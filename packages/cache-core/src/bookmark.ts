/** A position that a client has seen: opaque to it, `epoch.seq` to us. */
export interface Bookmark {
  epoch: string
  seq: number
}

/** @returns the text of the `Cache-Bookmark` header and cookie */
export function formatBookmark(epoch: string, seq: number): string {
  return `${epoch}.${seq}`
}

/** @returns null for anything that `formatBookmark` cannot have made: a client's mistake costs it its guarantee, no error */
export function parseBookmark(text: string): Bookmark | null {
  const parts = /^([0-9a-f]{1,64})\.(0|[1-9]\d{0,14})$/.exec(text)
  if (parts?.[1] === undefined || parts[2] === undefined) return null
  return { epoch: parts[1], seq: Number(parts[2]) }
}
