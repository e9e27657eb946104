import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type HealthFigures, judgeHealth } from './health.ts'

const IDLE: HealthFigures = {
  d1: 'answers',
  isKvOpen: false,
  fenceAgeMs: null,
  deadLetters: 0,
  oldestUnprocessedSeconds: 0,
  backlog: null,
  violations: 0,
}

function statusOf(name: string, figures: Partial<HealthFigures>) {
  const { status, checks } = judgeHealth({ ...IDLE, ...figures })
  return [checks.find((check) => check.name === name)?.status, status]
}

describe('health', () => {
  it('of an idle system is good', () => {
    const { status, checks } = judgeHealth(IDLE)
    expect(status).toBe('ok')
    expect(Object.fromEntries(checks.map((check) => [check.name, check.status]))).toEqual({
      d1: 'ok',
      kv: 'ok',
      fenceLag: 'idle',
      deadLetters: 'ok',
      oldestUnprocessed: 'ok',
      backlog: 'unknown',
      verification: 'ok',
    })
  })

  it.each([
    ['d1', { d1: 'breaker open' }, 'critical', 'critical'],
    ['d1', { d1: 'does not answer' }, 'critical', 'critical'],
    ['kv', { isKvOpen: true }, 'warning', 'warning'],
    ['fenceLag', { fenceAgeMs: 10_000 }, 'ok', 'ok'],
    ['fenceLag', { fenceAgeMs: 10_001 }, 'warning', 'warning'],
    ['fenceLag', { fenceAgeMs: 60_001 }, 'critical', 'critical'],
    ['deadLetters', { deadLetters: 1 }, 'warning', 'warning'],
    ['deadLetters', { deadLetters: null }, 'unknown', 'ok'],
    ['oldestUnprocessed', { oldestUnprocessedSeconds: 300 }, 'ok', 'ok'],
    ['oldestUnprocessed', { oldestUnprocessedSeconds: 301 }, 'warning', 'warning'],
    ['oldestUnprocessed', { oldestUnprocessedSeconds: 1_801 }, 'critical', 'critical'],
    ['backlog', { backlog: 1_000 }, 'ok', 'ok'],
    ['backlog', { backlog: 1_001 }, 'warning', 'warning'],
    ['verification', { violations: 1 }, 'critical', 'critical'],
    ['verification', { violations: 1, deadLetters: 1 }, 'critical', 'critical'],
  ] as const)('%s with %j', (name, figures, status, whole) => {
    expect(statusOf(name, figures)).toEqual([status, whole])
  })

  it.each([
    ['fenceLag', { fenceAgeMs: 310 }, 'the log’s news was last asked for 310 ms ago'],
    ['fenceLag', { fenceAgeMs: 12_400 }, 'the log’s news was last asked for 12 s ago'],
    ['deadLetters', { deadLetters: 0 }, 'there are none'],
    ['deadLetters', { deadLetters: 1 }, '1 message that no retry could help'],
    ['deadLetters', { deadLetters: 2 }, '2 messages that no retry could help'],
    ['backlog', { backlog: 1 }, '1 message waits in the queue'],
    ['backlog', { backlog: 0 }, '0 messages wait in the queue'],
    ['oldestUnprocessed', { oldestUnprocessedSeconds: 40 }, 'the oldest event has waited for 40 s'],
    ['verification', { violations: 0 }, 'no violation within 24 hours'],
    ['verification', { violations: 1 }, '1 value was served within 24 hours that should not have been'],
    ['verification', { violations: 3 }, '3 values were served within 24 hours that should not have been'],
  ] as const)('says of %s with %j: %s', (name, figures, says) => {
    const { checks } = judgeHealth({ ...IDLE, ...figures })
    expect(checks.find((check) => check.name === name)?.says).toBe(says)
  })

  it('leaves out what is not looked at', () => {
    const { fenceAgeMs: _none, ...consumers } = IDLE
    expect(judgeHealth(consumers).checks.map(({ name }) => name)).not.toContain('fenceLag')
  })

  it('says in words what it is, and where to read on', () => {
    const operations = readFileSync(new URL('../../../../docs/operations.md', import.meta.url), 'utf8')
    const headings = [...operations.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title?.toLowerCase().replaceAll(' ', '-'),
    )
    for (const { says, runbook } of judgeHealth(IDLE).checks) {
      expect(says).toMatch(/\w/)
      expect(runbook).toMatch(/^docs\/operations\.md#/)
      expect(headings).toContain(runbook.split('#')[1])
    }
  })
})
