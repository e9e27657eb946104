import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { messageOf, PlainError } from '../plain-error.ts'

/** Requests in their order: each is the number of its key, numbered by first appearance. */
export interface Sequence {
  keys: readonly number[]
  /** How many different keys there are. */
  distinct: number
}

/**
 * Reads a request trace, one key a line; `.gz` and `.br` are unpacked on the way, and no more is read than `limit` requests
 * need. Blank lines are skipped.
 */
export async function readTrace(path: string, limit: number): Promise<Sequence> {
  const numbers = new Map<string, number>()
  const keys: number[] = []
  try {
    for await (const line of createInterface({
      input: openTrace(path),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const key = line.trim()
      if (key === '') continue
      const known = numbers.get(key)
      keys.push(known ?? numbers.size)
      if (known === undefined) numbers.set(key, numbers.size)
      if (keys.length === limit) break
    }
  } catch (error) {
    throw new PlainError(`cannot read the trace ${path}: ${messageOf(error)}`)
  }
  if (keys.length === 0) throw new PlainError(`the trace ${path} has no requests`)
  return { keys, distinct: numbers.size }
}

function openTrace(path: string): Readable {
  const file = createReadStream(path)
  if (path.endsWith('.gz')) return pipeline(file, createGunzip(), ignore)
  if (path.endsWith('.br')) return pipeline(file, createBrotliDecompress(), ignore)
  return file
}

/** A failure reaches the reader through the last stream; `pipeline` only wants somebody to tell. */
function ignore(): void {}
