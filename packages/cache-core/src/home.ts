import { refreshAge } from './fence/keeper.ts'
import { prefixOf } from './keys/key.ts'
import type { HitTerms } from './memory/slot.ts'
import type { CacheConfig } from './policy.ts'
import type { NamespaceStats, Stats } from './stats.ts'

/** What the keys of one namespace share in an isolate, looked up once for each read. */
export class Home {
  readonly policy: CacheConfig
  /** Of its keys, without the `v`. */
  readonly version: string
  /** Younger than this, the fence needs no refresh ahead of need, ms. */
  readonly quietMs: number
  /** The same string for all its keys: a look-up by it has nothing to compare. */
  readonly namespace: string
  readonly #stats: Stats
  #counts: NamespaceStats | null = null
  #terms: { loaded: HitTerms; warmed: HitTerms } | null = null
  /** The entity that was asked for last, and what its keys begin with: most keys are of one. */
  #entity = ''
  #prefix: string

  constructor(namespace: string, policy: CacheConfig, version: string, stats: Stats) {
    this.policy = policy
    this.version = `${version}.${policy.version}`
    this.quietMs = refreshAge(policy.maxStalenessMs)
    this.namespace = namespace
    this.#stats = stats
    this.#prefix = prefixOf(namespace, '')
  }

  prefixOf(entity: string): string {
    if (entity !== this.#entity) {
      this.#prefix = prefixOf(this.namespace, entity)
      this.#entity = entity
    }
    return this.#prefix
  }

  /** What is counted of it; from the first count on. */
  get counts(): NamespaceStats {
    this.#counts ??= this.#stats.of(this.namespace)
    return this.#counts
  }

  /** What hits on its entries share. @param isWarmed whether a warm job brought the entry */
  termsOf(isWarmed: boolean): HitTerms {
    const { quietMs, counts } = this
    this.#terms ??= {
      loaded: { quietMs, ages: counts.memoryAges(false) },
      warmed: { quietMs, ages: counts.memoryAges(true) },
    }
    return isWarmed ? this.#terms.warmed : this.#terms.loaded
  }
}
