// A process of its own: coverage, which tests run under, keeps V8 from optimising what is measured here.
import { type HeapProfiler, Session } from 'node:inspector/promises'
import { Isolate } from '../src/isolate.ts'
import { parseSettings } from '../src/settings.ts'
import { NamespaceStats } from '../src/stats.ts'
import { posts, World } from './world.ts'

const CALLS = 200_000

/** Bytes that V8 allocates for one call, whether or not they are collected at once. */
async function bytesPerCall(call: (i: number) => void): Promise<number> {
  for (let i = 0; i < CALLS; i++) call(i)
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 64,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  for (let i = 0; i < CALLS; i++) call(i)
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return sizeOf(profile.head) / CALLS
}

function sizeOf({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize)
}

const counts = new NamespaceStats()
const kept: unknown[] = []
const object = await bytesPerCall((i) => {
  kept[0] = { i }
})
const hit = await bytesPerCall((i) => counts.memoryHit(i % 2 === 0, i % 5_000))
// Verification counts down to its next sample. None of these is one.
const settings = parseSettings({ CACHE_VERIFY_SAMPLE: '0.0000001' })
const { verifier } = new Isolate({ configs: {}, settings })
const counted = { hits: 1, dueAt: 0 }
let samples = 0
const sample = await bytesPerCall(() => {
  counted.hits++
  if (verifier.takeDue(counted)) samples++
})

const world = new World()
const { isolate, cache } = world.isolate({ env: { CACHE_VERIFY_SAMPLE: '0.0000001' } })
const keys = await Promise.all(
  Array.from({ length: 100 }, async (_, i) => {
    const source = posts.at({ id: String(i) })
    world.plant(String(i), 'a post')
    // Twice: the first hit begins the count of the sample.
    for (let read = 0; read < 2; read++) await cache.read(source)
    return isolate.keyOf(source)
  }),
)
await world.settle()
const now = world.runtime.now()
let peeked = 0
const peek = await bytesPerCall((i) => {
  const key = keys[i % keys.length]
  if (key !== undefined && cache.peek(key, now) !== undefined) peeked++
})
console.log(JSON.stringify({ object, hit, hits: counts.memoryHits, sample, samples, peek, peeked }))
