import type { Deliveries } from './deliveries.ts'
import type { Facts } from './facts.ts'
import type { WriteLedger } from './write-ledger.ts'

/** Holds what is there in the end against what the writers were told. @returns in words, what is wrong; nothing: all is well */
export function verdict(
  facts: Facts,
  ledger: Pick<WriteLedger, 'answered' | 'unknown' | 'newest' | 'repeated' | 'refusals'>,
  deliveries: Pick<Deliveries, 'twice'>,
): string[] {
  const { log, posts, reads } = facts
  const failures: string[] = [
    ...ledger.refusals.map((message) => `a write was refused: ${message}`),
    ...ledger.repeated.map((name) => `two writes made ${name}`),
    ...deliveries.twice.map((id) => `event ${id} was processed twice`),
  ]
  const check = (isRight: boolean, failure: string) => {
    if (!isRight) failures.push(failure)
  }
  check(log.unprocessed === 0, `${log.unprocessed} log rows were never processed`)
  check(log.distinct === log.rows, `${log.rows} log rows have ${log.distinct} event ids`)
  check(facts.deadLetters === 0, `there are ${facts.deadLetters} dead letters`)
  const written = posts.reduce((sum, post) => sum + post.logged, 0)
  check(
    written >= ledger.answered && written <= ledger.answered + ledger.unknown,
    `${ledger.answered} writes were answered and ${ledger.unknown} were not, but the log has ${written}`,
  )
  const byId = new Map(posts.map((post) => [post.id, post]))
  for (const [id, answered] of ledger.newest) {
    const post = byId.get(id)
    check(post !== undefined && post.version >= answered, `${id} should have version ${answered} at least`)
  }
  for (const { id, before, version, logged } of posts) {
    check(
      version - before === logged,
      `${id} went from version ${before} to ${version} with ${logged} log rows`,
    )
  }
  for (const { id, version, source, url } of reads) {
    const actual = byId.get(id)?.version
    check(version === actual, `${id} read from ${url} (${source}) has version ${version}, not ${actual}`)
  }
  check(
    reads.length === 0 || reads.some(({ source }) => source === 'kv'),
    'no read was answered by KV: nothing was compared with it',
  )
  return failures
}
