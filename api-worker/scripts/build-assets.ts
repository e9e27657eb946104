import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { bundleAssets } from './bundle-assets.ts'

const directory = resolve(import.meta.dirname, '../src/dashboard/assets')
for (const [name, text] of Object.entries(await bundleAssets()))
  await writeFile(resolve(directory, name), text)
