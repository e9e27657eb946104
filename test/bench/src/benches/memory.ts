import { setTimeout as sleep } from 'node:timers/promises'
import { seedBatches } from '@freshet/cms/seed'
import { type LocalStack, startLocal } from '@freshet/dev'
import autocannon from 'autocannon'
import * as v from 'valibot'
import type { Bench } from '../bench.ts'
import { Inspector } from '../http/inspector.ts'
import { mixedLoad } from '../http/mixed-load.ts'
import { type Minute, minuteForPeople, seriesOf } from '../http/series.ts'
import { workerdProcess } from '../http/workerd.ts'
import { seeded } from '../random.ts'

const POSTS = 5_000
const CONNECTIONS = 8
/** Far from what the Worker could do: what is asked for is time, not load. */
const PER_SECOND = 300
/** While isolates collect: enough to have each of them run, little enough to leave little behind. */
const COLLECTING_SECONDS = 5
const COLLECTING_PER_SECOND = 50
/** Of its own isolates the least of so many counts, since something may be under way at each of them. */
const COLLECTIONS = 3
const WARM_UP_SHARE = 0.3
const FLAT = 0.05
/** What the platform has for an isolate, MB. Without it V8 lets garbage lie up to gigabytes. */
const ISOLATE_MB = 128
const V8_FLAGS = 'MINIFLARE_WORKERD_V8_FLAGS'

/** Whether memory of workerd stands still under a mixed load. */
export const memory: Bench = {
  name: 'memory',
  about: `workerd's resident memory under ${PER_SECOND} requests a second, reads of all kinds and 1 % writes, for --minutes. V8's heaps are bounded at ${ISOLATE_MB} MB each, as on the platform; once a minute all isolates collect, since the simulators of KV, D1 and queues in the same process leave theirs to lie there, and what remains is told as well`,
  isLong: true,
  async run(write, { minutes }) {
    const flags = process.env[V8_FLAGS]
    process.env[V8_FLAGS] = `--max-heap-size=${ISOLATE_MB}`
    const stack = await startLocal({
      port: 0,
      inspectorPort: 0,
      cronSeconds: 60,
      seed: seedBatches({ posts: POSTS, users: 50, media: 100, localUsers: true, allPublished: true }),
      onOutput: (line, kind) => kind === 'error' && console.error(line),
    }).finally(() => {
      if (flags === undefined) delete process.env[V8_FLAGS]
      else process.env[V8_FLAGS] = flags
    })
    try {
      return await watch(stack, minutes, write)
    } finally {
      await stack.stop()
    }
  },
}

async function watch(stack: LocalStack, count: number, write: (line: string) => void) {
  const [url = ''] = stack.urls
  const load = mixedLoad(POSTS, await tokenOf(url), seeded(11))
  const process = workerdProcess()
  const isolates = await Inspector.all(await stack.miniflare.getInspectorURL())
  const minutes: Minute[] = []
  let answers = 0
  for (let minute = 1; minute <= count; minute++) {
    answers += await loadFor(60 - COLLECTING_SECONDS, PER_SECOND, url, load)
    const rss = process.rss()
    answers += await collectAll(
      stack,
      isolates,
      loadFor(COLLECTING_SECONDS, COLLECTING_PER_SECOND, url, load),
    )
    const measured = { rss, rssCollected: process.rss(), ...(await liveHeaps(stack, isolates)) }
    minutes.push(measured)
    write(`  minute ${minute}, MB: ${minuteForPeople(measured)}`)
  }
  for (const isolate of isolates) isolate.close()
  const series = seriesOf(minutes, WARM_UP_SHARE, FLAT)
  write(`  ${answers.toLocaleString('en-US')} answers; after the warm-up, MB a minute:`)
  for (const { metric, slope, isFlat } of series)
    write(`  ${metric}: ${isFlat ? 'flat' : 'NOT flat'}, ${slope.toFixed(2)}`)
  const figure = (metric: string, value: number) => ({ system: 'workerd', metric, value, ratio: null })
  return series.flatMap(({ metric, points, slope }) => [
    ...points.map(({ minute, value }) => figure(`${metric} after minute ${minute}, MB`, value)),
    figure(`${metric}: slope after warm-up, MB a minute`, slope),
  ])
}

/** Has all isolates that are in use collect. @param load which has them run. @returns how many answers it brought */
async function collectAll(
  stack: LocalStack,
  isolates: readonly Inspector[],
  load: Promise<number>,
): Promise<number> {
  const [answers] = await Promise.all([
    load,
    stack.runCron(),
    stack.sql([{ sql: 'SELECT 1', params: [] }]),
    ...isolates.map((isolate) => isolate.collect()),
  ])
  return answers
}

/** What our own two isolates hold once nothing is under way, bytes; null of one that could not be asked. */
async function liveHeaps(stack: LocalStack, isolates: readonly Inspector[]) {
  const of = async (worker: string, run: () => Promise<unknown>) => {
    const isolate = isolates.find(({ id }) => id === `core:user:${worker}`)
    if (isolate === undefined) throw new Error(`workerd has no isolate of ${worker}`)
    const sizes: number[] = []
    for (let i = 0; i < COLLECTIONS; i++) {
      const bytes = await collectWhile(isolate, run)
      if (bytes !== null) sizes.push(bytes)
    }
    return sizes.length === 0 ? null : Math.min(...sizes)
  }
  return {
    api: await of('freshet-api-1', async () => (await fetch(`${stack.urls[0]}/health`)).text()),
    consumer: await of('freshet-consumer', () => stack.runCron()),
  }
}

/** @param run what has the isolate run; again and again, since it may be over before the isolate hears what it is to do */
async function collectWhile(isolate: Inspector, run: () => Promise<unknown>): Promise<number | null> {
  let isDone = false
  const collected = isolate.collect().finally(() => {
    isDone = true
  })
  while (!isDone) {
    await run()
    await sleep(50)
  }
  return collected
}

/** @returns how many answers came. @throws Error where the server fails, as it does not when nobody knows an id */
async function loadFor(
  seconds: number,
  perSecond: number,
  url: string,
  load: ReturnType<typeof mixedLoad>,
): Promise<number> {
  const { errors, statusCodeStats, requests } = await autocannon({
    url,
    connections: CONNECTIONS,
    overallRate: perSecond,
    duration: seconds,
    requests: [{ setupRequest: (request) => ({ ...request, ...load.next().value }) }],
  })
  const failed = Object.keys(statusCodeStats ?? {}).filter((status) => !['200', '404'].includes(status))
  if (errors > 0 || failed.length > 0)
    throw new Error(`${errors} requests failed; statuses: ${failed.join(', ')}`)
  return requests.total
}

async function tokenOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'editor@example.com', password: 'freshet-dev' }),
  })
  return v.parse(v.object({ data: v.object({ token: v.string() }) }), await answer.json()).data.token
}
