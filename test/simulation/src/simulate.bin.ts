// `npm run simulate`
import { parseOptions } from './cli/options.ts'
import { simulate } from './cli/simulate.ts'

try {
  const isWell = await simulate(parseOptions(process.argv.slice(2)), (line) => console.log(line))
  process.exit(isWell ? 0 : 1)
} catch (error) {
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(2)
}
