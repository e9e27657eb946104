/** Seed data. Not for Workers: nothing but programs for local and test databases imports this. */

import { en, Faker } from '@faker-js/faker'
import { TRIGGER_EVENT_PREFIX } from '@freshet/cache-core'
import { batches, type SeedBatch } from './batch.ts'
import { COLLECTIONS, collectionRows } from './collections.ts'
import { CONFIG, configRows } from './config.ts'
import { CONTENT, contentRows, RELATIONSHIPS, relationshipRows } from './content.ts'
import { MEDIA, mediaRows } from './media.ts'
import { SEED_DEFAULTS, type SeedOptions } from './options.ts'
import { PLUGINS, pluginRows } from './plugins.ts'
import { localUserRows, USERS, userRows } from './users.ts'

export type { SeedBatch } from './batch.ts'
export { SEED_COLLECTIONS } from './collections.ts'
export { seedMediaId, seedPostId, seedUserId } from './ids.ts'
export { SEED_DEFAULTS, type SeedOptions } from './options.ts'

/**
 * The statements that fill a migrated, empty database, in order; each may stand in a batch of its own.
 * @param options how much; what is left out has its default
 */
export function* seedBatches(options: SeedOptions = {}): Generator<SeedBatch> {
  const { posts, users, media, plugins, seed, localUsers, allPublished } = { ...SEED_DEFAULTS, ...options }
  // A generator for each table, so that more of one leaves the others as they are.
  let tables = 0
  const faker = () => new Faker({ locale: en, seed: seed + ++tables })
  yield* batches(COLLECTIONS, collectionRows())
  yield* batches(CONFIG, configRows())
  yield* batches(PLUGINS, pluginRows(plugins))
  yield* batches(USERS, userRows(faker(), users))
  if (localUsers) yield* batches(USERS, localUserRows())
  yield* batches(MEDIA, mediaRows(faker(), media))
  yield* batches(CONTENT, contentRows(faker(), posts, allPublished))
  yield* batches(RELATIONSHIPS, relationshipRows(faker(), { posts, users, media }))
  yield { sql: UNTOLD, params: [TRIGGER_EVENT_PREFIX] }
}

/** Where the tables have triggers, they have logged each row. There is no cache yet that would have to hear of it. */
const UNTOLD = `UPDATE invalidation_log SET processed_at = created_at
  WHERE processed_at IS NULL AND substr(event_id, 1, length(?1)) = ?1`
