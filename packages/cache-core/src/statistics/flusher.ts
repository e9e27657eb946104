import type { Isolate } from '../isolate.ts'
import type { RecipeReads } from '../pipeline/popularity.ts'
import type { MessageQueue, WaitUntil } from '../ports.ts'
import type { NamespaceCounts } from '../stats.ts'
import { statsMessage } from './message.ts'
import { sampleReads } from './sample.ts'
import { difference, FLEET, type Sums, sumsOf } from './sums.ts'

/** An isolate tells of itself at most this often, and at least this often while it is asked anything. */
const LEAST_MS = 10_000
const MOST_MS = 60_000
/** Between two looks at what there is to tell: adding it all up at each answer would cost more than the answer. */
const LOOK_MS = 1_000
/**
 * A row written costs as much as two reads of KV: there is one for so many reads at most. What is read less is told of by
 * chance, and over a day's reads the order of the popular ones comes out all the same.
 */
const READS_A_ROW = 20
/** Recipes in one message, and their bytes: up to 64 KB a message costs three operations, and the counts need most of it. */
const MOST_RECIPES = 200
const MOST_BYTES = 16_000

/**
 * When to flush next: the more is read, the less often, since what a flush costs is the same and what it says is more.
 * @param readsPerSecond since the last flush
 * @returns ms after the last flush
 */
export function flushIntervalMs(readsPerSecond: number): number {
  return Math.min(MOST_MS, LEAST_MS * (1 + readsPerSecond / 20))
}

/** Sends what an isolate has counted to `cache-stats`, behind its answers. An isolate that dies takes along what it counted since. */
export class StatsFlusher {
  readonly #isolate: Isolate
  #flushedAt: number
  #lookAt: number
  #reads: number
  #last: Record<string, Sums>

  constructor(isolate: Isolate) {
    this.#isolate = isolate
    this.#flushedAt = isolate.runtime.now()
    this.#lookAt = this.#flushedAt + LEAST_MS
    this.#reads = readsOf(isolate.stats.total())
    this.#last = sumsOf(isolate.stats)
  }

  /** To be called behind an answer: sends when it is time. */
  after(queue: MessageQueue, waitUntil: WaitUntil, now: number = this.#isolate.runtime.now()): void {
    if (now < this.#lookAt) return
    this.#lookAt = now + LOOK_MS
    const sinceMs = now - this.#flushedAt
    const reads = readsOf(this.#isolate.stats.total())
    const since = reads - this.#reads
    if (sinceMs < flushIntervalMs((since * 1000) / sinceMs)) return
    this.#flushedAt = now
    this.#lookAt = now + LEAST_MS
    // What was counted without any read, such as a write's queries, is told with the next one.
    if (since === 0) return
    this.#reads = reads
    // A message that is lost is a gap in a chart: nothing waits for it.
    waitUntil(Promise.resolve(queue.send(this.#take(now, sinceMs))).catch(() => {}))
  }

  #take(now: number, sinceMs: number) {
    const sums = sumsOf(this.#isolate.stats)
    const namespaces: Record<string, Sums> = {}
    for (const [namespace, own] of Object.entries(sums)) {
      const changed = difference(own, this.#last[namespace] ?? {})
      if (Object.keys(changed).length > 0) namespaces[namespace] = changed
    }
    this.#last = sums
    // An isolate that slept was not there meanwhile.
    const told = { coveredMs: Math.min(sinceMs, MOST_MS), messages: 1 }
    namespaces[FLEET] = { ...namespaces[FLEET], ...told }
    return statsMessage({ at: now, reads: this.#popular(), namespaces })
  }

  /** Nobody's private data is told of: its recipes name users, and it is never warmed. */
  #popular(): RecipeReads[] {
    const { memory, stats, runtime } = this.#isolate
    const open = memory
      .takeReads()
      .filter(({ namespace }) => this.#isolate.policy(namespace).visibility !== 'private')
    const popular: RecipeReads[] = []
    let bytes = 0
    for (const { recipe, namespace, reads } of sampleReads(
      open,
      { least: READS_A_ROW, most: MOST_RECIPES },
      runtime.random,
    )) {
      const { loads, loadMs } = stats.of(namespace)
      const one = { recipe, reads, costMs: loads === 0 ? 0 : loadMs / loads }
      bytes += JSON.stringify(one).length
      if (bytes > MOST_BYTES) break
      popular.push(one)
    }
    return popular
  }
}

function readsOf(counts: NamespaceCounts): number {
  return counts.memoryHits + counts.kvHits + counts.misses + counts.stale + counts.bypasses
}
