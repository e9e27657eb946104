import type { CacheEntry, CacheKey } from '@freshet/cache-core'

/** An address that was answered lately with what everybody may see, and what its next answer is made from. */
export interface RecentAnswer {
  readonly key: CacheKey
  /** Whether the value goes out as `{data}`; a list's already is an envelope. */
  readonly isItem: boolean
  /** Whether everybody may see a value of this label. */
  readonly isPublic: (label: string) => boolean
  /** The headers that are the same for each answer. */
  readonly fixed: Headers
  /** The answer that was made last; null before the first hit. */
  made: Made | null
}

/** All but a request's id of an answer, and what it was made of. The entry itself is not held: memory must be able to drop it. */
export interface Made {
  headers: Headers
  /** Null: the stored text itself. Else the envelope around it, or where that is long, nothing: it is put around each time. */
  body: string | null
  etag: string
  epoch: string
  upTo: number
  /** Seconds left. */
  ttl: number
}

/** Addresses of one generation. One takes about 2 KB, its headers included; its body comes on top. */
const MOST = 1_000
/** Characters of the bodies of one generation. */
const MOST_CHARACTERS = 2_000_000
/** Longer addresses are not kept, or 2 KB would be too little. */
const LONGEST_URL = 500

/**
 * What was answered lately, by address: the way from a URL to a key without parsing either. Nothing is valid by being here.
 * Bounded by two generations: when one is full, the older one goes.
 */
export class RecentAnswers {
  #young = new Map<string, RecentAnswer>()
  #old = new Map<string, RecentAnswer>()
  #characters = 0

  get(url: string): RecentAnswer | undefined {
    const young = this.#young.get(url)
    if (young !== undefined) return young
    const old = this.#old.get(url)
    if (old !== undefined) this.keep(url, old)
    return old
  }

  keep(url: string, answer: RecentAnswer): void {
    if (url.length > LONGEST_URL) return
    if (this.#young.size >= MOST) this.#age()
    this.#young.set(url, answer)
    this.#weigh(answer.made)
  }

  /** Keeps what an answer is made of now. */
  remake(answer: RecentAnswer, made: Made): void {
    const isNew = answer.made?.body !== made.body
    answer.made = made
    if (isNew) this.#weigh(made)
  }

  /** For tests: addresses, and the characters of bodies that were kept since the last generation began. */
  get size(): { addresses: number; characters: number } {
    return { addresses: this.#young.size + this.#old.size, characters: this.#characters }
  }

  #weigh(made: Made | null): void {
    this.#characters += made?.body?.length ?? 0
    if (this.#characters > MOST_CHARACTERS) this.#age()
  }

  #age(): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#characters = 0
  }
}

/** Whether an answer that was made tells of this entry, with so many seconds left. */
export function tellsOf(made: Made, { etag, upTo, epoch }: CacheEntry, ttl: number): boolean {
  return made.ttl === ttl && made.etag === etag && made.upTo === upTo && made.epoch === epoch
}
