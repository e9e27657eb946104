import { resolve } from 'node:path'
import { build } from 'esbuild'

const CLIENT = resolve(import.meta.dirname, '../src/dashboard/client')

/**
 * Bundles what the dashboard's pages load. The results are kept in the repository as text modules, which every bundler of a
 * Worker takes without a step before it; a test holds them against their sources.
 */
export async function bundleAssets(): Promise<Record<string, string>> {
  const result = await build({
    entryPoints: [resolve(CLIENT, 'dashboard.ts'), resolve(CLIENT, 'dashboard.css')],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: ['chrome120', 'firefox121', 'safari17'],
    legalComments: 'none',
    outdir: CLIENT,
    logLevel: 'silent',
  })
  return Object.fromEntries(
    result.outputFiles.map(({ path, text }) => [`${path.slice(CLIENT.length + 1)}.txt`, text]),
  )
}
