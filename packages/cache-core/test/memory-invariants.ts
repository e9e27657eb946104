import type { Fifo } from '../src/memory/fifo.ts'
import type { MemoryTier } from '../src/memory/memory-tier.ts'
import type { Slot } from '../src/memory/slot.ts'

/** Walks through all that a tier holds. @returns what is not as it has to be; nothing, when all is well */
export function problemsOf(tier: MemoryTier): string[] {
  const { queues, limits } = tier
  const keys = new Set<string>()
  const problems = Object.entries(queues).flatMap(([name, queue]) => [
    ...problemsOfQueue(name, queue, keys),
    ...slotsOf(queue)
      .filter(({ entry }) => entry.found === (name === 'absent'))
      .map(({ key }) => `${key} is in ${name}`),
    ...slotsOf(queue)
      .filter((slot) => tier.find(slot.key) !== slot)
      .map(({ key }) => `${key} is in ${name}, but not to be found`),
  ])
  const check = (isWell: boolean, problem: string) => {
    if (!isWell) problems.push(problem)
  }
  const listed = [...tier.list()].length
  check(listed === keys.size, `${listed} are listed, ${keys.size} in queues`)
  check(tier.entries === keys.size, `${tier.entries} entries, ${keys.size} in queues`)
  check(tier.entries <= limits.maxEntries, `${tier.entries} entries`)
  check(tier.bytes <= limits.maxBytes, `${tier.bytes} bytes`)
  check(queues.absent.entries <= limits.maxAbsent, `${queues.absent.entries} not found`)
  return problems
}

function problemsOfQueue(name: string, queue: Fifo, keys: Set<string>): string[] {
  const problems: string[] = []
  const check = (isWell: boolean, problem: string) => {
    if (!isWell) problems.push(`${name}: ${problem}`)
  }
  let before: Slot | null = null
  let bytes = 0
  let entries = 0
  let arrival = 0
  for (const slot of slotsOf(queue)) {
    const { key, hits, weighed, taken, credit } = slot
    check(slot.queue === queue && slot.before === before, `${key} is not linked`)
    check(!keys.has(key), `${key} stands twice`)
    check(slot.bytes === key.length + slot.entry.bytes, `${key} has ${slot.bytes} bytes`)
    check(weighed >= 0 && weighed <= hits && taken >= 0 && taken <= hits, `${key} counts wrongly`)
    check(credit >= 0 && credit <= 5, `${key} has a credit of ${credit}`)
    check(name === 'main' || slot.arrival > arrival, `${key} is out of order`)
    keys.add(key)
    before = slot
    arrival = slot.arrival
    bytes += slot.bytes
    entries++
  }
  check(queue.last === before, 'the last one is another')
  check(queue.bytes === bytes && queue.entries === entries, `${queue.entries} entries, ${queue.bytes} bytes`)
  return problems
}

function slotsOf(queue: Fifo): Slot[] {
  const slots: Slot[] = []
  for (let slot = queue.first; slot !== null; slot = slot.after) slots.push(slot)
  return slots
}
