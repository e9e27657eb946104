// `npm run bench`
import { benches } from './benches/table.ts'
import { benchHelp, parseOptions } from './options.ts'
import { runBenches } from './run.ts'

if (process.argv.includes('--help')) {
  console.log(benchHelp(benches))
  process.exit(0)
}
try {
  await runBenches(parseOptions(process.argv.slice(2), benches), (line) => console.log(line))
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
