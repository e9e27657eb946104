import type { Mutant } from './mutant.ts'

/** Faults of reading: stamps, freshness, joining, lifetimes. */
const reading: readonly Mutant[] = [
  {
    name: 'stamp taken after the load',
    rule: '1: stamp low',
    file: 'read/loader.ts',
    find: `      const { epoch, head: stamp } = fence
      const loadedAt = runtime.now()
      const value = await load()
      await refresher.run(io)`,
    replace: `      const loadedAt = runtime.now()
      const value = await load()
      await refresher.run(io)
      const { epoch, head: stamp } = fence`,
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'stamp read by a query of its own, after the value',
    rule: '1: stamp low',
    file: 'read/loader.ts',
    find: 'const results = await isolate.sql.read(io.db, [...statements, tailStatement(io.db, asked.head)])',
    replace: `const results = await isolate.sql.read(io.db, statements)
      results.push(...(await isolate.sql.read(io.db, [tailStatement(io.db, asked.head)])))`,
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'stamp one too high',
    rule: '1: stamp low',
    file: 'read/loader.ts',
    find: 'stamp: tail.maxSeq, upTo: tail.maxSeq, loadedAt: asked.sentAt }',
    replace: 'stamp: tail.maxSeq + 1, upTo: tail.maxSeq, loadedAt: asked.sentAt }',
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'asOf taken after the query',
    rule: '2: asOf is the time before it was sent',
    file: 'fence/refresher.ts',
    find: 'const applied = fence.apply(tail, asked)\n      if',
    replace: 'const applied = fence.apply(tail, { ...asked, sentAt: this.#isolate.runtime.now() })\n      if',
    scenarios: ['steady', 'contention', 'trouble'],
  },
  {
    name: 'flight joined across an invalidation',
    rule: '4: who joins holds the entry against its own needs',
    file: 'read/reader.ts',
    find: 'if (flight.ordinal > need.ordinal || this.#isProven(entry, read)) return entry',
    replace: 'return entry',
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'strong reader trusts the clock',
    rule: '4: a strong reader relies on nothing sent before it',
    file: 'fence/fence.ts',
    find: 'return need.maxStalenessMs > 0 && this.asOf >= need.startedAt - need.maxStalenessMs',
    replace: 'return this.asOf >= need.startedAt - need.maxStalenessMs',
    scenarios: ['contention'],
  },
  {
    name: 'staleness bound doubled',
    rule: 'flow Read: fresh is at most Δ ago',
    file: 'fence/fence.ts',
    find: 'this.asOf >= need.startedAt - need.maxStalenessMs',
    replace: 'this.asOf >= need.startedAt - 2 * need.maxStalenessMs',
    scenarios: ['steady', 'storms', 'trouble'],
  },
  {
    name: 'lifetime restarted on promotion',
    rule: '12: lifetime is absolute from the load',
    file: 'read/reader.ts',
    find: '    this.#isolate.remember(read.key, entry)\n    this.#counts(read.key).kvHits++',
    replace: `    this.#isolate.remember(read.key, { ...entry, expiresAt: this.#now() + read.policy.ttl * 1000 })
    this.#counts(read.key).kvHits++`,
    scenarios: ['steady', 'storms'],
  },
  {
    name: 'lifetime ignored',
    rule: '12: lifetime is absolute from the load',
    file: 'read/reader.ts',
    find: 'return this.#now() < entry.expiresAt',
    replace: 'return this.#now() > 0 || entry.found',
    scenarios: ['steady'],
  },
  {
    name: 'tags ignored',
    rule: 'an entry is valid if no pattern matches its key or one of its tags',
    file: 'fence/fence.ts',
    find: 'for (const tag of entry.tags) if (index.hasNewer(tag, seq)) return true',
    replace: '',
    scenarios: ['storms', 'steady'],
  },
  {
    name: 'wildcards ignored',
    rule: 'an entry is valid if no pattern matches its key or one of its tags',
    file: 'fence/pattern-index.ts',
    find: 'return this.#wildMax > seq && this.#root.newest',
    replace: 'return this.#wildMax > seq + 1e9 && this.#root.newest',
    scenarios: ['storms'],
  },
  {
    name: 'KV entry trusted unproven',
    rule: 'one function decides whether an entry may be the answer',
    file: 'read/reader.ts',
    find: 'if (this.#isProven(entry, read)) return this.#promote(read, entry)',
    replace: 'if (this.#isAlive(entry)) return this.#promote(read, entry)',
    scenarios: ['steady', 'storms'],
  },
  {
    name: 'memory entry not judged again after the refresh',
    rule: 'flow Read 2: judge the memory entry again',
    file: 'read/reader.ts',
    find: '      if (!this.#isProven(entry, read)) return null\n',
    replace: '',
    scenarios: ['steady', 'contention'],
  },
  {
    name: 'stale-if-error value stored again',
    rule: 'flow Read 4: it is never stored again',
    file: 'read/reader.ts',
    find: "return this.#answer(read, entry, 'STALE', source)",
    replace: `this.#isolate.remember(read.key, { ...entry, stamp: fence.head, expiresAt: this.#now() + 60_000 })
    return this.#answer(read, entry, 'STALE', source)`,
    scenarios: ['trouble'],
  },
  {
    name: 'stale answers for readers with a bookmark',
    rule: 'flow Read 4: for bounded reads without a bookmark',
    file: 'read/reader.ts',
    find: 'const mayBeStale = policy.staleIfErrorSeconds > 0 && wanted > 0 && bookmark === null',
    replace: 'const mayBeStale = policy.staleIfErrorSeconds > 0',
    scenarios: ['trouble'],
  },
  {
    name: 'bookmark ignored',
    rule: 'a stamp at or above the bookmark satisfies it, or the head does',
    file: 'fence/fence.ts',
    find: 'return Math.max(this.head, stamp) >= need.minSeq || this.#askedLast > need.ordinal',
    replace: 'return this.head >= 0 || stamp > need.minSeq',
    scenarios: ['steady', 'contention'],
  },
  {
    name: 'bookmark of another epoch taken for one of this',
    rule: 'bookmark: one of another epoch makes the read a strong one',
    file: 'read/reader.ts',
    find: 'maxStalenessMs: isForeign ? 0 : wanted',
    replace: 'maxStalenessMs: wanted',
    scenarios: ['restores'],
  },
  {
    name: 'answers take bookmarks back',
    rule: 'a client that carries the bookmark of each answer reads monotonically',
    file: 'read/reader.ts',
    find: 'Math.max(entry.upTo, seen))',
    replace: 'Math.min(entry.upTo, entry.upTo + seen))',
    scenarios: ['contention', 'storms', 'steady'],
  },
  {
    name: 'another key’s value taken from KV',
    rule: '9: garbage is a miss',
    file: 'kv/envelope.ts',
    find: 'if (path !== key.path || canonical',
    replace: 'if (canonical',
    scenarios: ['trouble'],
  },
  {
    name: 'sessions go to KV',
    rule: '11: sessions never go to KV',
    file: 'isolate.ts',
    find: 'return policy.kvEnabled && this.settings.kvEnabled ? io.kv : null',
    replace: 'return this.settings.kvEnabled ? io.kv : null',
    scenarios: ['steady'],
  },
]

