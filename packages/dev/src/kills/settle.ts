import * as v from 'valibot'
import type { LocalStack } from '../local/running-stack.ts'
import { type Patience, poll } from '../poll.ts'
import { logFacts } from './facts.ts'

/** Longer than the relay ever waits between two sends, and than a lease is held. */
const PAST_MS = 2 * 3_600_000
const AGE = `UPDATE invalidation_log SET created_at = created_at - ${PAST_MS}, sent_at = sent_at - ${PAST_MS}
WHERE processed_at IS NULL`
const AGE_LEASES = `UPDATE leases SET until = until - ${PAST_MS} RETURNING name`
const LeaseRow = v.object({ name: v.string() })

/** One minute past an hour: no warm batch is due. */
const CRON_TIME = new Date(60_000)

/** At most so many runs of the relay, which sends 500 rows each. */
const ROUNDS = 40
/** A batch is consumed within seconds; what is not by then, another run must send. */
const PATIENCE: Patience = { everyMs: 200, atMostMs: 8_000 }

/**
 * Runs the consumer's cron until no log row is unprocessed. Rows and leases are made older first, or their waits would have to
 * be sat out.
 * @returns what there was to do, and how many leases runs had left behind that died
 */
export async function settle(
  stack: Pick<LocalStack, 'sql' | 'runCron'>,
  signal: AbortSignal,
  patience = PATIENCE,
): Promise<{ unprocessed: number; leases: number; rounds: number }> {
  const unprocessed = async () => (await logFacts(stack)).unprocessed
  const atFirst = await unprocessed()
  let leases = 0
  let rounds = 0
  for (let left = atFirst; left > 0 && rounds < ROUNDS; left = await unprocessed()) {
    const [, aged] = await stack.sql([
      { sql: AGE, params: [] },
      { sql: AGE_LEASES, params: [] },
    ])
    leases += v.parse(v.array(LeaseRow), aged).length
    await stack.runCron(CRON_TIME)
    rounds += 1
    await poll(async () => (await unprocessed()) === 0, patience, signal)
  }
  return { unprocessed: atFirst, leases, rounds }
}
