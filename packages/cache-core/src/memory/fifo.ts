import type { Slot } from './slot.ts'

/** A queue of slots, linked through themselves: all it does takes the same time, however long it is, and allocates nothing. */
export class Fifo {
  entries = 0
  bytes = 0
  /** The one that has been in it longest. */
  first: Slot | null = null
  last: Slot | null = null

  append(slot: Slot): void {
    slot.queue = this
    slot.before = this.last
    if (this.last === null) this.first = slot
    else this.last.after = slot
    this.last = slot
    this.entries++
    this.bytes += slot.bytes
  }

  remove(slot: Slot): void {
    const { before, after } = slot
    if (before === null) this.first = after
    else before.after = after
    if (after === null) this.last = before
    else after.before = before
    slot.before = null
    slot.after = null
    slot.queue = null
    this.entries--
    this.bytes -= slot.bytes
  }

  clear(): void {
    this.first = null
    this.last = null
    this.entries = 0
    this.bytes = 0
  }
}
