import { seedBatches } from '@freshet/cms/seed'
import { type LocalStack, startLocal } from '@freshet/dev'
import autocannon from 'autocannon'
import * as v from 'valibot'
import type { Bench } from '../bench.ts'
import { mixedLoad } from '../http/mixed-load.ts'
import { isFlat, type Point, slopeOf } from '../http/slope.ts'
import { workerdProcess } from '../http/workerd.ts'
import { seeded } from '../random.ts'

const POSTS = 5_000
const CONNECTIONS = 8
/** Far from what the Worker could do: what is asked for is time, not load. */
const PER_SECOND = 300
/** Not counted: caches fill, and V8 makes up its mind. */
const WARM_UP_SHARE = 0.3
/** Growth over the time that is counted, of the mean, which is called flat. */
const FLAT = 0.05
const MB = 1_000_000

/** Whether memory of workerd stands still under a mixed load. */
export const memory: Bench = {
  name: 'memory',
  about: `workerd's resident memory under ${PER_SECOND} requests a second, reads of all kinds and 1 % writes, for --minutes`,
  isLong: true,
  async run(write, { minutes }) {
    const stack = await startLocal({
      port: 0,
      cronSeconds: 60,
      seed: seedBatches({ posts: POSTS, users: 50, media: 100, localUsers: true, allPublished: true }),
      onOutput: (line, kind) => kind === 'error' && console.error(line),
    })
    try {
      return await watch(stack, minutes, write)
    } finally {
      await stack.stop()
    }
  },
}

async function watch(stack: LocalStack, minutes: number, write: (line: string) => void) {
  const [url = ''] = stack.urls
  const load = mixedLoad(POSTS, await tokenOf(url), seeded(11))
  const process = workerdProcess()
  const points: Point[] = []
  let answers = 0
  for (let minute = 1; minute <= minutes; minute++) {
    answers += await loadFor(60, url, load)
    points.push({ minute, value: process.rss() / MB })
    write(`  minute ${minute}: ${(points.at(-1)?.value ?? 0).toFixed(1)} MB`)
  }
  const counted = points.filter(({ minute }) => minute > minutes * WARM_UP_SHARE)
  const slope = slopeOf(counted)
  write(
    `  ${isFlat(counted, FLAT) ? 'flat' : 'NOT flat'} over the last ${counted.length} minutes: ${slope.toFixed(2)} MB a minute; ${answers.toLocaleString('en-US')} answers`,
  )
  const figure = (metric: string, value: number) => ({ system: 'workerd', metric, value, ratio: null })
  return [
    ...points.map(({ minute, value }) => figure(`RSS after minute ${minute}, MB`, value)),
    figure('slope after warm-up, MB a minute', slope),
  ]
}

/** @returns how many answers came. @throws Error where the server fails, as it does not when nobody knows an id */
async function loadFor(seconds: number, url: string, load: ReturnType<typeof mixedLoad>): Promise<number> {
  const { errors, statusCodeStats, requests } = await autocannon({
    url,
    connections: CONNECTIONS,
    overallRate: PER_SECOND,
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
