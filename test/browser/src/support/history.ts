import { eventMessage } from '@freshet/cache-core/pipeline'
import { seedPostId } from '@freshet/cms/seed'
import type { Site } from './site.ts'

/** A little of everything: reads of a few posts and lists, writes, a dead letter, for pages to show. */
export async function makeHistory(site: Site, reads = 150): Promise<void> {
  for (let i = 0; i < reads; i++) {
    // The first posts are read most, as on any site.
    const post = Math.floor(40 * (i / reads) ** 3)
    const paths = [
      `/api/content/${seedPostId(post)}`,
      '/api/content?limit=10',
      '/api/config/site',
      '/api/media?limit=5',
    ]
    await (await site.api(paths[i % 5] ?? paths[0] ?? '')).arrayBuffer()
    if (i % 40 === 20) {
      await site.api(`/api/content/${seedPostId(i % 3)}`, { method: 'PUT', body: { title: `Written ${i}` } })
    }
  }
}

/** A day in which each thing that can be advised was so. */
export async function makeAdvice(site: Site): Promise<void> {
  const at = Math.floor(Date.now() / 60_000) * 60 - 60
  const days = {
    media: {
      memoryHits: 200,
      misses: 1_100,
      loads: 1_100,
      loadRows: 1_100,
      loadBytes: 2_200_000,
      expired: 420,
    },
    api: {
      memoryHits: 9_000,
      kvHits: 60,
      misses: 1_400,
      loads: 1_400,
      loadRows: 28_000,
      loadBytes: 210_000_000,
      kvReads: 1_500,
      kvWrites: 1_400,
      kvBytes: 9_000_000,
      invalidByFence: 900,
      reloadedSame: 700,
      evictions: 1_200,
      refused: 8,
    },
  }
  for (const [namespace, sums] of Object.entries(days))
    await site.stack.sql([
      {
        sql: `INSERT INTO statistics (step, at, namespace, sums) VALUES (60, ?, ?, ?)
ON CONFLICT (step, at, namespace) DO UPDATE SET sums = excluded.sums`,
        params: [at, namespace, JSON.stringify(sums)],
      },
    ])
}

/** An event that failed while D1 was down, say: replayed, it is done. */
export async function makeDeadLetter(site: Site, id = 'from-tomorrow'): Promise<void> {
  const body = JSON.stringify(eventMessage({ id, type: 'config.update', payload: { key: 'site' } }))
  const at = Date.now() - 90_000
  await site.stack.sql([
    {
      sql: `INSERT INTO dead_letters (id, queue, reason, body, attempts, first_seen_at, last_seen_at)
VALUES (?, 'cache-events', 'D1 did not answer within 5 s, five times in a row', ?, 5, ?, ?)`,
      params: [id, body, at, at + 30_000],
    },
  ])
}

/** What online verification writes down when an old value was served. */
export async function makeViolation(site: Site): Promise<void> {
  const at = Date.now() - 60_000
  const key = `content:item:${seedPostId(2)}`
  const detail = {
    kind: 'hit',
    key,
    namespace: 'content',
    source: 'memory',
    requestId: 'a-request',
    cause: 'old row',
    says: `content.update (seq 3) of ${key} is older than the bound, and the fence had not read so far`,
    maxStalenessMs: 5000,
    readAt: at,
    fence: { epoch: 'e', head: 2, ageMs: 9000 },
    served: { stamp: 2, upTo: 2, loadedAt: at - 20_000, etag: '"a"', found: true, text: '{"title":"Old"}' },
    current: { seq: 3, etag: '"b"', found: true, text: '{"title":"New"}' },
    row: { seq: 3, eventId: 'e3', type: 'content.update', createdAt: at - 15_000, name: key, pattern: key },
  }
  await site.stack.sql([
    {
      sql: 'INSERT INTO cache_violations (at, detail) VALUES (?, ?)',
      params: [at, JSON.stringify(detail)],
    },
  ])
}
