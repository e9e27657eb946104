/**
 * Calls `perform` for each item in order, at most `concurrency` at a time. The first rejection ends it all, and so does
 * `signal`.
 */
export async function runPool<T>(
  items: Iterable<T>,
  concurrency: number,
  perform: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  // All workers take from one iterator; the generator's end is theirs.
  const pending = numbered(items)
  async function work(): Promise<void> {
    for (const [index, item] of pending) {
      signal?.throwIfAborted()
      await perform(item, index)
    }
  }
  // A worker that fails leaves its `for` loop, which closes the generator for the others too.
  await Promise.all(Array.from({ length: concurrency }, work))
}

function* numbered<T>(items: Iterable<T>): Generator<[number, T]> {
  let index = 0
  for (const item of items) yield [index++, item]
}
