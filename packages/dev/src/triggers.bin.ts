// `npm run triggers`
import { runProgram } from './program.ts'
import { parseTriggersOptions } from './triggers/triggers-options.ts'
import { writeTriggers } from './triggers/write-triggers.ts'

await runProgram(({ argv, env, write }) => writeTriggers(parseTriggersOptions(argv, env), write))
