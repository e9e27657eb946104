import { readFileSync } from 'node:fs'
import { seedBatches, seedPostId } from '@freshet/cms/seed'
import { type LocalStack, startLocal, wrappedWorker } from '@freshet/dev'
import * as v from 'valibot'

const POSTS = 200

/** Something in workerd that answers for posts. */
export interface ColdTarget {
  system: string
  origin: string
  /** The path of a post. */
  pathOf(id: string): string
}

/** An API Worker and peers, each behind a D1 that is slowed, broken and counted, in one workerd. */
export interface ColdStack {
  stack: LocalStack
  targets: readonly ColdTarget[]
  /** The id of a post that all may know. */
  warmPost: string
  /** The ids of posts that nobody has asked for, one after the other. @throws RangeError after the last one */
  nextPost(): string
}

/** The peers by their paths. Bentocache needs modules of Node that these Workers do without. */
const PEERS = {
  cachified: 'cachified over KV',
  sonic: '@sonicjs-cms/core',
  promises: 'Map of promises',
  layered: 'layered-loader',
}

type Peer = keyof typeof PEERS
const ALL: readonly Peer[] = ['cachified', 'sonic', 'promises', 'layered']

/** Starts it, with all peers or with some; `stack.stop()` ends it. */
export async function startColdStack(peers: readonly Peer[] = ALL): Promise<ColdStack> {
  const main = new URL('./peers-worker.js', import.meta.url).pathname
  const stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    consumer: false,
    // An isolate for each, so that each has a meter of its own.
    others: peers.map((path) => ({ name: `peers-${path}`, main })),
    configure: (options) => wrappedWorker(options, 'withMeter', METER),
    seed: seedBatches({ posts: POSTS, users: 10, media: 20, plugins: 4, allPublished: true }),
    // It reports each request that it gave up; the bench counts them.
    onOutput: () => {},
  })
  const targets = peers.map((path, i) => ({
    system: PEERS[path],
    origin: stack.otherUrls[i] ?? '',
    pathOf: (id: string) => `/${path}/item/${id}`,
  }))
  const freshet = {
    system: 'freshet',
    origin: stack.urls[0] ?? '',
    pathOf: (id: string) => `/api/content/${id}`,
  }
  let post = 1
  return {
    stack,
    targets: [...targets, freshet],
    warmPost: seedPostId(0),
    nextPost() {
      if (post >= POSTS) throw new RangeError(`there are ${POSTS} posts`)
      return seedPostId(post++)
    },
  }
}

const METER = readFileSync(new URL('./metered-worker.js', import.meta.url), 'utf8')

const Count = v.number()
const MeterSchema = v.looseObject({
  requests: Count,
  loads: Count,
  ended: Count,
  d1Calls: Count,
  kvReads: Count,
})

/** What a Worker has asked of its bindings since it was set. */
export type MeterFigures = v.InferOutput<typeof MeterSchema>

/** Has a Worker's D1 take so long, and its loads throw or not; its counts begin anew. */
export async function setMeter(
  { origin }: ColdTarget,
  to: { d1Ms: number; isBroken?: boolean },
): Promise<void> {
  const body = JSON.stringify({ isBroken: false, ...to })
  await readMeterOf(await fetch(`${origin}/__meter`, { method: 'POST', body }))
}

/** Reads them. */
export async function readMeter({ origin }: ColdTarget): Promise<MeterFigures> {
  return readMeterOf(await fetch(`${origin}/__meter`))
}

async function readMeterOf(answer: Response): Promise<MeterFigures> {
  return v.parse(MeterSchema, await answer.json())
}
