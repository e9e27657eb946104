interface Stored {
  value: string
  metadata: unknown
  expiresAt: number
}

/** What KV refuses (PLATFORM.md). */
const MAX_NAME_BYTES = 512
const MAX_METADATA_BYTES = 1024
const MIN_TTL_SECONDS = 60
const MIN_CACHE_TTL_SECONDS = 30
const MAX_BULK = 100
const MAX_LISTED = 1000

/** A KV namespace in memory, with KV's limits but none of its lateness (the simulator's has that). */
export class MemoryKv {
  readonly entries = new Map<string, Stored>()
  reads = 0
  writes = 0
  lists = 0
  deletes = 0
  /** When set, each operation waits for it first: latency, failures, hangs. */
  before: ((operation: 'get' | 'put' | 'delete' | 'list', name: string) => Promise<void> | void) | null = null
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  async getWithMetadata(
    name: string,
    options: { type: 'text'; cacheTtl?: number },
  ): Promise<{ value: string | null; metadata: unknown }>
  async getWithMetadata(
    names: string[],
    options: { type: 'text'; cacheTtl?: number },
  ): Promise<Map<string, { value: string | null; metadata: unknown } | null>>
  async getWithMetadata(names: string | string[], options: { type: 'text'; cacheTtl?: number }) {
    if ((options.cacheTtl ?? MIN_CACHE_TTL_SECONDS) < MIN_CACHE_TTL_SECONDS)
      throw new Error('KV GET failed: 400 Invalid cache_ttl')
    this.reads++
    if (typeof names === 'string') {
      await this.before?.('get', names)
      return this.#get(names)
    }
    if (names.length > MAX_BULK) throw new Error('KV GET_BULK failed: 400 too many keys')
    await this.before?.('get', names[0] ?? '')
    // As the real binding does it: a name that is not there has null, and no record.
    return new Map(
      names.map((name) => {
        const record = this.#get(name)
        return [name, record.value === null ? null : record]
      }),
    )
  }

  async put(
    name: string,
    value: string,
    options: { expirationTtl: number; metadata: Record<string, unknown> },
  ): Promise<void> {
    if (new TextEncoder().encode(name).length > MAX_NAME_BYTES)
      throw new Error('KV PUT failed: 414 UTF-8 encoded length of name exceeds key length limit of 512')
    if (JSON.stringify(options.metadata).length > MAX_METADATA_BYTES)
      throw new Error('KV PUT failed: 413 metadata too long')
    if (options.expirationTtl < MIN_TTL_SECONDS) throw new Error('KV PUT failed: 400 Invalid expiration_ttl')
    this.writes++
    await this.before?.('put', name)
    this.entries.set(name, {
      value,
      metadata: structuredClone(options.metadata),
      expiresAt: this.#now() + options.expirationTtl * 1000,
    })
  }

  async delete(name: string): Promise<void> {
    this.deletes++
    await this.before?.('delete', name)
    this.entries.delete(name)
  }

  async list({
    prefix,
    limit = MAX_LISTED,
    cursor,
  }: {
    prefix: string
    limit?: number
    cursor?: string | null
  }) {
    if (new TextEncoder().encode(prefix).length > MAX_NAME_BYTES)
      throw new Error('KV LIST failed: 400 prefix too long')
    if (limit > MAX_LISTED) throw new Error('KV LIST failed: 400 limit above 1000')
    this.lists++
    await this.before?.('list', prefix)
    const names = [...this.entries.keys()]
      .filter((name) => name.startsWith(prefix) && name > (cursor ?? '') && this.#get(name).value !== null)
      .sort()
    const keys = names.slice(0, limit).map((name) => ({ name, metadata: this.#get(name).metadata }))
    return names.length <= limit
      ? { keys, list_complete: true as const }
      : { keys, list_complete: false as const, cursor: keys.at(-1)?.name ?? '' }
  }

  #get(name: string): { value: string | null; metadata: unknown } {
    const stored = this.entries.get(name)
    if (stored === undefined || stored.expiresAt <= this.#now()) return { value: null, metadata: null }
    return { value: stored.value, metadata: structuredClone(stored.metadata) }
  }
}
