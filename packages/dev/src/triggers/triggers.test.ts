import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropTriggers, installTriggers, TRIGGER_TABLES } from '@freshet/cms/triggers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { unstable_splitSqlQuery } from 'wrangler'
import { UsageError } from '../arguments/usage-error.ts'
import { parseTriggersOptions, TRIGGERS_HELP, type TriggersOptions } from './triggers-options.ts'
import { writeTriggers } from './write-triggers.ts'

describe('parseTriggersOptions', () => {
  it('asks for all tables, to the output, unless told otherwise', () => {
    expect(parseTriggersOptions([], {})).toEqual({
      help: false,
      tables: TRIGGER_TABLES,
      drop: false,
      out: undefined,
    })
  })

  it('takes tables, and a file relative to where the user is', () => {
    const argv = ['--tables', 'content, users', '--drop', '--out', 'sub/x.sql', '--help']
    expect(parseTriggersOptions(argv, { FRESHET_CALLER_DIR: '/home/somebody' })).toEqual({
      help: true,
      tables: ['content', 'users'],
      drop: true,
      out: '/home/somebody/sub/x.sql',
    })
  })

  it.each([
    [
      ['--tables', 'content,posts'],
      '--tables names "posts", but there are: content, content_relationships, users',
    ],
    [['--tables', ''], '--tables names "", but there are: content'],
    [['--out', ''], '--out is "", but must be the name of a new file'],
    [
      ['--table', 'users'],
      "Unknown option '--table'. Known options: --tables VALUE, --drop, --out VALUE, --help",
    ],
    [['users'], "Unexpected argument 'users'"],
  ])('refuses %j', (argv, message) => {
    expect(() => parseTriggersOptions(argv, {})).toThrow(UsageError)
    expect(() => parseTriggersOptions(argv, {})).toThrow(message)
  })
})

describe('writeTriggers', () => {
  let directory: string
  let lines: string[]

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'freshet-triggers-'))
    lines = []
  })
  afterEach(() => rm(directory, { recursive: true }))

  const run = (options: Partial<TriggersOptions>) =>
    writeTriggers({ ...parseTriggersOptions([], {}), ...options }, (line) => lines.push(line))

  it('prints the SQL', async () => {
    expect(await run({})).toBe(0)
    expect(`${lines.join('\n')}\n`).toBe(installTriggers())
  })

  it('is what wrangler takes apart into one statement a line', () => {
    const lines = installTriggers()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('--'))
    const statements = unstable_splitSqlQuery(installTriggers())
    expect(statements.map((one) => `${one.slice(one.search(/^(DROP|CREATE)/m))};`)).toEqual(lines)
  })

  it('prints its help', async () => {
    expect(await run({ help: true })).toBe(0)
    expect(lines).toEqual([TRIGGERS_HELP])
    expect(TRIGGERS_HELP).toContain(TRIGGER_TABLES.join(','))
  })

  it('writes a new file, and says what it does', async () => {
    const out = join(directory, '0009_triggers.sql')
    expect(await run({ out, tables: ['users'] })).toBe(0)
    expect(await readFile(out, 'utf8')).toBe(installTriggers(['users']))
    expect(lines).toEqual([`Installs the triggers of users: ${out}`])
    const drop = join(directory, '0010_no_triggers.sql')
    await run({ out: drop, drop: true, tables: ['users'] })
    expect(await readFile(drop, 'utf8')).toBe(dropTriggers(['users']))
    expect(lines.at(-1)).toBe(`Removes the triggers of users: ${drop}`)
  })

  it('leaves a file alone that is there, and names one that cannot be', async () => {
    const out = join(directory, 'x.sql')
    await run({ out, tables: ['users'] })
    await expect(run({ out })).rejects.toThrow(`could not write ${out}, which must be a new file: EEXIST`)
    expect(await readFile(out, 'utf8')).toBe(installTriggers(['users']))
    await expect(run({ out: join(directory, 'no/x.sql') })).rejects.toThrow('ENOENT')
  })
})
