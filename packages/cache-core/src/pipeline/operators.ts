import type { Runtime } from '../ports.ts'
import type { Recipe } from '../source.ts'
import type { Check, PipelineMessage } from './message.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'

/** A message that asks for something and tells of nothing. */
export type Ask = Extract<PipelineMessage, { kind: 'replay' | 'warmAll' | 'warm' | 'check' }> & {
  copy: QueueMessage
}

/** How what is asked for is done. */
export interface OperatorDeps {
  /** Puts a dead letter back where it belongs. @returns in words what became of it */
  replay(id: string): Promise<string>
  /** Sends the jobs of a full warm-up. @returns how many */
  warmAll(): Promise<number>
  /** Sends jobs for what an operator names. @returns how many */
  warmRecipes(recipes: readonly Recipe[]): Promise<number>
  /** Compares what KV serves with D1. @returns for the report, what it found */
  check(check: Check): Promise<Record<string, unknown>>
  runtime: Runtime
  report: PipelineReport
}

/** Does what the messages of a batch ask for. Each by itself, so that none holds back another; one that fails comes again. */
export async function serveOperators(asks: readonly Ask[], deps: OperatorDeps): Promise<void> {
  const { report, runtime } = deps
  let hasWarmedAll = false
  for (const ask of asks) {
    try {
      // Asked for twice, done once.
      if (ask.kind !== 'warmAll' || !hasWarmedAll) report(await serve(ask, deps))
      hasWarmedAll ||= ask.kind === 'warmAll'
      ask.copy.ack()
    } catch (error) {
      report({ step: `${STEPS[ask.kind]} failed`, error: String(error) })
      ask.copy.retry({ delaySeconds: retryDelaySeconds(ask.copy.attempts, runtime.random()) })
    }
  }
}

const STEPS = { replay: 'replay', warmAll: 'full warm-up', warm: 'warm-up', check: 'check' } as const

async function serve(ask: Ask, deps: OperatorDeps): Promise<{ step: string; [what: string]: unknown }> {
  const step = STEPS[ask.kind]
  switch (ask.kind) {
    case 'replay':
      return { step, deadLetter: ask.message.replay, outcome: await deps.replay(ask.message.replay) }
    case 'warmAll':
      return { step, jobs: await deps.warmAll() }
    case 'warm':
      return { step, jobs: await deps.warmRecipes(ask.message.warm) }
    case 'check':
      return { step, ...(await deps.check(ask.message.check)) }
  }
}
