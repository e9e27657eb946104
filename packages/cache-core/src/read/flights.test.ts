import { ManualRuntime, settle } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import type { CacheEntry } from '../entry.ts'
import { Flights } from './flights.ts'

const entry = { text: '1' } as CacheEntry

/** A load that ends when it is told to. */
function pending() {
  let land: (value: CacheEntry) => void = () => {}
  let crash: (error: Error) => void = () => {}
  const promise = new Promise<CacheEntry>((resolve, reject) => {
    land = resolve
    crash = reject
  })
  promise.catch(() => {})
  return { load: () => promise, land: () => land(entry), crash: () => crash(new Error('crash')) }
}

describe('a flight', () => {
  it('is there for others until it lands', async () => {
    const flights = new Flights()
    const { load, land } = pending()
    const flight = flights.lead('a', 1, 0, load)
    expect([flights.current('a'), flights.current('b'), flights.size]).toEqual([flight, undefined, 1])
    land()
    await settle()
    expect([flights.current('a'), flights.size]).toEqual([undefined, 0])
  })

  it('is there for others until it fails, and fails no later one', async () => {
    const flights = new Flights()
    const { load, crash } = pending()
    flights.lead('a', 1, 0, load)
    crash()
    await settle()
    expect(flights.size).toBe(0)
    expect(await flights.lead('a', 2, 0, async () => entry).entry).toBe(entry)
  })

  it('gives all who joined its entry, or its failure, once', async () => {
    const runtime = new ManualRuntime()
    const flights = new Flights()
    const good = pending()
    const flight = flights.lead('a', 1, runtime.now(), good.load)
    const joined = [flights.join('a', flight, runtime), flights.join('a', flight, runtime)]
    good.land()
    expect(await Promise.all(joined)).toEqual([entry, entry])
    const bad = pending()
    const other = flights.lead('a', 2, runtime.now(), bad.load)
    const failing = [flights.join('a', other, runtime), flights.join('a', other, runtime)]
    bad.crash()
    for (const { status } of await Promise.allSettled(failing)) expect(status).toBe('rejected')
  })

  it('leaves no timer behind', async () => {
    const runtime = new ManualRuntime()
    const cleared: unknown[] = []
    const { clearTimeout } = runtime
    runtime.clearTimeout = (handle) => {
      cleared.push(handle)
      clearTimeout(handle)
    }
    const flights = new Flights()
    const { load, land } = pending()
    const joined = flights.join('a', flights.lead('a', 1, runtime.now(), load), runtime)
    land()
    await joined
    expect(cleared.length).toBe(1)
  })
})

describe('a flight that is never heard of again', () => {
  it('is overdue after 2 s; the first who waited leads anew, and the others join that one', async () => {
    const runtime = new ManualRuntime()
    const flights = new Flights()
    const flight = flights.lead('a', 1, runtime.now(), pending().load)
    const waiting = Array.from({ length: 3 }, () => flights.join('a', flight, runtime))
    await runtime.advance(1999)
    expect(flights.current('a')).toBe(flight)
    await runtime.advance(1)
    expect(await Promise.all(waiting)).toEqual([null, null, null])
    expect(flights.current('a')).toBe(undefined)
  })

  it('keeps whoever joins late only for the rest of its time', async () => {
    const runtime = new ManualRuntime()
    const flights = new Flights()
    const flight = flights.lead('a', 1, runtime.now(), pending().load)
    await runtime.advance(1500)
    const late = flights.join('a', flight, runtime)
    await runtime.advance(500)
    expect(await late).toBe(null)
    expect(await Promise.race([flights.join('a', flight, runtime), runtime.advance(0)])).not.toBe(entry)
  })

  it('is forgotten in the end when nobody comes to wait for it: a key may never be asked for again', () => {
    const flights = new Flights()
    flights.lead('dead', 1, 0, pending().load)
    flights.lead('again', 2, 1, pending().load)
    flights.lead('again', 3, 50_000, pending().load)
    flights.lead('other', 4, 59_999, pending().load)
    expect(flights.size).toBe(3)
    flights.lead('another', 5, 60_000, pending().load)
    expect([flights.current('dead'), flights.size]).toEqual([undefined, 3])
  })

  it('that lands after all leaves the one that took over in its place', async () => {
    const runtime = new ManualRuntime()
    const flights = new Flights()
    const dead = pending()
    const flight = flights.lead('a', 1, runtime.now(), dead.load)
    const waiting = flights.join('a', flight, runtime)
    await runtime.advance(2000)
    await waiting
    const next = flights.lead('a', 2, runtime.now(), pending().load)
    dead.land()
    await settle()
    expect(flights.current('a')).toBe(next)
  })
})