/** Faults of the fence: the tail, its pages, the fold, pruning, snapshots. */
const fencing: readonly Mutant[] = [
  {
    name: 'head advanced past unseen rows',
    rule: '2: a full page moves the head to its last row',
    file: 'fence/fence.ts',
    find: "    if (tail.truncated) return 'more'",
    replace:
      "    if (tail.maxEventId !== null) this.#advance(tail.maxSeq, tail.maxEventId)\n    if (tail.truncated) return 'more'",
    scenarios: ['floods'],
  },
  {
    name: 'truncated page moves asOf',
    rule: '2: a full page leaves asOf alone',
    file: 'fence/fence.ts',
    find: "    if (tail.truncated) return 'more'",
    replace: "    if (tail.truncated) {\n      this.#settle(asked)\n      return 'more'\n    }",
    scenarios: ['floods'],
  },
  {
    name: 'rest of a long tail skipped without raising the floor',
    rule: '6: or raises its floor',
    file: 'fence/fence.ts',
    find: '    this.#raiseFloor(tail.maxSeq)\n',
    replace: '',
    scenarios: ['floods'],
  },
  {
    name: 'head and rows read by two queries',
    rule: '2: the tail query is one transaction',
    file: 'fence/refresher.ts',
    find: '      const tail = decodeTail(result)\n',
    replace: `      const first = decodeTail(result)
      const [again] = await sql.read(io.db, [tailStatement(io.db, asked.head)], probe)
      const last = decodeTail(again)
      const seen = first.rows.at(-1)?.seq ?? asked.head
      const tail =
        last.maxEventId !== null && last.maxSeq > seen && !first.truncated
          ? { ...last, truncated: false, rows: [...first.rows, { seq: last.maxSeq, eventId: last.maxEventId, patterns: [] }] }
          : first
`,
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'fold takes the minimum',
    rule: '6: folds into broader ones with the highest seq',
    file: 'fence/pattern-index.ts',
    find: 'folded.add(broaden(pattern), seq)',
    replace: 'folded.add(broaden(pattern), older[0]?.[1] ?? seq)',
    scenarios: ['storms'],
  },
  {
    name: 'fold forgets without raising the floor',
    rule: '6: or raises its floor',
    file: 'fence/pattern-index.ts',
    find: 'return { index: kept, floor: older.at(-1)?.[1] ?? 0 }',
    replace: 'return { index: kept, floor: 0 }',
    scenarios: ['storms'],
  },
  {
    name: 'fence without a cap',
    rule: '6: bounded memory',
    file: 'fence/fence.ts',
    find: 'while (this.#index.size > this.#cap)',
    replace: 'while (this.#index.size > this.#cap * 4)',
    scenarios: ['storms'],
  },
  {
    name: 'memory without a cap',
    rule: 'memory: entry caps over all namespaces together',
    file: 'memory/memory-tier.ts',
    find: 'max: limits.maxEntries,',
    replace: 'max: limits.maxEntries * 10,',
    scenarios: ['storms'],
  },
  {
    name: 'floor ignored',
    rule: 'floor: entries stamped below it are invalid',
    file: 'fence/fence.ts',
    find: 'entry.epoch !== this.epoch || entry.stamp < this.floor',
    replace: 'entry.epoch !== this.epoch',
    scenarios: ['storms', 'sleepers'],
  },
  {
    name: 'prunedTo ignored',
    rule: '7: if prunedTo is above the head that was asked from, floor := prunedTo',
    file: 'fence/fence.ts',
    find: 'if (tail.prunedTo > asked.head) this.#raiseFloor(tail.prunedTo)',
    replace: '',
    scenarios: ['pruning'],
  },
  {
    name: 'pruning without moving its mark',
    rule: '7: prunedTo moves in the transaction that prunes',
    file: 'pipeline/prune.ts',
    find: 'AND seq <= (SELECT pruned_to FROM invalidation_state WHERE id = 1)',
    replace:
      'AND seq <= (SELECT pruned_to + 40 FROM invalidation_state WHERE id = 1) AND seq < (SELECT max(seq) FROM invalidation_log)',
    scenarios: ['pruning'],
  },
  {
    name: 'pruning what is not processed',
    rule: '7: only processed rows go',
    file: 'pipeline/prune.ts',
    find: 'const DELETE = `DELETE FROM invalidation_log WHERE processed_at IS NOT NULL\nAND',
    replace: 'const DELETE = `DELETE FROM invalidation_log WHERE',
    scenarios: ['pruning'],
  },
  {
    name: 'snapshot trusted without the tail',
    rule: '7: the snapshot is only a start for the tail',
    file: 'fence/refresher.ts',
    find: 'if (snapshot !== null) fence.merge(snapshot)',
    replace:
      'if (snapshot !== null) {\n        fence.merge(snapshot)\n        fence.asOf = runtime.now()\n      }',
    scenarios: ['sleepers', 'steady'],
  },
  {
    name: 'late snapshot moves the head without its patterns',
    rule: '7: merging is a union',
    file: 'fence/fence.ts',
    find: 'for (const [pattern, seq] of snapshot.patterns) this.#index.add(pattern, seq)',
    replace: '',
    scenarios: ['pruning', 'steady'],
  },
  {
    name: 'snapshot lowers the floor',
    rule: '7: patterns, head and floor by max',
    file: 'fence/fence.ts',
    find: 'this.#raiseFloor(snapshot.floor)',
    replace: 'this.floor = Math.min(this.floor, snapshot.floor) - 1',
    scenarios: ['pruning', 'storms'],
  },
]

