interface Event {
  at: number
  order: number
  run: () => void
}

/** Where virtual time begins: 20 s before a minute of the five-minute warm batch. */
export const START = 1_700_000_080_000

/**
 * Virtual time: events in order of their time, those of one millisecond in the order they were asked for. Between two of
 * them every promise that can settle does, so nothing of the real machine's timing shows.
 */
export class EventLoop {
  now = START
  #order = 0
  #stopped = false
  readonly #heap: Event[] = []
  readonly #settle = microtasks()

  at(time: number, run: () => void): void {
    this.#push({ at: Math.max(this.now, time), order: ++this.#order, run })
  }

  after(ms: number, run: () => void): void {
    this.at(this.now + ms, run)
  }

  /** Runs until nothing is left, or time passes `until`. Must be called from a macrotask of its own. */
  run(until: number): void {
    this.#settle()
    while (!this.#stopped) {
      const next = this.#heap[0]
      if (next === undefined || next.at > until) break
      this.#pop()
      this.now = next.at
      next.run()
      this.#settle()
    }
    if (!this.#stopped) this.now = Math.max(this.now, until)
  }

  /** Ends a run after the event under way. */
  stop(): void {
    this.#stopped = true
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = heap[up]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[at] = parent
      at = up
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const event = heap.pop()
    if (event === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let down = 2 * at + 1
      let child = heap[down]
      if (child === undefined) break
      const right = heap[down + 1]
      if (right !== undefined && isBefore(right, child)) {
        down++
        child = right
      }
      if (isBefore(event, child)) break
      heap[at] = child
      at = down
    }
    heap[at] = event
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/**
 * Node's own "run all that is due before the next macrotask". It has no public name, and the public ways (setImmediate) cost
 * a turn of the real event loop for each virtual event.
 */
function microtasks(): () => void {
  const settle: unknown = Reflect.get(process, '_tickCallback')
  if (typeof settle !== 'function') throw new Error('this Node has no process._tickCallback')
  return () => {
    settle.call(process)
  }
}
