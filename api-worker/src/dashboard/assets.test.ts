import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { bundleAssets } from '../../scripts/bundle-assets.ts'

it('the assets are what their sources make: pnpm run assets', async () => {
  const made = await bundleAssets()
  expect(Object.keys(made).sort()).toEqual(['dashboard.css.txt', 'dashboard.js.txt'])
  for (const [name, text] of Object.entries(made))
    expect(readFileSync(resolve(import.meta.dirname, 'assets', name), 'utf8'), name).toBe(text)
})

it('the assets ask nobody else for anything', async () => {
  for (const text of Object.values(await bundleAssets())) {
    expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
    expect(text).not.toMatch(/\beval\(|new Function\(/)
  }
})
