import * as v from 'valibot'

/** Some isolates are never entered again, and then never collect. */
const DEADLINE_MS = 5_000

const Targets = v.array(v.object({ id: v.string(), webSocketDebuggerUrl: v.string() }))
const Answer = v.object({ id: v.optional(v.number()), result: v.optional(v.unknown()) })
const Message = v.pipe(v.string(), v.parseJson(), Answer)
const HeapUsage = v.object({ usedSize: v.number(), backingStorageSize: v.number() })

/** V8's inspector of one isolate. */
export class Inspector {
  /** Of the isolate, as workerd calls it: `core:user:` and the Worker's name for a Worker's. */
  readonly id: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: unknown) => void>()
  #last = 0

  private constructor(id: string, socket: WebSocket) {
    this.id = id
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = v.parse(Message, data)
      if (id === undefined) return
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    })
  }

  /** Of all isolates of a workerd, those of its simulators as well. @param url of its inspector */
  static async all(url: URL): Promise<Inspector[]> {
    const targets = v.parse(Targets, await (await fetch(`http://${url.host}/json`)).json())
    return Promise.all(
      targets.map(async (target) => new Inspector(target.id, await opened(target.webSocketDebuggerUrl))),
    )
  }

  /**
   * Collects what nothing holds. V8 does it when the isolate runs next: so somebody has to have it run meanwhile.
   * @returns what is left, in bytes; null of an isolate that did not run
   */
  async collect(): Promise<number | null> {
    // The inspector keeps up to a thousand lines that the Worker has logged, for who opens a console: nothing of the Worker's.
    await this.#ask('Runtime.discardConsoleEntries')
    const result = await this.#ask('HeapProfiler.collectGarbage')
    if (result === null) return null
    const { usedSize, backingStorageSize } = v.parse(HeapUsage, await this.#ask('Runtime.getHeapUsage'))
    return usedSize + backingStorageSize
  }

  close(): void {
    this.#socket.close()
  }

  async #ask(method: string): Promise<unknown> {
    const id = ++this.#last
    const answer = new Promise<unknown>((resolve) => {
      this.#waiting.set(id, resolve)
      setTimeout(() => resolve(null), DEADLINE_MS).unref()
    })
    this.#socket.send(JSON.stringify({ id, method }))
    return answer
  }
}

function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(socket), { once: true })
    socket.addEventListener('error', () => reject(new Error(`nobody answers at ${url}`)), { once: true })
  })
}
