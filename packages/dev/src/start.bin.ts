// `npm start`
import { runProgram } from './program.ts'
import { start } from './start/start.ts'
import { parseStartOptions } from './start/start-options.ts'
import { startSubject } from './subject.ts'

await runProgram(async (context) => {
  await start(parseStartOptions(context.argv, context.env), { ...context, subject: startSubject })
  return 0
})
