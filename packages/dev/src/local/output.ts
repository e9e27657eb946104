import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Where a Worker's line came from: `console.log` and the like, or `console.warn`, `console.error` and the runtime itself. */
type OutputKind = 'log' | 'error'

/** Hears what the Workers print, line by line. */
export type OnOutput = (line: string, kind: OutputKind) => void

/** Prints what the Workers print. */
export const printOutput: OnOutput = (line, kind) => console[kind](line)

/** Hands the lines of workerd's streams to `onOutput`; for Miniflare's `handleRuntimeStdio`. */
export function forwardOutput(onOutput: OnOutput): (stdout: Readable, stderr: Readable) => void {
  return (stdout, stderr) => {
    createInterface(stdout).on('line', (line) => onOutput(line, 'log'))
    createInterface(stderr).on('line', (line) => onOutput(line, 'error'))
  }
}
