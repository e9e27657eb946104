import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeScreenshots } from './screenshots.ts'

const directory = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'freshet-screenshots-')))
await takeScreenshots(directory, (line) => console.log(line))
