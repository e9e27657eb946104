import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StackProcess } from './stack-process.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-process-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** A program of that source. */
async function program(source: string): Promise<StackProcess & { lines: string[] }> {
  const path = join(directory, 'program.mjs')
  await writeFile(path, source)
  const lines: string[] = []
  const made = new StackProcess({ program: path, args: [directory], onLine: (line) => lines.push(line) })
  return Object.assign(made, { lines })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('StackProcess', () => {
  it('starts a program, and kills it with what it has started', async () => {
    const stack = await program(`
      import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      const inner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
      writeFileSync(process.argv[2] + '/pid', String(inner.pid))
      console.log('a line')
      process.on('SIGTERM', () => {})
      process.send({ urls: ['http://one'] })
      setInterval(() => {}, 1000)`)
    expect(stack.isRunning).toBe(false)
    expect(await stack.start()).toEqual(['http://one'])
    expect(stack.isRunning).toBe(true)
    const inner = Number(await readFile(join(directory, 'pid'), 'utf8'))
    expect(isAlive(inner)).toBe(true)
    await stack.kill()
    expect(stack.isRunning).toBe(false)
    expect(stack.lines).toEqual(['a line'])
    // In a container whose first process buries nobody, the dead stay in the list.
    const status = await readFile(`/proc/${inner}/stat`, 'utf8').catch(() => '')
    expect(isAlive(inner) && !status.includes(') Z ')).toBe(false)
    await stack.kill()
  })

  it('says why a program ended before it was ready', async () => {
    const stack = await program(`console.error('no such port'); process.exitCode = 3`)
    await expect(stack.start()).rejects.toThrow('the stack ended by itself (3): no such port')
    await stack.kill()
  })

  it('does not take anything for addresses', async () => {
    const stack = await program(`process.send('hello'); setInterval(() => {}, 1000)`)
    await expect(stack.start()).rejects.toThrow('the stack said "hello"')
    await stack.kill()
  })
})
