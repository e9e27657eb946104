import { build } from 'esbuild'
import type { WorkerSource } from './worker-source.ts'

/** Bundles a Worker's entry module the way `wrangler deploy` does, into one ES module. Throws esbuild's own, readable error. */
export async function bundleWorker(source: Pick<WorkerSource, 'main' | 'keepNames'>): Promise<string> {
  const result = await build({
    entryPoints: [source.main],
    bundle: true,
    write: false,
    format: 'esm',
    // From here on as in wrangler's bundler (`bundleWorker` and its rules for module types).
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    loader: { '.js': 'jsx', '.mjs': 'jsx', '.cjs': 'jsx', '.txt': 'text', '.html': 'text', '.sql': 'text' },
    define: {
      'navigator.userAgent': '"Cloudflare-Workers"',
      'process.env.NODE_ENV': '"production"',
      'global.process.env.NODE_ENV': '"production"',
      'globalThis.process.env.NODE_ENV': '"production"',
    },
    keepNames: source.keepNames,
    // Inline, so that the stack traces of workerd name our own files.
    sourcemap: 'inline',
    logLevel: 'silent',
  })
  const [output] = result.outputFiles
  if (output === undefined) throw new Error(`esbuild made nothing of ${source.main}`)
  return output.text
}
