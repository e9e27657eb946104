// `npm run replay`
import { runProgram } from './program.ts'
import { startProgress } from './replay/progress.ts'
import { parseReplayOptions } from './replay/replay-options.ts'
import { runReplay } from './replay/run-replay.ts'
import { replaySubject } from './subject.ts'

await runProgram((context) =>
  runReplay(parseReplayOptions(context.argv, context.env), {
    ...context,
    subject: replaySubject,
    startProgress: (label, total) => startProgress(label, total, process.stderr),
  }),
)
