import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { logIn, parseAnswer } from '../administrator.ts'
import { PlainError } from '../plain-error.ts'
import type { HttpClient } from '../replay/http-client.ts'
import { WARM_HELP, type WarmOptions } from './warm-options.ts'

/** How often to look, and how often nothing may have changed before it is taken to be done. */
const LOOK_EVERY_MS = 2_000
const QUIET_LOOKS = 6

const Outcomes = v.record(v.string(), v.number())
const Warming = v.object({
  data: v.object({ lastDay: v.object({ lanes: v.record(v.string(), v.object({ outcomes: Outcomes })) }) }),
})

/** What a warm-up needs of its surroundings. */
export interface WarmContext {
  http: Pick<HttpClient, 'send'>
  signal: AbortSignal
  write: (line: string) => void
  lookEveryMs?: number
}

/** `npm run warm`: asks for a full warm-up and watches it. @returns the exit status: 1 when it was not done in time */
export async function warm(options: WarmOptions, context: WarmContext): Promise<number> {
  const { http, signal, write } = context
  if (options.help) {
    write(WARM_HELP)
    return 0
  }
  const { url } = options
  const headers = await logIn(http, options)
  const look = async () => {
    const answer = await http.send(`${url}/admin/cache/warming`, { headers })
    return sumOf(parseAnswer(Warming, 'GET /admin/cache/warming', answer).data.lastDay.lanes)
  }

  const before = await look()
  const asked = await http.send(`${url}/admin/cache/warm`, { method: 'POST', headers, json: {} })
  if (asked.status !== 202)
    throw new PlainError(`POST /admin/cache/warm answered ${asked.status}: ${asked.body}`)
  write('the consumer warms everything anew')

  const lookEveryMs = context.lookEveryMs ?? LOOK_EVERY_MS
  const until = performance.now() + options.timeoutSeconds * 1_000
  let last = before
  for (let quiet = 0; performance.now() < until; ) {
    await sleep(lookEveryMs, undefined, { signal })
    const now = await look()
    quiet = total(now) === total(last) ? quiet + 1 : 0
    last = now
    const isBegun = total(now) > total(before)
    if (isBegun && quiet === 0) write(`${total(now) - total(before)} jobs done`)
    if (isBegun && quiet >= QUIET_LOOKS) {
      write(`done: ${describe(before, now)}`)
      return 0
    }
  }
  write(`not done within ${options.timeoutSeconds} s: ${describe(before, last) || 'no job was seen'}`)
  return 1
}

/** What is not settled: it comes again. */
const UNSETTLED = new Set(['failed', 'deferred'])

/** Settled jobs of the low lane by outcome: a full warm-up goes there, what events bring on goes elsewhere. */
function sumOf(
  lanes: Readonly<Record<string, { outcomes: Record<string, number> }>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(lanes.low?.outcomes ?? {}).filter(([name]) => !UNSETTLED.has(name)),
  )
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0)
}

function describe(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): string {
  return Object.entries(now)
    .map(([name, n]) => [name, n - (before[name] ?? 0)] as const)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ')
}
