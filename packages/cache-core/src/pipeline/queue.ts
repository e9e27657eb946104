/** A message of a queue batch (`Message`). The first `ack` or `retry` on it wins. */
export interface QueueMessage {
  readonly id: string
  /** Comes from outside: parse it. */
  readonly body: unknown
  /** Deliveries so far, from 1. */
  readonly attempts: number
  ack(): void
  retry(options?: { delaySeconds?: number }): void
}

/** What happened to what, for the log. */
export type PipelineReport = (record: { step: string } & Record<string, unknown>) => void

/** What travels on a queue. */
export type QueueKind = 'events' | 'warm high' | 'warm low' | 'stats' | 'dead letters'

/** A queue is what its name says: `cache-events`, `cache-warm-high-production`; what names nothing else has events in it. */
export function queueKind(name: string): QueueKind {
  if (name.includes('dead')) return 'dead letters'
  if (name.includes('stats')) return 'stats'
  if (name.includes('warm')) return name.includes('low') ? 'warm low' : 'warm high'
  return 'events'
}
