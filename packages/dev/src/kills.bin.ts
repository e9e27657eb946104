// `npm run kills`
import { fileURLToPath } from 'node:url'
import { parseKillsOptions } from './kills/kills-options.ts'
import { runKills } from './kills/run-kills.ts'
import { runProgram } from './program.ts'
import { startProgress } from './replay/progress.ts'
import { replaySubject } from './subject.ts'

await runProgram((context) =>
  runKills(parseKillsOptions(context.argv, context.env), {
    ...context,
    subject: replaySubject,
    program: fileURLToPath(new URL('./kills-stack.bin.ts', import.meta.url)),
    startProgress: (label, total) => startProgress(label, total, process.stderr),
  }),
)
