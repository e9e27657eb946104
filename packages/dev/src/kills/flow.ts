import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../plain-error.ts'
import { type CmsClient, UnexpectedAnswerError } from '../replay/cms-client.ts'
import { runPool } from '../replay/pool.ts'
import type { KillMoment } from './kill-moments.ts'
import type { Lives } from './lives.ts'
import type { WriteLedger } from './write-ledger.ts'

/** No stack is killed so often that a write would need as many. */
const MOST_ATTEMPTS = 100

/** What `flow` takes. */
export interface FlowOptions {
  /** The post of each write. */
  posts: readonly string[]
  moments: readonly KillMoment[]
  lives: Pick<Lives, 'up' | 'killed'>
  /** Logged in as somebody who may write. */
  client: Pick<CmsClient, 'write'>
  ledger: WriteLedger
  /** Writes under way at a time, and how long each writer rests between two. */
  writers: number
  restMs: number
  signal: AbortSignal
  /** Hears how many writes are answered. */
  onDone: (done: number) => void
}

/**
 * Makes all writes, each again until it is answered, while the stack is killed at its moments. A write that is made again is
 * another one: the first may have been done.
 */
export async function flow(options: FlowOptions): Promise<void> {
  const { lives, client, ledger, signal } = options
  const pending = [...options.moments]
  const deaths: Promise<unknown>[] = []
  let begun = 0

  function begin(): void {
    begun += 1
    while (pending[0] !== undefined && pending[0].afterWrites <= begun) {
      const delayMs = pending.shift()?.delayMs
      const death = sleep(delayMs, undefined, { signal }).then(() => lives.killed())
      // Thrown at the end; until then it must not count as unhandled.
      death.catch(() => {})
      deaths.push(death)
    }
  }

  async function write(id: string, index: number): Promise<void> {
    begin()
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      const urls = await lives.up()
      try {
        const url = urls[index % urls.length] ?? ''
        ledger.committed(id, await client.write(url, id, `Write ${index}, attempt ${attempt}`))
        break
      } catch (error) {
        if (error instanceof UnexpectedAnswerError) {
          ledger.refused(error.message)
          break
        }
        ledger.lost(id)
        if (attempt === MOST_ATTEMPTS) {
          ledger.refused(`${id} was never answered: ${messageOf(error)}`)
          break
        }
        await sleep(options.restMs, undefined, { signal })
      }
    }
    options.onDone(ledger.answered)
    await sleep(options.restMs, undefined, { signal })
  }

  await runPool(options.posts, options.writers, write, signal)
  await Promise.all(deaths)
}
