import { messageOf } from '../plain-error.ts'
import type { ReadAnswer, Source } from './cms-client.ts'

/** A read that was older than the bound allows. */
export interface StaleRead {
  id: string
  url: string
  version: number
  /** The oldest version that would have been right. */
  allowed: number
  source: Source
}

/** How many of the bad events are kept word for word; all are counted. */
const KEPT_EXAMPLES = 10

/** What a replay saw, as it goes. */
export class Measurements {
  /** Milliseconds of each answered read, by who answered it. */
  readonly latencies: Record<Source, number[]> = { memory: [], kv: [], database: [] }
  writes = 0
  labelledStale = 0
  staleReads = 0
  errors = 0
  readonly staleExamples: StaleRead[] = []
  readonly errorExamples: string[] = []

  /** A read was answered; `allowed` is the oldest version that the bound allows it. */
  read(id: string, url: string, answer: ReadAnswer, allowed: number, milliseconds: number): void {
    this.latencies[answer.source].push(milliseconds)
    if (answer.labelledStale) {
      this.labelledStale += 1
    } else if (answer.version < allowed) {
      this.staleReads += 1
      keep(this.staleExamples, { id, url, version: answer.version, allowed, source: answer.source })
    }
  }

  /** A request failed. */
  failed(error: unknown): void {
    this.errors += 1
    keep(this.errorExamples, messageOf(error))
  }

  /** How many reads were answered. */
  get reads(): number {
    const { memory, kv, database } = this.latencies
    return memory.length + kv.length + database.length
  }
}

function keep<T>(examples: T[], example: T): void {
  if (examples.length < KEPT_EXAMPLES) examples.push(example)
}
