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
