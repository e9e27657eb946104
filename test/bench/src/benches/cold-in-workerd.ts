import { setTimeout as sleep } from 'node:timers/promises'
import { cancelledClient } from '@freshet/test-support'
import type { Result } from '../bench.ts'
import {
  type ColdStack,
  type ColdTarget,
  type MeterFigures,
  readMeter,
  setMeter,
} from '../http/cold-stack.ts'
import { inTurns, median, type Rounds, spread } from '../rounds.ts'
import { CALLERS } from './cold-in-process.ts'

/** What a call of D1 takes in workerd, ms: long enough for all requests to have come before the first load is done. */
export const D1_MS = 600
/** Who has no answer by then hangs, ms. Freshet takes a load over after 2 s. */
const LIMIT_MS = 5_000

type Figures = Omit<Result, 'bench'>[]

/** What goes wrong, if anything. */
type Trouble = 'none' | 'throws' | 'cancelled'

/** What the figures of each are called. */
const TROUBLES: Record<Trouble, string> = {
  none: 'workerd',
  throws: 'workerd, it throws',
  cancelled: 'workerd, leader cancelled',
}

/** What a round came to. */
interface ColdRound extends Pick<MeterFigures, 'loads' | 'ended' | 'kvReads'> {
  /** Of the callers that were not cancelled: with the value, with an error, with nothing by the limit. */
  got: Record<Answer, number>
  /** From when the first was asked for to the last answer of any kind; null for none. */
  ms: number | null
  /** Whether a request afterwards, with nothing wrong any more, got the value. */
  isNextRight: boolean
}

/**
 * In workerd, a request for each caller, and each round on a post of its own. The first request leads: it has begun its load before the
 * others are sent, and where it is cancelled, they have all come before.
 */
export async function measureColdInWorkerd(stack: ColdStack, effort: Rounds): Promise<Figures> {
  return [
    ...(await measure(stack, 'none', effort)),
    ...(await measure(stack, 'throws', effort)),
    // Those that hang take their time, and no time is measured of them.
    ...(await measure(stack, 'cancelled', { rounds: Math.ceil(effort.rounds / 2), warmUp: 0 })),
  ]
}

async function measure(
  { targets, warmPost, nextPost }: ColdStack,
  trouble: Trouble,
  effort: Rounds,
): Promise<Figures> {
  const rounds = new Map<string, ColdRound[]>(targets.map(({ system }) => [system, []]))
  let post = ''
  const renew = () => {
    post = nextPost()
  }
  const run = async (target: ColdTarget, isCounted: boolean) => {
    // Its fence is fresh: what follows is a miss of this post, and of nothing else.
    await setMeter(target, { d1Ms: 0 })
    await ask(target, warmPost)
    const one = await coldRound(target, post, trouble)
    if (isCounted) rounds.get(target.system)?.push(one)
  }
  await inTurns(targets, effort, run, renew)
  return [...rounds].flatMap(([system, own]) => figuresOf(system, trouble, own))
}

async function coldRound(target: ColdTarget, post: string, trouble: Trouble): Promise<ColdRound> {
  await setMeter(target, { d1Ms: D1_MS, isBroken: trouble === 'throws' })
  const isCancelled = trouble === 'cancelled'
  const started = performance.now()
  const leader = isCancelled ? cancelledClient(target.origin + target.pathOf(post)) : null
  const asked = leader === null ? [ask(target, post)] : []
  await until(target, ({ loads }) => loads > 0)
  while (asked.length < CALLERS - (isCancelled ? 1 : 0)) asked.push(ask(target, post))
  if (leader !== null) {
    await until(target, ({ requests }) => requests === CALLERS)
    leader.cancel()
    if ((await readMeter(target)).ended > 0)
      throw new Error(`${target.system} was done before it was cancelled`)
  }
  const answers = await Promise.all(asked)
  const { loads, ended, kvReads } = await readMeter(target)
  await setMeter(target, { d1Ms: 0 })
  const next = await ask(target, post)
  const count = (kind: Answer) => answers.filter(({ answer }) => answer === kind).length
  const times = answers.filter(({ answer }) => answer !== 'nothing').map(({ at }) => at)
  return {
    loads,
    ended,
    kvReads,
    got: { value: count('value'), error: count('error'), nothing: count('nothing') },
    ms: times.length === 0 ? null : Math.max(...times) - started,
    isNextRight: next.answer === 'value',
  }
}

type Answer = 'value' | 'error' | 'nothing'

async function ask({ origin, pathOf }: ColdTarget, post: string): Promise<{ answer: Answer; at: number }> {
  const signal = AbortSignal.timeout(LIMIT_MS)
  let answer: Answer
  try {
    const response = await fetch(origin + pathOf(post), { signal })
    await response.arrayBuffer()
    answer = response.status === 200 ? 'value' : 'error'
  } catch {
    answer = signal.aborted ? 'nothing' : 'error'
  }
  return { answer, at: performance.now() }
}

async function until(target: ColdTarget, isSo: (meter: MeterFigures) => boolean): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  while (!isSo(await readMeter(target))) {
    if (performance.now() > deadline) throw new Error(`${target.system} is not asked`)
    await sleep(5)
  }
}

function figuresOf(system: string, trouble: Trouble, rounds: readonly ColdRound[]): Figures {
  const figure = (metric: string, value: number, ratio: number | null = null) => ({
    system,
    metric: `${TROUBLES[trouble]}: ${metric}`,
    value,
    ratio,
  })
  const most = (of: (round: ColdRound) => number) => Math.max(...rounds.map(of))
  const least = (of: (round: ColdRound) => number) => Math.min(...rounds.map(of))
  const times = rounds.flatMap(({ ms }) => (ms === null ? [] : [ms]))
  const taken = times.length === 0 ? [] : [figure('last answer, ms', median(times), median(times) / D1_MS)]
  return [
    figure(
      'loads',
      most(({ loads }) => loads),
    ),
    ...(trouble === 'cancelled'
      ? [
          figure(
            'loads that came to their end',
            least(({ ended }) => ended),
          ),
        ]
      : []),
    figure(
      'KV reads',
      most(({ kvReads }) => kvReads),
    ),
    figure(
      'callers that got the value',
      least(({ got }) => got.value),
    ),
    figure(
      'callers that got an error',
      most(({ got }) => got.error),
    ),
    figure(
      `callers that got nothing in ${LIMIT_MS / 1000} s`,
      most(({ got }) => got.nothing),
    ),
    ...taken,
    ...(taken.length === 0 ? [] : [figure('last answer: spread, ms', spread(times))]),
    figure(
      'next callers that got the value, of one',
      least(({ isNextRight }) => Number(isNextRight)),
    ),
  ]
}
