import { request } from 'node:http'

/** A request whose client may go away. */
export interface CancelledClient {
  /** Of the answer; null for none. */
  status: Promise<number | null>
  /** Goes away, as of now. */
  cancel(): void
}

/**
 * Sends a GET over a connection of its own. To cancel it resets that, and workerd then ends the request where it stands. Of one that
 * is merely closed, which is what aborting a `fetch` does, workerd takes no notice: the request goes on to its end.
 */
export function cancelledClient(url: string): CancelledClient {
  const sent = request(url, { agent: false })
  const status = new Promise<number | null>((resolve) => {
    sent.on('error', () => resolve(null))
    sent.on('response', (response) => {
      response.resume()
      response.on('close', () => resolve(response.statusCode ?? null))
    })
  })
  sent.end()
  return { status, cancel: () => sent.socket?.resetAndDestroy() }
}
