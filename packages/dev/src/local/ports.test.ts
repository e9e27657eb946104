import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { claimPorts, HOST, PortBusyError } from './ports.ts'

let server: Server | undefined
afterEach(() => server?.close())

/** A port that is taken until the end of the test. */
function takenPort(): Promise<number> {
  return new Promise((resolve) => {
    const listening = createServer().listen(0, HOST, () => {
      const address = listening.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
    server = listening
  })
}

describe('claimPorts', () => {
  it('leaves the choice to the system for port 0', async () => {
    expect(await claimPorts(0, 3)).toEqual([0, 0, 0])
  })

  it('counts up from the first port', async () => {
    const port = await takenPort()
    server?.close()
    expect(await claimPorts(port, 1)).toEqual([port])
  })

  it('names the port that is in use, also when it is not the first', async () => {
    const port = await takenPort()
    await expect(claimPorts(port - 1, 2)).rejects.toThrow(PortBusyError)
    await expect(claimPorts(port, 1)).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`)
  })
})
