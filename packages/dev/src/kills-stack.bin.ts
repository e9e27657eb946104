// The stack that `npm run kills` kills: runs over the directory that it is given, and tells its parent when it is ready.
import { readScripts } from './kills/scripts-file.ts'
import { checkHealth } from './local/health.ts'
import { startLocal } from './local/start-local.ts'
import { runProgram } from './program.ts'
import { aborted } from './stop-request.ts'

/** Often, so that kills meet runs of it. */
const CRON_SECONDS = 2

await runProgram(async ({ argv, signal }) => {
  const [stateDirectory = ''] = argv
  const stack = await startLocal({
    port: 0,
    apiWorkers: 2,
    stateDirectory,
    scripts: await readScripts(stateDirectory),
    cronSeconds: CRON_SECONDS,
    signal,
  })
  try {
    await checkHealth(stack.urls)
    process.send?.({ urls: stack.urls })
    await aborted(signal)
  } finally {
    await stack.stop()
  }
  return 0
})
