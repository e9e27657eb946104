import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { migratedDatabase, migrations } from './testing/database.ts'

describe('migrations', () => {
  it.each([
    ['0001_invalidation_log.sql', '0001_invalidation_log.sql'],
    ['0003_pipeline.sql', '0002_pipeline.sql'],
    ['0004_statistics.sql', '0003_statistics.sql'],
    ['0005_verification.sql', '0004_verification.sql'],
  ])('have the library’s own as %s, unchanged', (name, shipped) => {
    const original = new URL(`../../cache-core/migrations/${shipped}`, import.meta.url)
    expect(migrations().find((one) => one.name === name)?.sql).toBe(readFileSync(original, 'utf8'))
  })

  it('stay within the 100 KB that D1 takes as one statement', () => {
    for (const { sql } of migrations()) expect(sql.length).toBeLessThan(100_000)
  })
})

describe('the content model', () => {
  const insert = (data: string) => {
    const db = migratedDatabase()
    db.exec("INSERT INTO collections (id, name, created_at) VALUES ('posts', 'Posts', 0)")
    db.sqlite
      .prepare(
        `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at)
         VALUES ('1', 'posts', 'a', 'A', 'draft', ?, 0, 0)`,
      )
      .run(data)
    return db
  }

  it.each([
    ['{"featured":true}', 1],
    ['{"featured":1}', 0],
    ['{"featured":"true"}', 0],
    ['{"featured":false}', 0],
    ['{"featured":null}', 0],
    ['{}', 0],
  ])('derives featured from %s', (data, featured) => {
    expect(insert(data).one('SELECT featured, version FROM content')).toEqual({ featured, version: 1 })
  })

  it.each(['', 'nonsense', '[]', '"text"', '1'])('refuses %j as data', (data) => {
    expect(() => insert(data)).toThrow(/CHECK constraint failed|malformed JSON/)
  })

  it.each([
    ["('1', 'author', NULL, NULL)"],
    ["('1', 'author', NULL, 'm')"],
    ["('1', 'author', 'u', 'm')"],
    ["('1', 'featuredMedia', 'u', NULL)"],
    ["('1', 'reviewer', 'u', NULL)"],
  ])('refuses the relationship %s', (values) => {
    const db = insert('{}')
    db.exec('PRAGMA foreign_keys = OFF')
    expect(() => db.exec(`INSERT INTO content_relationships VALUES ${values}`)).toThrow(
      'CHECK constraint failed',
    )
  })
})
