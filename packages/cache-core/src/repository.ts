import type { Database } from './ports.ts'
import type { CacheResult, ReadOptions } from './read/types.ts'
import type { CacheService } from './service.ts'
import type { Source } from './source.ts'
import type { Change, WriteResult } from './write/types.ts'

/** What a write answered: the value after it, as read in its own transaction. */
export interface Written<T> {
  /**
   * `unchanged`: it already was as the caller wants it. `conflict`: the row had moved on from `expectedVersion`. `missing`:
   * there is no such row. Nothing was written in any of these.
   */
  status: 'written' | 'unchanged' | 'conflict' | 'missing'
  value: T | null
  etag: string | null
  bookmark: string | null
}

/** What a write starts from, with the version that guards it. */
export interface Current<T> {
  value: T
  version: number
  /** Whether memory had it, so that the row may have moved on without its version: then the guard must name all that the change is made from. */
  isRecalled?: boolean
}

/** Attempts of a write that names no version, when others write the same row meanwhile. */
const WRITE_ATTEMPTS = 5

/**
 * The repository pattern over the cache: reads go through it, writes carry their event in the same transaction.
 * A subclass says what its sources are and what its changes look like; `T` is the value of one item, `L` that of a list,
 * `P` a list's parameters, `N` what a creation and `U` what an update takes.
 */
export abstract class CachedRepository<T, L, P, N, U> {
  protected readonly cache: CacheService
  protected readonly db: Database

  constructor(cache: CacheService, db: Database) {
    this.cache = cache
    this.db = db
  }

  /** @returns the item, or an answer with `found: false`, which is cached as well */
  findById(id: string, options?: ReadOptions): Promise<CacheResult<T>> {
    return this.cache.read(this.item(id), options)
  }

  /** @returns one page of items */
  findMany(params: P, options?: ReadOptions): Promise<CacheResult<L>> {
    return this.cache.read(this.list(params), options)
  }

  /** Inserts a new item. @returns it as the transaction saw it */
  async create(input: N): Promise<Written<T>> {
    const { id, changes } = this.insertion(input)
    return this.commit(id, changes)
  }

  /**
   * Changes an item.
   * @param expectedVersion the version that the caller saw: another one is a conflict. Without it, the last writer wins.
   */
  update(id: string, input: U, expectedVersion?: number): Promise<Written<T>> {
    return this.modify(id, (current) => this.modification(current, input), expectedVersion)
  }

  /** Removes an item; its value in the answer is null. */
  delete(id: string, expectedVersion?: number): Promise<Written<T>> {
    return this.modify(id, (current) => this.removal(current), expectedVersion)
  }

  /**
   * Makes the guarded change from what memory recalls of the row, where that is enough: then D1 is asked once, not twice. Else
   * reads the row as it is, makes the change from it, and tries again when another writer was first.
   */
  protected async modify(
    id: string,
    change: (current: Current<T>) => Change[],
    expectedVersion?: number,
  ): Promise<Written<T>> {
    const recalled = this.recalled(id)
    if (recalled !== null && (expectedVersion ?? recalled.version) === recalled.version) {
      const changes = change(recalled)
      // Only D1 knows that there is nothing to change, or that somebody was first.
      const written = changes.length > 0 ? await this.commit(id, changes) : null
      if (written?.status === 'written') return written
    }
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
      const current = await this.current(id)
      if (current === null) return { status: 'missing', value: null, etag: null, bookmark: null }
      if (expectedVersion !== undefined && current.version !== expectedVersion) break
      const changes = change(current)
      if (changes.length === 0) return this.unchanged(id)
      const written = await this.commit(id, changes)
      if (written.status === 'written') return written
    }
    return { status: 'conflict', value: null, etag: null, bookmark: null }
  }

  private async unchanged(id: string): Promise<Written<T>> {
    const read = await this.cache.read(this.item(id), { maxStalenessMs: 0 })
    return { status: 'unchanged', value: read.value(), etag: read.etag, bookmark: read.bookmark }
  }

  private async commit(id: string, changes: Change[]): Promise<Written<T>> {
    const { write, read } = await this.cache.writeAndRead(changes, this.item(id))
    if (!isWritten(write)) return { status: 'conflict', value: null, etag: null, bookmark: null }
    return { status: 'written', value: read.value(), etag: read.etag, bookmark: write.bookmark }
  }

  protected abstract item(id: string): Source<T>
  protected abstract list(params: P): Source<L>
  /** The row straight from D1, past the cache: what a guarded write starts from. */
  protected abstract current(id: string): Promise<Current<T> | null>
  /** The same as memory has it, for changes whose guard names all that they are made from. Default: nothing. */
  protected recalled(_id: string): Current<T> | null {
    return null
  }
  /** The id of the new item, and the changes that insert it. */
  protected abstract insertion(input: N): { id: string; changes: Change[] }
  /** What to write; nothing when it already is as the input wants it. */
  protected abstract modification(current: Current<T>, input: U): Change[]
  protected abstract removal(current: Current<T>): Change[]
}

function isWritten(write: WriteResult): boolean {
  return write.changes[0]?.changed === true
}
