// `npm run scale`
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runScale } from './scale/run.ts'

const HELP = `npm run scale -- [OPTIONS]: counts what sites of growing size ask of the platform, in about fifteen minutes.

  --json FILE    the counts as JSON: {sites: [{name, scale, bill}]}
  --help         this page`

try {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, help: { type: 'boolean' } },
    strict: true,
    allowPositionals: false,
  })
  if (values.help) {
    console.log(HELP)
    process.exit(0)
  }
  const sites = runScale((line) => console.log(line))
  if (values.json !== undefined) {
    const directory = process.env.FRESHET_CALLER_DIR ?? process.cwd()
    writeFileSync(resolve(directory, values.json), `${JSON.stringify({ sites }, null, 2)}\n`)
  }
} catch (error) {
  console.error(`scale: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
