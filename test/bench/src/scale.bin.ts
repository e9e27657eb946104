// `npm run scale`
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runScale } from './scale/run.ts'

try {
  const { values } = parseArgs({
    options: { json: { type: 'string' } },
    strict: true,
    allowPositionals: false,
  })
  const sites = runScale((line) => console.log(line))
  if (values.json !== undefined) {
    const directory = process.env.FRESHET_CALLER_DIR ?? process.cwd()
    writeFileSync(resolve(directory, values.json), `${JSON.stringify({ sites }, null, 2)}\n`)
  }
} catch (error) {
  console.error(`scale: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
