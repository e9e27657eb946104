import type { Faker } from '@faker-js/faker'
import type { ContentStatus } from '../model/content.ts'
import type { Insertion } from './batch.ts'
import { collectionOf } from './collections.ts'
import { seedMediaId, seedPostId, seedUserId } from './ids.ts'
import { postSize } from './post-size.ts'
import { Prose } from './prose.ts'
import { between, times } from './times.ts'

export const CONTENT: Insertion = {
  table: 'content',
  columns: [
    'id',
    'collection_id',
    'slug',
    'title',
    'status',
    'data',
    'created_at',
    'updated_at',
    'published_at',
  ],
}

export const RELATIONSHIPS: Insertion = {
  table: 'content_relationships',
  columns: ['content_id', 'relation', 'user_id', 'media_id'],
}

const FEATURED_SHARE = 0.02
const TAGS = ['cache', 'edge', 'database', 'design', 'people', 'releases', 'howto', 'opinion']

/** Content items: 1 to 20 KB each, most of them small and published. */
export function* contentRows(faker: Faker, count: number, allPublished: boolean): Generator<unknown[]> {
  const prose = new Prose(faker)
  for (let i = 0; i < count; i++) {
    const title = titleOf(faker)
    const slug = `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${i}`
    const status = allPublished ? 'published' : statusOf(faker)
    const { createdAt, updatedAt } = times(faker)
    const publishedAt = status === 'draft' ? null : between(faker, createdAt, updatedAt)
    const data = dataOf(faker, prose)
    yield [seedPostId(i), collectionOf(i), slug, title, status, data, createdAt, updatedAt, publishedAt]
  }
}

/** An author for every item, and media for two of three. */
export function* relationshipRows(
  faker: Faker,
  { posts, users, media }: { posts: number; users: number; media: number },
): Generator<unknown[]> {
  for (let i = 0; i < posts; i++) {
    if (users > 0) yield [seedPostId(i), 'author', seedUserId(faker.number.int(users - 1)), null]
    if (media > 0 && i % 3 !== 2) {
      yield [seedPostId(i), 'featuredMedia', null, seedMediaId(faker.number.int(media - 1))]
    }
  }
}

function titleOf(faker: Faker): string {
  const { word } = faker
  const words = [word.adverb(), word.adjective(), word.noun(), 'and', word.noun()].join(' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

function statusOf(faker: Faker): ContentStatus {
  return faker.helpers.weightedArrayElement([
    { value: 'published', weight: 90 },
    { value: 'draft', weight: 7 },
    { value: 'archived', weight: 3 },
  ])
}

function dataOf(faker: Faker, prose: Prose): Record<string, unknown> {
  const size = postSize(faker)
  const data = {
    excerpt: prose.sentence(),
    tags: faker.helpers.arrayElements(TAGS, { min: 1, max: 3 }),
    ...(faker.number.float() < FEATURED_SHARE && { featured: true }),
  }
  return { ...data, body: prose.text(size - JSON.stringify(data).length) }
}
