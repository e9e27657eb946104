import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CmsClient, UnexpectedAnswerError } from './cms-client.ts'
import { HttpClient } from './http-client.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

let server: Server
let url: string
let handler: Handler
let http: HttpClient
let client: CmsClient

beforeEach(async () => {
  server = createServer(async (request, response) => handler(request, response, await text(request)))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  http = new HttpClient()
  client = new CmsClient(http)
})
afterEach(() => {
  http.close()
  server.close()
})

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(200, headers).end(JSON.stringify(value))

describe('CmsClient', () => {
  it('reads a version and who answered it', async () => {
    handler = (request, response) => {
      expect(request.url).toBe('/api/content/a%2Fb')
      json(
        response,
        { data: { version: 3, title: 'é' } },
        { 'x-cache-source': 'kv', 'x-cache-status': 'HIT' },
      )
    }
    expect(await client.read(url, 'a/b')).toEqual({ version: 3, source: 'kv', labelledStale: false })
  })

  it('sees the label of a stale answer', async () => {
    handler = (_, response) =>
      json(response, { data: { version: 3 } }, { 'x-cache-source': 'memory', 'x-cache-status': 'STALE' })
    expect(await client.read(url, 'a')).toMatchObject({ labelledStale: true })
  })

  it('logs in and writes with the token', async () => {
    handler = (request, response, body) => {
      if (request.url === '/auth/login') {
        expect(JSON.parse(body)).toEqual({ email: 'e', password: 'p' })
        expect(request.headers['content-type']).toBe('application/json')
        return json(response, { data: { token: 't' } })
      }
      expect([request.method, request.headers.authorization, JSON.parse(body)]).toEqual([
        'PUT',
        'Bearer t',
        { title: 'New' },
      ])
      return json(response, { data: { version: 8 } })
    }
    await client.login(url, 'e', 'p')
    expect(await client.write(url, 'a', 'New')).toBe(8)
  })

  it('asks for what D1 was asked', async () => {
    handler = (_, response) => json(response, { success: true, data: { d1: { queries: 12, batches: 3 } } })
    expect(await client.d1Use(url)).toEqual({ queries: 12, batches: 3 })
  })

  it.each<[string, Handler]>([
    ['answered 404: gone', (_, response) => response.writeHead(404).end('gone')],
    ['answered 200: not JSON', (_, response) => response.end('not JSON')],
    ['answered 200: {"data":{"version":"3"}}', (_, response) => json(response, { data: { version: '3' } })],
    ['without X-Cache-Source', (_, response) => json(response, { data: { version: 3 } })],
    ['socket hang up', (_, response) => response.destroy()],
    [
      'aborted',
      (_, response) =>
        response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy()),
    ],
  ])('fails when a read %s', async (message, answer) => {
    handler = answer
    await expect(client.read(url, 'a')).rejects.toThrow(message)
  })

  it('shows no more than the beginning of a bad answer', async () => {
    handler = (_, response) => response.writeHead(500).end('x'.repeat(10_000))
    const error = await client.write(url, 'a', 'New').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UnexpectedAnswerError)
    expect(String(error).length).toBeLessThan(300)
  })
})
