import type { MessageQueue } from '@freshet/cache-core'
import { type QueueMessage, recipeText } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'
import { NO_D1_FAULTS, SimD1 } from '../world/d1.ts'
import { START } from '../world/event-loop.ts'
import { sleep } from '../world/host.ts'
import type { Random } from '../world/random.ts'
import type { World } from '../world/world.ts'
import { seqOf, WarmBody } from './deliveries.ts'

/** The newest rows that are delivered again: a flood has thousands. */
const MOST_ROWS = 250
const MOST_COPIES = 11
const MOST_IN_BATCH = 100
/** What goes wrong on the way of the second delivery. */
const FAIL_SHARE = 0.05
const REFUSE_SHARE = 0.1
/** Rows that are still not processed come again, after this long and so often. */
const RELAY_MS = 2_000
const MOST_ROUNDS = 30
/** It takes minutes; more than this, and it will not end. */
const LONGEST_MS = 3_600_000

const Row = v.object({ event_id: v.string(), type: v.string(), payload: v.pipe(v.string(), v.parseJson()) })

/**
 * P4's other half: what the events' consumer makes of a log is the same for any order and number of deliveries. A copy of the
 * database gets each event once and in order, another one all of them one to eleven times, permuted, over a D1 and a queue
 * that fail at times.
 */
export function checkRedelivery(world: World): void {
  const { loop, verdicts, random } = world
  const once = new Redelivery(world)
  const bodies = once.bodies()
  once.start(bodies, false)
  const many = new Redelivery(world)
  many.start(
    shuffled(
      bodies.flatMap((body) => Array.from({ length: random.between(1, MOST_COPIES) }, () => body)),
      random,
    ),
    true,
  )
  const until = loop.now + LONGEST_MS
  while (loop.now < until && !(once.isDone && many.isDone)) loop.run(loop.now + 60_000)
  const violate = (what: string) => verdicts.violate('P4', loop.now - START, what)
  verdicts.checked.P4 += bodies.length
  if (!once.isDone || !many.isDone) violate('events that were delivered again were never done')
  const [expected, found] = [once.state(), many.state()]
  const at = expected.findIndex((line, i) => line !== found[i])
  if (at >= 0 || expected.length !== found.length)
    violate(`delivered in another order, and more than once, the end is ${found[at]}, not ${expected[at]}`)
  for (const problem of [...once.unwarmed(), ...many.unwarmed()]) violate(problem)
  once.close()
  many.close()
}

class Redelivery {
  isDone = false
  /** The first row that is delivered again. */
  #from = 0
  readonly #world: World
  readonly #d1: SimD1
  readonly #random: Random
  readonly #warmed = new Map<string, number>()

  constructor(world: World) {
    this.#world = world
    this.#random = world.random
    this.#d1 = new SimD1(world.loop, world.network, world.random)
    this.#d1.restore(world.d1.backup())
  }

  /** Messages of all that is in the log, and of what no consumer can read. */
  bodies(): unknown[] {
    const { poison } = this.#world.audit.deliveries
    return [
      ...this.#bodiesOf('true'),
      ...[...poison].map((body) => JSON.parse(body)).filter((body) => !('recipe' in body)),
    ]
  }

