import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { WorkerScripts } from '../local/workers.ts'

const NAME = 'workers.json'

const Scripts = v.pipe(v.string(), v.parseJson(), v.object({ api: v.string(), consumer: v.string() }))

/** Keeps the bundled Workers in `directory`, so that every life of a stack runs the same code, and begins sooner. */
export async function writeScripts(directory: string, scripts: WorkerScripts): Promise<void> {
  await writeFile(join(directory, NAME), JSON.stringify(scripts))
}

/** The Workers that `writeScripts` has left there. */
export async function readScripts(directory: string): Promise<WorkerScripts> {
  return v.parse(Scripts, await readFile(join(directory, NAME), 'utf8'))
}