/** Faults of writing and of restores. */
const writing: readonly Mutant[] = [
  {
    name: 'log row outside the transaction',
    rule: 'every write appends its event in the same batch',
    file: 'write/writer.ts',
    find: 'results = await sql.write(db, [...statements, ...reads, tailStatement(db, asked.head)])',
    replace: `const data = await sql.write(db, statements.slice(0, 1))
      results = [...data, ...(await sql.write(db, [...statements.slice(1), ...reads, tailStatement(db, asked.head)]))]`,
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'own fence not told of the write',
    rule: '3: own writes',
    file: 'write/writer.ts',
    find: 'const applied = refresher.apply(tail, asked, this.#io)',
    replace: "const applied = 'current' as ReturnType<typeof refresher.apply>",
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'own write past a full page not marked',
    rule: '3: if that fails, patterns are marked',
    file: 'write/writer.ts',
    find: "if (seq !== null && applied === 'more') fence.markAt(event.patterns, seq)",
    replace: '',
    scenarios: ['floods'],
  },
  {
    name: 'own write that the fence could not place not marked',
    rule: '3: own writes; 8: restores',
    file: 'write/writer.ts',
    find: "if (seq !== null && (applied === 'ignored' || applied === 'restored')) {",
    replace: 'if (seq !== null && seq < 0) {',
    scenarios: ['restores', 'contention', 'trouble'],
  },
  {
    name: 'entries of other epochs valid',
    rule: '8: entries carry the epoch; other epochs’ are invalid',
    file: 'fence/fence.ts',
    find: 'if (entry.epoch !== this.epoch || entry.stamp',
    replace: 'if (entry.stamp',
    scenarios: ['restores'],
  },
  {
    name: 'new epoch without a reset',
    rule: '8: adopting one resets fence and memory',
    file: 'fence/fence.ts',
    find: "      this.#reset(tail, asked)\n      return 'adopted'",
    replace: "      this.epoch = tail.epoch\n      this.#settle(asked)\n      return 'adopted'",
    scenarios: ['restores'],
  },
  {
    name: 'answer asked under an old epoch adopted',
    rule: '8: an answer asked under another epoch is thrown away',
    file: 'fence/fence.ts',
    find: "if (asked.epoch !== this.epoch) return 'ignored'",
    replace: '',
    scenarios: ['restores'],
  },
  {
    name: 'restore not seen',
    rule: '8: a restored database is seen by max(seq) or another event at the head',
    file: 'fence/fence.ts',
    find: "} else if (isRestored(tail, asked)) return 'restored'",
    replace: '}',
    scenarios: ['restores'],
  },
]

