import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { HttpClient } from './http-client.ts'

let server: Server
let client: HttpClient
afterEach(() => {
  client.close()
  server.closeAllConnections()
  server.close()
})

/** A server that cuts the connection of the requests whose numbers are given, from 1. */
async function listen(cut: readonly number[]): Promise<string> {
  let count = 0
  server = createServer((incoming, outgoing) => {
    count++
    if (cut.includes(count)) incoming.socket.destroy()
    else outgoing.end(String(count))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  client = new HttpClient()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

it('sends a request again that met a connection on its way out', async () => {
  const url = await listen([2])
  expect((await client.send(url)).body).toBe('1')
  expect((await client.send(url)).body).toBe('3')
})

it('gives up on a server that keeps closing, and on a first connection that breaks', async () => {
  const url = await listen([1, 3, 4])
  await expect(client.send(url)).rejects.toThrow('socket hang up')
  expect((await client.send(url)).body).toBe('2')
  await expect(client.send(url)).rejects.toThrow()
})

it('says where nothing listens', async () => {
  const url = await listen([])
  server.close()
  await expect(client.send(url)).rejects.toThrow(`nothing listens at ${new URL(url).origin}`)
})

it('speaks TLS to an https address', async () => {
  const url = await listen([])
  // The server answers in plain text, which no TLS handshake takes for an answer.
  await expect(client.send(url.replace('http:', 'https:'))).rejects.toMatchObject({ code: 'EPROTO' })
})
