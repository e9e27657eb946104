/** One statement that inserts many rows, which come as one JSON parameter. */
export interface SeedBatch {
  sql: string
  params: [string]
}

/** A table's insertion: a row is an array of its columns. */
export interface Insertion {
  table: string
  columns: readonly string[]
}

/** A bound parameter of D1 may have 2 MB; smaller ones keep a statement short and its memory low. */
const MAX_JSON_BYTES = 900_000

/**
 * Packs rows into statements. D1 binds 100 parameters at most, so a statement has one: a JSON array of rows.
 * A column whose value is an object gets its JSON text.
 */
export function* batches(
  { table, columns }: Insertion,
  rows: Iterable<readonly unknown[]>,
): Generator<SeedBatch> {
  const values = columns.map((_, i) => `json_extract(value, '$[${i}]')`)
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM json_each(?)`
  let texts: string[] = []
  let bytes = 2
  for (const row of rows) {
    const text = JSON.stringify(row)
    const size = Buffer.byteLength(text) + 1
    if (texts.length > 0 && bytes + size > MAX_JSON_BYTES) {
      yield { sql, params: [`[${texts.join(',')}]`] }
      texts = []
      bytes = 2
    }
    texts.push(text)
    bytes += size
  }
  if (texts.length > 0) yield { sql, params: [`[${texts.join(',')}]`] }
}
