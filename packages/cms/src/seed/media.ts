import type { Faker } from '@faker-js/faker'
import type { Insertion } from './batch.ts'
import { seedMediaId } from './ids.ts'
import { times } from './times.ts'

export const MEDIA: Insertion = {
  table: 'media',
  columns: [
    'id',
    'filename',
    'mime_type',
    'size',
    'width',
    'height',
    'alt',
    'url',
    'created_at',
    'updated_at',
  ],
}

const KINDS = [
  { extension: 'jpg', mimeType: 'image/jpeg' },
  { extension: 'png', mimeType: 'image/png' },
  { extension: 'webp', mimeType: 'image/webp' },
] as const

export function* mediaRows(faker: Faker, count: number): Generator<unknown[]> {
  for (let i = 0; i < count; i++) {
    const { extension, mimeType } = faker.helpers.arrayElement(KINDS)
    const filename = `${faker.word.adjective()}-${faker.word.noun()}-${i}.${extension}`
    const width = faker.number.int({ min: 320, max: 3840 })
    const height = Math.round((width * 2) / 3)
    const alt = `${faker.word.adjective()} ${faker.word.noun()}`
    const { createdAt, updatedAt } = times(faker)
    const size = faker.number.int({ min: 10_000, max: 4_000_000 })
    yield [
      seedMediaId(i),
      filename,
      mimeType,
      size,
      width,
      height,
      alt,
      `/media/${filename}`,
      createdAt,
      updatedAt,
    ]
  }
}
