import { describe, expect, it } from 'vitest'
import { Lives } from './lives.ts'

/** A stack that starts at once, at a new address each time. */
function fakeProcess() {
  const events: string[] = []
  let starts = 0
  return {
    events,
    isRunning: false,
    async start() {
      this.isRunning = true
      starts += 1
      events.push(`start ${starts}`)
      return [`url ${starts}`]
    },
    async kill() {
      this.isRunning = false
      events.push('kill')
    },
  }
}

describe('Lives', () => {
  it('answers the addresses of the life that goes on', async () => {
    const process = fakeProcess()
    const lives = new Lives(process)
    expect(await lives.up()).toEqual(['url 1'])
    const killed = lives.killed()
    expect(await lives.up()).toEqual(['url 2'])
    await killed
    expect(process.events).toEqual(['start 1', 'kill', 'start 2'])
    expect(lives.kills).toBe(1)
  })

  it('dies one death after the other', async () => {
    const process = fakeProcess()
    const lives = new Lives(process)
    await Promise.all([lives.killed(), lives.killed()])
    expect(process.events).toEqual(['start 1', 'kill', 'start 2', 'kill', 'start 3'])
  })

  it('says when a life ended by itself', async () => {
    const process = fakeProcess()
    const lives = new Lives(process)
    await lives.up()
    process.isRunning = false
    await expect(lives.up()).rejects.toThrow('the stack ended by itself')
  })

  it('says why a life did not begin', async () => {
    const process = { ...fakeProcess(), start: () => Promise.reject(new Error('no port')) }
    await expect(new Lives(process).up()).rejects.toThrow('no port')
  })
})
