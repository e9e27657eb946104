// `npm run simulate`
import { parseOptions, SIMULATE_HELP } from './cli/options.ts'
import { simulate } from './cli/simulate.ts'

if (process.argv.includes('--help')) {
  console.log(SIMULATE_HELP)
  process.exit(0)
}
try {
  const isWell = await simulate(parseOptions(process.argv.slice(2)), (line) => console.log(line))
  process.exit(isWell ? 0 : 1)
} catch (error) {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
