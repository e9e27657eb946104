import { Presets, SingleBar } from 'cli-progress'

/** Shows how far something is. */
export interface Progress {
  update(done: number): void
  end(): void
}

/** Where progress is shown. */
export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean }

/** A bar on a terminal; elsewhere, where a bar would fill the log, a line for each tenth. */
export function startProgress(label: string, total: number, stream: ProgressStream): Progress {
  return stream.isTTY ? bar(label, total, stream) : lines(label, total, stream)
}

function bar(label: string, total: number, stream: ProgressStream): Progress {
  const single = new SingleBar(
    {
      format: `${label} {bar} {percentage} % of {total} | {duration_formatted}, {eta_formatted} to go`,
      stream,
    },
    Presets.shades_classic,
  )
  single.start(total, 0)
  return { update: (done) => single.update(done), end: () => single.stop() }
}

function lines(label: string, total: number, stream: ProgressStream): Progress {
  let shown = 0
  return {
    update(done) {
      const tenths = Math.floor((done * 10) / total)
      if (tenths > shown) stream.write(`${label} ${tenths * 10} % of ${total}\n`)
      shown = tenths
    },
    end() {},
  }
}
