import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeScreenshots } from './screenshots.ts'

// pnpm run screenshots [DIRECTORY] [MINUTES OF TRAFFIC]
const directory = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'freshet-screenshots-')))
const minutes = Number(process.argv[3] ?? 2)
if (!(minutes > 0)) throw new Error(`minutes of traffic must be a number above 0, not ${process.argv[3]}`)
await takeScreenshots(directory, minutes, (line) => console.log(line))
