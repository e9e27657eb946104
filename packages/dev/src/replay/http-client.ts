import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { PlainError } from '../plain-error.ts'

/** A whole answer. */
export interface HttpAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** One request. */
export interface HttpRequest {
  method?: 'GET' | 'POST' | 'PUT'
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  json?: unknown
}

/** A Worker that doesn't answer within this time counts as failed. */
const TIMEOUT_MS = 30_000

class ClosedConnectionError extends Error {
  override name = 'ClosedConnectionError'
  override message = 'the server closed an idle connection'
}

/**
 * A client on node:http with connections that stay open. `fetch` would do, but costs the machine that also runs workerd
 * about twice the time for each request, and that time would end up in the latencies.
 */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #secureAgent = new SecureAgent({ keepAlive: true })

  /**
   * Sends a request and reads its whole answer. One that met a connection which the server was just closing is sent again:
   * the server has not taken it (see `reusedSocket` in the documentation of node:http).
   */
  send(url: string, sent: HttpRequest = {}): Promise<HttpAnswer> {
    return this.#once(url, sent).catch((error: unknown) => {
      if (error instanceof ClosedConnectionError) return this.#once(url, sent)
      throw error
    })
  }

  #once(url: string, { method = 'GET', headers = {}, json }: HttpRequest): Promise<HttpAnswer> {
    const body = json === undefined ? undefined : JSON.stringify(json)
    return new Promise((resolve, reject) => {
      const isSecure = new URL(url).protocol === 'https:'
      const outgoing = (isSecure ? secureRequest : request)(url, {
        agent: isSecure ? this.#secureAgent : this.#agent,
        method,
        timeout: TIMEOUT_MS,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      })
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const isClosed = outgoing.reusedSocket && error.code === 'ECONNRESET'
        if (isClosed) reject(new ClosedConnectionError())
        else if (error.code === 'ECONNREFUSED')
          reject(new PlainError(`nothing listens at ${new URL(url).origin}`, { cause: error }))
        else reject(error)
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)))
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      })
      outgoing.end(body)
    })
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy()
    this.#secureAgent.destroy()
  }
}
