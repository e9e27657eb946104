import { startLocal } from '../local/start-local.ts'
import { bundleWorkers } from '../local/workers.ts'
import { CmsClient, type Source } from '../replay/cms-client.ts'
import { HttpClient } from '../replay/http-client.ts'
import type { Progress } from '../replay/progress.ts'
import { seededRandom } from '../replay/random.ts'
import type { ReplaySubject } from '../replay/replay.ts'
import { inTemporaryDirectory } from '../temporary-directory.ts'
import { Deliveries } from './deliveries.ts'
import { type Facts, gatherFacts, versions } from './facts.ts'
import { flow } from './flow.ts'
import { killMoments } from './kill-moments.ts'
import type { KillsOptions } from './kills-options.ts'
import type { KillsFigures } from './kills-table.ts'
import { Lives } from './lives.ts'
import { writeScripts } from './scripts-file.ts'
import { settle } from './settle.ts'
import { StackProcess } from './stack-process.ts'
import { verdict } from './verdict.ts'
import { WriteLedger } from './write-ledger.ts'

/** Few enough that each is written often, and by several writers at a time. */
const POSTS = 200
/** About 40 writes a second, so that a stack lives long enough to do something with them. */
const WRITERS = 4
const REST_MS = 90

/** What `kills` is run with. */
export interface KillsContext {
  subject: Pick<ReplaySubject, 'seedPosts' | 'postId' | 'editor' | 'password'>
  /** Runs a stack over the directory that it is given as its only argument; see `StackProcess`. */
  program: string
  signal: AbortSignal
  write: (line: string) => void
  startProgress: (label: string, total: number) => Progress
}

/** Kills a stack of its own again and again while it is written to, and looks at what is left. */
export function kills(options: KillsOptions, context: KillsContext): Promise<KillsFigures> {
  const startedAt = performance.now()
  return inTemporaryDirectory('freshet-kills-', async (stateDirectory) => {
    const http = new HttpClient()
    try {
      const figures = await killAndLook(options, context, stateDirectory, http)
      return { ...figures, seconds: (performance.now() - startedAt) / 1_000 }
    } finally {
      http.close()
    }
  })
}

async function killAndLook(
  options: KillsOptions,
  context: KillsContext,
  stateDirectory: string,
  http: HttpClient,
): Promise<Omit<KillsFigures, 'seconds'>> {
  const { subject, write, signal } = context
  const random = seededRandom(options.seed)
  const moments = killMoments(options.kills, options.events, random)
  const posts = Array.from({ length: options.events }, () => subject.postId(Math.floor(random() * POSTS)))
  const deliveries = new Deliveries()
  const ledger = new WriteLedger()
  const scripts = await bundleWorkers()
  await writeScripts(stateDirectory, scripts)
  const start = () =>
    startLocal({
      port: 0,
      apiWorkers: 2,
      cronSeconds: 0,
      stateDirectory,
      scripts,
      seed: subject.seedPosts(POSTS),
      signal,
      onOutput: (line) => deliveries.hear(line),
    })

  write(`seeding ${POSTS} posts`)
  const seeded = await start()
  const before = await versions(seeded).finally(() => seeded.stop())

  const client = new CmsClient(http)
  const killed = await liveAndDie()

  write('starting once more, to have the relay bring back what is missing')
  const stack = await start()
  try {
    const settled = await settle(stack, signal)
    const facts = await gatherFacts(stack, client, [...ledger.newest.keys()], before, signal)
    return {
      events: ledger.answered,
      unanswered: ledger.unknown,
      unansweredDone: facts.posts.reduce((sum, { logged }) => sum + logged, 0) - ledger.answered,
      kills: killed,
      // Once more after the end, which is a kill as well.
      restarts: killed + 1,
      logRows: facts.log.rows,
      leftByKills: settled.unprocessed,
      leasesLeft: settled.leases,
      relayed: facts.log.relayed,
      sends: facts.log.sends,
      deliveries: deliveries.received,
      processed: deliveries.processed,
      duplicates: deliveries.received - deliveries.processed,
      posts: facts.posts.length,
      reads: sourcesOf(facts),
      failures: verdict(facts, ledger, deliveries),
    }
  } finally {
    await stack.stop()
  }

  /** @returns how often the stack was killed while it was written to */
  async function liveAndDie(): Promise<number> {
    const child = new StackProcess({
      program: context.program,
      args: [stateDirectory],
      onLine: (line) => deliveries.hear(line),
    })
    const progress = context.startProgress('writing', options.events)
    try {
      const lives = new Lives(child)
      const [url = ''] = await lives.up()
      await client.login(url, subject.editor, subject.password)
      await flow({
        posts,
        moments,
        lives,
        client,
        ledger,
        writers: WRITERS,
        restMs: REST_MS,
        signal,
        onDone: (done) => progress.update(done),
      })
      return lives.kills
    } finally {
      progress.end()
      // With what its queues hold.
      await child.kill()
    }
  }
}

function sourcesOf({ reads }: Facts): Record<Source, number> {
  const of = (source: Source) => reads.filter((read) => read.source === source).length
  return { memory: of('memory'), kv: of('kv'), database: of('database') }
}
