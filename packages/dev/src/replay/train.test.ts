import { describe, expect, it } from 'vitest'
import { finishTraining, type LessonOptions } from './train.ts'

/** A pipeline that counts the nudge after 20 ms, and does the jobs of a batch one by one. */
function pipeline(changes: { isDeaf?: boolean; jobs?: number; dropped?: number } = {}) {
  const { isDeaf = false, jobs = 3, dropped = 0 } = changes
  const lines: string[] = []
  let updatedAt = 5
  let sent = 7
  let left = 0
  let done = 100
  const options: LessonOptions = {
    stack: {
      sql: async ([statement]) => {
        if (statement?.sql.includes('popularity')) return [[{ recipes: 9, updatedAt }]]
        if (left > dropped) {
          left -= 1
          done += 1
        }
        return [[{ jobs: done }]]
      },
      runCron: async (at) => {
        expect(at).toEqual(new Date(0))
        sent += jobs
        left = jobs
      },
    },
    nudge: async () => void (isDeaf || setTimeout(() => (updatedAt = 6), 20)),
    warmAt: new Date(0),
    jobsSent: () => sent,
    patiences: {
      flushMs: 1,
      counts: { everyMs: 5, atMostMs: 200 },
      quietMs: 10,
      jobs: { everyMs: 1, atMostMs: 100 },
    },
    write: (line) => lines.push(line),
    signal: new AbortController().signal,
  }
  return { options, lines }
}

describe('finishTraining', () => {
  it('waits for the counts, then for the jobs', async () => {
    const { options, lines } = pipeline()
    expect(await finishTraining(options)).toEqual({ popular: 9, warmJobs: { sent: 3, done: 3 } })
    expect(lines.at(-1)).toBe('3 of 3 warm jobs are done')
    expect(lines.join('\n')).not.toContain('no counts')
  })

  it('says when no counts have come, and goes on', async () => {
    const { options, lines } = pipeline({ isDeaf: true })
    expect((await finishTraining(options)).warmJobs).toEqual({ sent: 3, done: 3 })
    expect(lines.join('\n')).toContain('no counts have come')
  })

  it('says when jobs were not done in time', async () => {
    const { options, lines } = pipeline({ dropped: 1 })
    expect((await finishTraining(options)).warmJobs).toEqual({ sent: 3, done: 2 })
    expect(lines.at(-1)).toBe('2 of 3 warm jobs are done, and the others not in time')
  })

  it('runs no batch where none is wanted', async () => {
    const { options } = pipeline()
    expect((await finishTraining({ ...options, warmAt: null })).warmJobs).toBeNull()
  })
})
