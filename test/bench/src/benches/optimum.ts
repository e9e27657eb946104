/**
 * Hits of the best that any cache of a size can do which knows the future: of what it has and what it was just asked for, it
 * drops what is asked for again last (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966), and keeps nothing that is never asked for again.
 * @param keys as they are asked for
 * @param size entries it may hold
 */
export function optimalHits(keys: readonly number[], size: number): number {
  const nextUses = nextUsesOf(keys)
  /** At which places of the sequence the key is held. */
  const isHeld = new Uint8Array(keys.length)
  const uses = new MaxHeap()
  let held = 0
  let hits = 0
  for (let at = 0; at < keys.length; at++) {
    if (isHeld[at] === 1) {
      hits++
      held--
    }
    const next = nextUses[at] ?? 0
    if (next === NEVER) continue
    if (held === size) {
      // All that is held is asked for after this: what is past lies below.
      if (next >= uses.max) continue
      isHeld[uses.pop()] = 0
      held--
    }
    isHeld[next] = 1
    uses.push(next)
    held++
  }
  return hits
}

const NEVER = -1

function nextUsesOf(keys: readonly number[]): Int32Array {
  const nextUses = new Int32Array(keys.length).fill(NEVER)
  const lastSeen = new Map<number, number>()
  for (const [at, key] of keys.entries()) {
    const last = lastSeen.get(key)
    if (last !== undefined) nextUses[last] = at
    lastSeen.set(key, at)
  }
  return nextUses
}

/** Numbers from 0, the largest first. */
class MaxHeap {
  readonly #items: number[] = []

  get max(): number {
    return this.#items[0] ?? NEVER
  }

  push(item: number): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] ?? 0
      if (above >= item) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  pop(): number {
    const items = this.#items
    const { max } = this
    const item = items.pop() ?? NEVER
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if ((items[child + 1] ?? NEVER) > (items[child] ?? NEVER)) child++
      const below = items[child] ?? NEVER
      if (below <= item) break
      items[at] = below
      at = child
    }
    if (items.length > 0) items[at] = item
    return max
  }
}
