import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PlainError } from '../plain-error.ts'
import { readTrace } from './trace.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-trace-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function traceFile(name: string, contents: string | Buffer): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, contents)
  return path
}

const ALL = Number.POSITIVE_INFINITY
const text = 'b\na\nb\n\n c \r\na'
const expected = { keys: [0, 1, 0, 2, 1], distinct: 3 }

describe('readTrace', () => {
  it('numbers keys by their first appearance', async () => {
    expect(await readTrace(await traceFile('t.txt', text), ALL)).toEqual(expected)
  })

  it('unpacks gzip and brotli', async () => {
    expect(await readTrace(await traceFile('t.txt.gz', gzipSync(text)), ALL)).toEqual(expected)
    expect(await readTrace(await traceFile('t.txt.br', brotliCompressSync(text)), ALL)).toEqual(expected)
  })

  it('stops at the limit, where distinct counts only what was read', async () => {
    const long = gzipSync(Array.from({ length: 200_000 }, (_, i) => String(i)).join('\n'))
    expect(await readTrace(await traceFile('t.txt.gz', long), 2)).toEqual({ keys: [0, 1], distinct: 2 })
  })

  it('says what is wrong with a file', async () => {
    await expect(readTrace(join(directory, 'none.txt'), ALL)).rejects.toThrow(
      /cannot read the trace .*none.txt: ENOENT/,
    )
    await expect(readTrace(join(directory, 'none.txt.gz'), ALL)).rejects.toThrow(PlainError)
    const broken = await traceFile('broken.txt.gz', 'not gzip')
    await expect(readTrace(broken, ALL)).rejects.toThrow('incorrect header check')
    const cut = await traceFile('cut.txt.br', brotliCompressSync('a\n'.repeat(100)).subarray(0, 5))
    await expect(readTrace(cut, ALL)).rejects.toThrow(PlainError)
    await expect(readTrace(await traceFile('empty.txt', '\n\n'), ALL)).rejects.toThrow('has no requests')
  })
})