/** Faults of the pipeline and of the limits. */
const pipeline: readonly Mutant[] = [
  {
    name: 'ack before the effect',
    rule: 'flow Events: acked only after its effect',
    file: 'pipeline/events.ts',
    find: '    if (writes.length > 0) await db.batch(writes)\n',
    replace:
      '    for (const message of messages) message.ack()\n    if (writes.length > 0) await db.batch(writes)\n',
    scenarios: ['queues'],
  },
  {
    name: 'processed before the warm jobs are sent',
    rule: 'flow Events: mark processed after the effect',
    file: 'pipeline/events.ts',
    find: '  await deps.warm(\n',
    replace: `  const early = JSON.stringify(open.map((row) => row.event_id))
  await deps.db.batch([deps.db.prepare(MARK).bind(early, deps.runtime.now())])
  await deps.warm(\n`,
    scenarios: ['queues'],
  },
  {
    name: 'relay sends once',
    rule: 'the relay repeats what is lost',
    file: 'pipeline/relay.ts',
    find: 'WHERE processed_at IS NULL\nAND coalesce',
    replace: 'WHERE processed_at IS NULL AND sent_at IS NULL\nAND coalesce',
    scenarios: ['queues'],
  },
  {
    name: 'dead letters acked before they are kept',
    rule: 'all end processed or in the dead letters',
    file: 'pipeline/dead-letters.ts',
    find: '  const now = deps.now()\n',
    replace: '  const now = deps.now()\n  for (const message of messages) message.ack()\n',
    scenarios: ['queues'],
  },
  {
    name: 'private values warmed',
    rule: '11: private data is never warmed',
    file: 'pipeline/warm.ts',
    find: "return visibility === 'private' ?",
    replace: "return visibility === 'public' && job.priority > 9 ?",
    scenarios: ['queues'],
  },
  {
    name: 'a batch over the queue’s limit',
    rule: 'PLATFORM: at most 100 messages in one sendBatch',
    file: 'pipeline/batches.ts',
    find: 'const MAX_BATCH_MESSAGES = 100',
    replace: 'const MAX_BATCH_MESSAGES = 1000',
    scenarios: ['floods'],
  },
  {
    name: 'an expiration below KV’s least',
    rule: 'PLATFORM: expirationTtl at least 60 s',
    file: 'kv/kv-tier.ts',
    find: 'Math.max(MIN_EXPIRATION_SECONDS, seconds)',
    replace: 'seconds',
    scenarios: ['steady'],
  },
  {
    name: 'a keeper for any Δ',
    rule: 'PLATFORM: 1,000 D1 queries an invocation',
    file: 'fence/keeper.ts',
    find: 'const LEAST_KEPT_MS = 500',
    replace: 'const LEAST_KEPT_MS = 1',
    scenarios: ['contention', 'steady'],
  },
  {
    name: 'breaker never closes',
    rule: 'flow Read 4: a probe closes the breaker',
    file: 'breaker.ts',
    find: '  succeeded(): void {\n    this.#failures = 0',
    replace: '  succeeded(): void {',
    scenarios: ['trouble'],
  },
]

export const mutants: readonly Mutant[] = [...reading, ...fencing, ...writing, ...pipeline]
