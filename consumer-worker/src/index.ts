import type { CacheService } from '@freshet/cache-core'
import { createConsumer } from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS, CollectionRepository, mustGo, patternsOf, resources, warmPlans } from '@freshet/cms'
import type { Env } from './env.ts'

/** The first page of every collection is worth having warm, so the schedule asks which there are. */
async function collectionIds(cache: CacheService): Promise<string[]> {
  const collections = (await new CollectionRepository(cache).findAll()).value()
  return collections?.data.map(({ id }) => id) ?? []
}

/** The pipeline's queues and cron: wiring, nothing more. */
export default createConsumer<Env>({
  configs: CACHE_CONFIGS,
  resources,
  patternsOf,
  mustGo,
  plans: (cache) => warmPlans(() => collectionIds(cache)),
  bindings: ({ DB: db, CACHE: kv, EVENTS: events, WARM_HIGH: high, WARM_LOW: low }) => ({
    db,
    kv,
    events,
    warm: { high, low },
  }),
}) satisfies ExportedHandler<Env>
