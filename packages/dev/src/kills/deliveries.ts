import * as v from 'valibot'

const EventsReport = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    step: v.literal('events'),
    received: v.number(),
    events: v.array(v.string()),
  }),
)

/** What the consumer reports of the events that it got, over all its lives. */
export class Deliveries {
  /** Messages that it has taken, copies among them. */
  received = 0
  /** How often each event was processed. */
  readonly #processed = new Map<string, number>()

  /** Takes a line that the Workers have printed, whatever it is. */
  hear(line: string): void {
    if (!line.includes('"events"')) return
    const parsed = v.safeParse(EventsReport, line)
    if (!parsed.success) return
    this.received += parsed.output.received
    for (const id of parsed.output.events) this.#processed.set(id, (this.#processed.get(id) ?? 0) + 1)
  }

  /** How many events it has reported as processed. */
  get processed(): number {
    return this.#processed.size
  }

  /** Events that were processed more than once. */
  get twice(): string[] {
    return [...this.#processed].filter(([, times]) => times > 1).map(([id]) => id)
  }
}
