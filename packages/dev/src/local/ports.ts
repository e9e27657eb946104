import { createServer } from 'node:net'
import { PlainError } from '../plain-error.ts'

/** Local runs are for this machine only. */
export const HOST = '127.0.0.1'

/** A port that something else listens on. */
export class PortBusyError extends PlainError {
  override name = 'PortBusyError'
  constructor(port: number) {
    super(
      `port ${port} of ${HOST} is in use: stop what listens there, or set PORT to another one (PORT=9000 npm start)`,
    )
  }
}

/** `count` ports from `first` on, once they are known to be free; `first` 0 leaves the choice to the system. */
export async function claimPorts(first: number, count: number): Promise<number[]> {
  if (first === 0) return Array.from({ length: count }, () => 0)
  const ports = Array.from({ length: count }, (_, index) => first + index)
  for (const port of ports) {
    if (!(await isFree(port))) throw new PortBusyError(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, HOST, () => probe.close(() => resolve(true)))
  })
}