  #bodiesOf(which: string): unknown[] {
    const newest = `SELECT * FROM invalidation_log WHERE ${which} ORDER BY seq DESC LIMIT ${MOST_ROWS}`
    const rows = this.#d1.look(`SELECT event_id, type, payload FROM (${newest}) ORDER BY seq`)
    return v.parse(v.array(Row), rows).map(({ event_id: id, type, payload }) => ({ v: 1, id, type, payload }))
  }

  start(bodies: readonly unknown[], isRough: boolean): void {
    const world = this.#world
    const random = this.#random
    const consumer = world.consumer()
    const { runtime } = consumer
    const newest = `SELECT seq FROM invalidation_log ORDER BY seq DESC LIMIT ${MOST_ROWS}`
    this.#from = Number(this.#d1.look(`SELECT min(seq) AS seq FROM (${newest})`)[0]?.seq ?? 0)
    this.#d1.exec(`UPDATE invalidation_log SET processed_at = NULL WHERE seq >= ${this.#from}`)
    // Those came by a queue, and come again: the consumer has to log them.
    this.#d1.exec("DELETE FROM invalidation_log WHERE event_id LIKE 'produced-%'")
    this.#d1.exec('DELETE FROM dead_letters')
    this.#d1.faults = { ...NO_D1_FAULTS, failShare: isRough ? FAIL_SHARE : 0 }
    const warm: MessageQueue = {
      send: () => Promise.reject(new Error('jobs are sent in batches')),
      sendBatch: async (messages) => {
        if (isRough && random.chance(REFUSE_SHARE)) throw new Error('Queue sendBatch failed: refused')
        for (const { body } of messages) this.#note(body)
      },
    }
    // What is left of a sweep.
    const queue: MessageQueue = {
      send: async (body) => {
        pending.push(new Copy(`rest-${++rests}`, body))
      },
      sendBatch: () => Promise.reject(new Error('a rest is sent alone')),
    }
    let rests = 0
    const lane = async () => {
      for (let batch = take(); batch.length > 0; batch = take()) {
        const ports = { db: this.#d1.database, queue, warm: { high: warm, low: warm } }
        await world.pipeline.events(batch, consumer, ports)
        pending.push(...batch.filter(({ isAcked }) => !isAcked))
      }
    }
    const pending = bodies.map((body, i) => new Copy(`again-${i}`, body))
    const take = () => pending.splice(0, isRough ? random.between(1, MOST_IN_BATCH) : MOST_IN_BATCH)
    world.background('deliver again', async () => {
      for (let round = 0; round < MOST_ROUNDS && pending.length > 0; round++) {
        await Promise.all(isRough ? [lane(), lane()] : [lane()])
        // What a sweep could not finish, the relay sends again.
        await sleep(runtime, RELAY_MS)
        pending.push(
          ...this.#bodiesOf('processed_at IS NULL').map((body) => new Copy(`relay-${++rests}`, body)),
        )
      }
      this.isDone = pending.length === 0
    })
  }

  /** What is left in the end, in words that do not depend on the way there. */
  state(): string[] {
    const rows = this.#d1.look(
      `SELECT event_id, type, payload, patterns, processed_at IS NOT NULL AS is_processed FROM invalidation_log
       ORDER BY event_id`,
    )
    const dead = this.#d1.look('SELECT DISTINCT queue, body FROM dead_letters ORDER BY body')
    return [...rows, ...dead].map((one) => JSON.stringify(one))
  }

  /** Recipes that no job was sent for at the position of the newest event that speaks of them, unless that one calls them gone. */
  unwarmed(): string[] {
    const { model } = this.#world
    const wanted = new Map<string, number>()
    for (const { seq, type, payload } of this.#d1.look(
      'SELECT seq, type, payload FROM invalidation_log WHERE seq >= ? ORDER BY seq',
      this.#from,
    )) {
      if (String(type).startsWith('cache.')) continue
      const { jobs, gone = [] } = model.planOf(String(type), JSON.parse(String(payload)))
      for (const { recipe } of jobs) wanted.set(recipeText(recipe), Number(seq))
      for (const recipe of gone) wanted.delete(recipeText(recipe))
    }
    return [...wanted]
      .filter(([name, seq]) => (this.#warmed.get(name) ?? -1) < seq)
      .map(([name, seq]) => `delivered again, the event at ${seq} is processed without a job ${name}`)
  }

  close(): void {
    this.#d1.close()
  }

  #note(body: unknown): void {
    const { recipe, bookmark = '.0' } = v.parse(WarmBody, body)
    const name = recipeText(recipe)
    this.#warmed.set(name, Math.max(this.#warmed.get(name) ?? 0, seqOf(bookmark)))
  }
}

/** A message that is delivered until it is acked. */
class Copy implements QueueMessage {
  readonly id: string
  readonly body: unknown
  attempts = 1
  isAcked = false

  constructor(id: string, body: unknown) {
    this.id = id
    this.body = body
  }

  ack(): void {
    this.isAcked = true
  }

  retry(): void {
    this.attempts++
  }
}

function shuffled<T>(list: T[], random: Random): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const [a, b] = [list[i], list[j]]
    if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a]
  }
  return list
}
