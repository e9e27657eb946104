import type { Result } from '../bench.ts'
import { inTurns, median, type Rounds, spread } from '../rounds.ts'
import { ALONE, type ColdSystem, coldSystems, textOf } from './cold-systems.ts'

export const CALLERS = 100

type Figures = Omit<Result, 'bench'>[]

/** In this process, each round on a key of its own: loads that succeed, then loads that throw. */
export async function measureColdInProcess(effort: Rounds): Promise<Figures> {
  const systems = coldSystems()
  const answered = new Map<string, Answered[]>(systems.map(({ name }) => [name, []]))
  let round = 0
  const renew = () => void round++
  await inTurns(
    systems,
    effort,
    async (system, isCounted) => {
      const one = await answeredRound(system, `answered-${round}`)
      if (isCounted) answered.get(system.name)?.push(one)
    },
    renew,
  )
  const thrown = new Map<string, Thrown[]>(systems.map(({ name }) => [name, []]))
  await inTurns(
    systems.filter(({ name }) => name !== ALONE),
    { rounds: Math.ceil(effort.rounds / 4), warmUp: Math.min(1, effort.warmUp) },
    async (system, isCounted) => {
      const one = await thrownRound(system, `thrown-${round}`)
      if (isCounted) thrown.get(system.name)?.push(one)
    },
    renew,
  )
  return systems.flatMap(({ name }) => [
    ...answeredFigures(name, answered.get(name) ?? [], answered.get(ALONE) ?? []),
    ...thrownFigures(name, thrown.get(name) ?? []),
  ])
}

/** What a round came to. */
interface Counts {
  loads: number
  tierReads: number
  databaseCalls: number
}

interface Answered extends Counts {
  ms: number
}

interface Thrown extends Counts {
  ms: number
  /** Callers that got an error, and that got none. */
  failed: number
  answered: number
  /** Whether the next caller got the value, once loads succeed again, and what that took. */
  isNextRight: boolean
  nextLoads: number
}

async function answeredRound(system: ColdSystem, key: string): Promise<Answered> {
  await system.before?.()
  const since = countsOf(system)
  const started = performance.now()
  const answers = await Promise.all(Array.from({ length: callersOf(system) }, () => system.get(key)))
  const ms = performance.now() - started
  if (answers.some((answer) => answer !== textOf(key)))
    throw new Error(`${system.name} answers something else`)
  return { ...countsOf(system, since), ms }
}

async function thrownRound(system: ColdSystem, key: string): Promise<Thrown> {
  await system.before?.()
  const since = countsOf(system)
  system.origin.isBroken = true
  const started = performance.now()
  const asked = Array.from({ length: CALLERS }, async () => system.get(key))
  const answers = await Promise.allSettled(asked)
  const ms = performance.now() - started
  system.origin.isBroken = false
  const counts = countsOf(system, since)
  const sinceNext = countsOf(system)
  const next = await system.get(key).catch(() => null)
  const failed = answers.filter(({ status }) => status === 'rejected').length
  return {
    ...counts,
    ms,
    failed,
    answered: answers.length - failed,
    isNextRight: next === textOf(key),
    nextLoads: countsOf(system, sinceNext).loads,
  }
}

function callersOf({ name }: ColdSystem): number {
  return name === ALONE ? 1 : CALLERS
}

/** @param since is taken off */
function countsOf({ origin, databaseCalls }: ColdSystem, since?: Counts): Counts {
  return {
    loads: origin.loads - (since?.loads ?? 0),
    tierReads: origin.tierReads - (since?.tierReads ?? 0),
    databaseCalls: (databaseCalls?.() ?? origin.loads) - (since?.databaseCalls ?? 0),
  }
}

function answeredFigures(system: string, rounds: readonly Answered[], alone: readonly Answered[]): Figures {
  const times = rounds.map(({ ms }) => ms)
  const base = median(alone.map(({ ms }) => ms))
  const figure = (metric: string, value: number, ratio: number | null = null) => ({
    system,
    metric,
    value,
    ratio,
  })
  return [
    figure('loads', median(rounds.map(({ loads }) => loads))),
    figure('reads of the second tier', median(rounds.map(({ tierReads }) => tierReads))),
    figure('calls of the database', median(rounds.map(({ databaseCalls }) => databaseCalls))),
    figure('all answered, ms', median(times), system === ALONE ? null : median(times) / base),
    figure('all answered: spread, ms', spread(times)),
  ]
}

function thrownFigures(system: string, rounds: readonly Thrown[]): Figures {
  if (rounds.length === 0) return []
  const figure = (metric: string, value: number) => ({
    system,
    metric: `it throws: ${metric}`,
    value,
    ratio: null,
  })
  const most = (of: (round: Thrown) => number) => Math.max(...rounds.map(of))
  return [
    figure(
      'loads',
      most(({ loads }) => loads),
    ),
    figure(
      'callers that got the error',
      most(({ failed }) => failed),
    ),
    figure(
      'callers that got no error, and no value',
      most(({ answered }) => answered),
    ),
    figure('all answered, ms', median(rounds.map(({ ms }) => ms))),
    figure(
      'next callers that got the value, of one',
      Math.min(...rounds.map(({ isNextRight }) => Number(isNextRight))),
    ),
    figure(
      'their loads',
      most(({ nextLoads }) => nextLoads),
    ),
  ]
}
