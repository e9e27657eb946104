import type { Database } from '../ports.ts'

const CLAIM = `INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE until <= ?4
RETURNING holder`
const RELEASE = 'DELETE FROM leases WHERE name = ?1 AND holder = ?2'

/**
 * Claims work that must not run twice at a time.
 * @param holder unique to the claimant
 * @param ms after which the claim ends by itself: a claimant that died must not hold it for ever
 * @returns whether it is the claimant's now
 */
export async function claim(
  db: Database,
  lease: { name: string; holder: string; ms: number },
  now: number,
): Promise<boolean> {
  const { name, holder, ms } = lease
  const [result] = await db.batch([db.prepare(CLAIM).bind(name, holder, now + ms, now)])
  return (result?.results.length ?? 0) > 0
}

/** Gives a claim back; one that has ended, and is another's by now, stays. */
export async function release(db: Database, lease: { name: string; holder: string }): Promise<void> {
  await db.batch([db.prepare(RELEASE).bind(lease.name, lease.holder)])
}
