import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bundleWorker } from './bundle.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-bundle-'))
})
afterEach(() => rm(directory, { recursive: true }))

it('bundles TypeScript and text, and leaves the runtime its own modules', async () => {
  await writeFile(join(directory, 'page.html'), '<h1>hi</h1>')
  await writeFile(join(directory, 'other.ts'), 'export const answer: number = 42')
  const main = join(directory, 'index.ts')
  await writeFile(
    main,
    `import { DurableObject } from 'cloudflare:workers'
     import { AsyncLocalStorage } from 'node:async_hooks'
     import { answer } from './other.ts'
     import page from './page.html'
     export default { answer, page, AsyncLocalStorage, DurableObject }`,
  )
  const script = await bundleWorker({ main, keepNames: true })
  expect(script).toContain('<h1>hi</h1>')
  expect(script).toContain('answer = 42')
  expect(script).toContain('from "cloudflare:workers"')
  expect(script).toContain('from "node:async_hooks"')
  expect(script).not.toContain('./other.ts"')
})

it('fails with the place of the error', async () => {
  const main = join(directory, 'index.ts')
  await writeFile(main, `import './missing.ts'`)
  await expect(bundleWorker({ main, keepNames: true })).rejects.toThrow('Could not resolve "./missing.ts"')
})
