import type { Isolate } from '../isolate.ts'
import type { Database } from '../ports.ts'
import type { ReadDecision } from './decision.ts'
import { eventsAt } from './logged-events.ts'

/** Bytes of a header, with some room for its name. */
const MAX_HEADER = 4_000
/** Reads of one request that are told of. */
const MAX_READS = 10
/** What is cut of a name in a header. */
const MAX_NAME = 200

/**
 * What was decided for a request's reads, as one line of JSON under 4 KB, for a header.
 * @param decisions in the order of the reads
 */
export async function explainReads(
  isolate: Isolate,
  db: Database,
  decisions: readonly ReadDecision[],
): Promise<string> {
  const shown = decisions.slice(0, MAX_READS)
  const newest = shown.map(({ tiers }) => newestOf(tiers))
  const events = await eventsAt(
    db,
    isolate.runtime,
    newest.filter((one) => one !== null),
  )
  const reads = shown.map((decision, place) => {
    const { key, outcome, source, maxStalenessMs, minSeq, why, tiers, stamp, upTo, epoch } = decision
    const one = newest[place] ?? null
    const match = one === null ? null : isolate.fence.newestMatch(one.name)
    const event = one === null ? undefined : events.get(one.seq)
    return {
      key: cut(key),
      outcome,
      source,
      tookMs: decision.answeredAt - decision.startedAt,
      timing: decision.timing,
      maxStalenessMs,
      minSeq,
      why,
      stamp,
      upTo,
      epoch,
      remainingMs: decision.expiresAt === null ? null : decision.expiresAt - decision.answeredAt,
      generation: decision.generation,
      fence: { head: decision.fence.head, floor: decision.fence.floor, ageMs: decision.fence.ageMs },
      tiers: tiers.map(({ tier, verdict: said, held }) => ({
        tier,
        verdict: said,
        ...(held !== null && {
          stamp: held.stamp,
          epoch: held.epoch,
          ageMs: decision.answeredAt - held.loadedAt,
          remainingMs: held.expiresAt - decision.answeredAt,
        }),
      })),
      newest: one && {
        name: cut(one.name),
        is: one.name === key ? 'key' : 'tag',
        // Folded, or a newer one has come since: then the pattern of that time is not known any more.
        pattern: match?.seq === one.seq && match.pattern !== null ? cut(match.pattern) : null,
        seq: one.seq,
        event: event === undefined ? null : { ...event, id: cut(event.id) },
      },
    }
  })
  for (let count = reads.length; ; count--) {
    const line = ascii(JSON.stringify({ reads: reads.slice(0, count), more: decisions.length - count }))
    if (line.length <= MAX_HEADER || count === 0) return line
  }
}

/** Of all that the tiers held, what was invalidated last. */
function newestOf(tiers: ReadDecision['tiers']): { name: string; seq: number } | null {
  let newest: { name: string; seq: number } | null = null
  for (const said of tiers)
    if (said.newest !== null && said.newest.seq > (newest?.seq ?? 0)) newest = said.newest
  return newest
}

function cut(text: string): string {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME)}…` : text
}

/** A header holds no other characters; JSON can say them all. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
