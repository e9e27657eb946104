import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { startProgress } from './progress.ts'

/** A stream that keeps what is written to it. */
const written = (isTTY: boolean) => {
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    cursorTo: () => true,
    clearLine: () => true,
  })
  return { stream, text: () => text(stream.end()) }
}

describe('startProgress', () => {
  it('is a line for each tenth where there is no terminal', async () => {
    const { stream, text } = written(false)
    const progress = startProgress('replaying', 20, stream)
    for (let done = 1; done <= 20; done += 1) progress.update(done)
    progress.end()
    const tenths = Array.from({ length: 10 }, (_, i) => `replaying ${(i + 1) * 10} % of 20\n`)
    expect(await text()).toBe(tenths.join(''))
  })

  it('is a bar on a terminal', async () => {
    const { stream, text } = written(true)
    const progress = startProgress('replaying', 20, stream)
    progress.update(10)
    progress.end()
    expect(await text()).toMatch(/replaying █+░+ 50 % of 20/)
  })
})
