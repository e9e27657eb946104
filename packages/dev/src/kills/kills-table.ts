import type { Source } from '../replay/cms-client.ts'

/** What `--json` writes. */
export interface KillsFigures {
  /** Writes that were answered. */
  events: number
  /** Writes that were not, and how many of those had been done all the same. */
  unanswered: number
  unansweredDone: number
  /** At random moments, while writes flowed. */
  kills: number
  restarts: number
  logRows: number
  /** Rows that nobody had processed when the last kill was over. */
  leftByKills: number
  /** Leases of cron runs that died with them. */
  leasesLeft: number
  /** Rows that the relay sent again, and how often it did. */
  relayed: number
  sends: number
  /** Event messages that the consumer reports, and the events among them that it processed then. */
  deliveries: number
  processed: number
  /** Deliveries whose event had been processed already: without effect. */
  duplicates: number
  posts: number
  /** Who answered the reads at the end. */
  reads: Record<Source, number>
  failures: readonly string[]
  seconds: number
}

/** The figures as a table for people. */
export function killsTable(figures: KillsFigures): string {
  const { reads } = figures
  const count = (value: number) => value.toLocaleString('en-US')
  const rows: [label: string, value: string][] = [
    ['events', `${count(figures.events)} writes to ${count(figures.posts)} posts, answered`],
    [
      'writes never answered',
      `${count(figures.unanswered)}, of which ${count(figures.unansweredDone)} were done`,
    ],
    [
      'kills',
      `${count(figures.kills)} at random moments, one at the end; ${count(figures.restarts)} restarts`,
    ],
    ['log rows', count(figures.logRows)],
    ['unprocessed after the end', count(figures.leftByKills)],
    ['cron leases left behind', count(figures.leasesLeft)],
    ['rows relayed', `${count(figures.relayed)}, in ${count(figures.sends)} sends`],
    [
      'deliveries',
      `${count(figures.deliveries)} reported, ${count(figures.duplicates)} of them duplicates without effect`,
    ],
    [
      'reads at the end',
      `${count(reads.memory)} from memory, ${count(reads.kv)} from KV, ${count(reads.database)} from the database`,
    ],
    ['failures', count(figures.failures.length)],
    ['time', `${figures.seconds.toFixed(1)} s`],
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n')
}
