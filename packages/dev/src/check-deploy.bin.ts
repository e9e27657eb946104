// What `wrangler deploy` runs before it deploys (`build.command` in both wrangler.jsonc).
import { checkDeploy } from './check-deploy.ts'
import { runProgram } from './program.ts'

await runProgram(async ({ argv, signal }) => {
  await checkDeploy(argv[0], { signal })
  return 0
})
