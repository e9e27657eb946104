/** When the stack is killed. */
export interface KillMoment {
  /** Once so many writes have begun … */
  afterWrites: number
  /** … and this much later, so that any step of a write can be the one that is cut off. */
  delayMs: number
}

/** A write takes some milliseconds, and what follows it a second or two. */
const MAX_DELAY_MS = 2_000

/** So many moments while so many writes are made, in order; several may fall together. */
export function killMoments(kills: number, writes: number, random: () => number): KillMoment[] {
  return Array.from({ length: kills }, () => ({
    afterWrites: 1 + Math.floor(random() * writes),
    delayMs: Math.floor(random() * MAX_DELAY_MS),
  })).sort((a, b) => a.afterWrites - b.afterWrites)
}
