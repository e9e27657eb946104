import { type CacheEntry, withSize } from '../src/entry.ts'
import { encodeEntry } from '../src/kv/envelope.ts'

/** An entry as it is once it came from KV: its text then is a part of the value, all of which is kept. */
export const fromKv = (entry: CacheEntry): CacheEntry => withSize(entry, encodeEntry(entry).value)
