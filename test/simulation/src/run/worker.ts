import { parentPort, workerData } from 'node:worker_threads'
import * as v from 'valibot'
import { applyMutant } from '../mutants/apply.ts'
import { mutants } from '../mutants/table.ts'

/** A thread that runs seeds; with a mutant, of the faulty code. Modules are loaded only after the fault is in place. */
const Data = v.object({ mutant: v.nullable(v.string()) })
const Job = v.object({
  id: v.number(),
  seed: v.number(),
  scenario: v.string(),
  design: v.nullable(v.string()),
})

const { mutant: name } = v.parse(Data, workerData)
if (name !== null) {
  const mutant = mutants.find((one) => one.name === name)
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`)
  applyMutant(mutant)
}

// A run notes what it leaves unhandled by itself; nothing of it ends the thread.
process.on('unhandledRejection', () => {})

const { runOne } = await import('./run-one.ts')
const { scenarioNamed } = await import('../workload/scenarios.ts')

parentPort?.on('message', async (message: unknown) => {
  const { id, seed, scenario, design } = v.parse(Job, message)
  try {
    const verdicts = await runOne(seed, scenarioNamed(scenario), { design, isFaulty: name !== null })
    parentPort?.postMessage({ id, verdicts: verdicts.plain() })
  } catch (error) {
    parentPort?.postMessage({
      id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
})
parentPort?.postMessage({ ready: true })
