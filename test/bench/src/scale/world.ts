import { seeded } from '../random.ts'

/** A site under load, and how Freshet is set up over it. */
export interface Scale {
  /** Requests a second, over all locations. */
  requestsPerSecond: number
  locations: number
  isolatesPerLocation: number
  /** Keys that are read, their popularity by Zipf. */
  keys: number
  exponent: number
  /** Changes a second, each of one key, popular ones more often. */
  writesPerSecond: number
  /** Δ, s. */
  deltaSeconds: number
  /** Part of the requests that also read a session, whose Δ is 1 s. */
  sessionShare: number
  ttlSeconds: number
  /** Entries that one isolate keeps. */
  memoryEntries: number
  /** Names that a change invalidates: that of what changed, and others that nobody else's change has. */
  namesPerChange: number
  /** Names that an entry depends on besides its key, which do not change here: only what shares their places does. */
  tagsPerEntry: number
  /** Patterns that a fence knows by name before it folds the older half of them. */
  fencePatterns: number
  /** Places that folded names share. */
  foldedPlaces: number
  /** Whether isolates of a location share entries through the Cache API. */
  locationTier: boolean
  /** Virtual time: the first part fills the caches and is not counted. */
  warmUpSeconds: number
  seconds: number
}

/** What was counted. All but the staleness is a rate per second. */
export interface Counts {
  memoryHits: number
  locationHits: number
  kvHits: number
  loads: number
  /** Loads of a key within two minutes of a change of it. */
  loadsAfterChange: number
  fenceQueries: number
  /** Of keys whose value KV has: a folded name shares the place of the key or of a tag, which made it invalid or moved the key's name. */
  loadsByFolds: number
  kvReads: number
  kvWrites: number
  staleMs: readonly number[]
  stale: number
}

/** Requests a second that are followed; of larger sites, one key stands for several. */
const FOLLOWED_PER_SECOND = 2_000
/** KV answers "not found" for this long where it was asked too early. */
const NEGATIVE_MS = 60_000
/** From a change to its warmed entry in KV: queue, batch, load. */
const WARMED_AFTER_MS = 2_000
/** A load and its write to KV, until others can see it. */
const FILL_MS = 200
/** How long a request keeps its isolate's fence fresh. */
const KEEP_MS = 25_000
const SESSION_DELTA_MS = 1_000
/** The rate of loads is that of the last minute. */
const WINDOW_MS = 60_000
const AFTER_CHANGE_MS = 120_000

interface Held {
  version: number
  loadedAt: number
  until: number
}

/** As KV has it, or a location. */
interface Stored extends Held {
  /** The generation in its name, as the time of the change that it stands for. */
  generation: number
}

class IsolateModel {
  /** In the order of their last use. */
  readonly memory = new Map<number, Held>()
  asOf = Number.NEGATIVE_INFINITY
  lastRequest = Number.NEGATIVE_INFINITY
  lastSession = Number.NEGATIVE_INFINITY
  readonly location: number

  constructor(location: number) {
    this.location = location
  }
}

/**
 * Counts what a site of any size asks of the platform. Tiers, fence, names in KV, lifetimes and warming follow the rules of the
 * library, a test holds the counts against the library's own; KV's cached "not found" is there, its lateness is not. Of a large site only
 * one key in so many is followed, with that part of the load and of the memory: miss ratios come out the same (Waldspurger, Park,
 * Garthwaite and Ahmad, "Efficient MRC Construction with SHARDS", FAST 2015).
 */
export function countOperations(
  scale: Scale,
  sampleOf = Math.max(1, Math.round(scale.requestsPerSecond / FOLLOWED_PER_SECOND)),
): Counts {
  const random = seeded(11)
  const keys = Math.max(1, Math.round(scale.keys / sampleOf))
  const capacity = Math.max(1, Math.round(scale.memoryEntries / sampleOf))
  const pick = zipf(keys, scale.exponent, sampleOf, random)
  const isolates = Array.from(
    { length: scale.locations * scale.isolatesPerLocation },
    (_, i) => new IsolateModel(i % scale.locations),
  )
  const pickLocation = zipf(scale.locations, 0.6, 1, random)
  /** Times of the changes of each key. */
  const changes: number[][] = Array.from({ length: keys }, () => [])
  /** When the names changed that the fences know, the keys' own first, then what else changed with them. */
  const patterns = new Map<number, number>()
  const mostPatterns = Math.max(2, Math.round(scale.fencePatterns / sampleOf))
  /** At each place, the last change of those that were folded there. */
  const foldedAt = new Float64Array(Math.max(1, Math.round(scale.foldedPlaces / sampleOf)))
  foldedAt.fill(Number.NEGATIVE_INFINITY)
  const pickPlace = seeded(12)
  const places = Int32Array.from({ length: keys * scale.namesPerChange }, () =>
    Math.floor(pickPlace() * foldedAt.length),
  )
  const kv = new Map<number, Stored & { seenFrom: number }>()
  const shared = new Map<number, Stored>()
  const negative = new Map<number, { generation: number; until: number }>()
  const fills: { at: number; key: number }[] = []
  const totals = {
    memoryHits: 0,
    locationHits: 0,
    kvHits: 0,
    loads: 0,
    loadsAfterChange: 0,
    loadsByFolds: 0,
    fenceQueries: 0,
    kvReads: 0,
    kvWrites: 0,
    stale: 0,
  }
  const staleMs: number[] = []
  const ttlMs = () => scale.ttlSeconds * 1000 * (0.9 + 0.2 * random())
  const stepMs = (1000 / scale.requestsPerSecond) * sampleOf
  const endMs = (scale.warmUpSeconds + scale.seconds) * 1000
  const writeShare = scale.writesPerSecond / scale.requestsPerSecond
  // Whether there was a session among the requests that one stands for.
  const sessionShare = 1 - (1 - scale.sessionShare) ** sampleOf
  let fillsDone = 0
  let counted = false
  const window = { loads: 0, rate: 0, until: 0 }

  /** How many changes of a key a fence of that time has seen. */
  const versionAt = (key: number, asOf: number): number => {
    const times = changes[key] ?? []
    let version = times.length
    while (version > 0 && (times[version - 1] ?? 0) > asOf) version--
    return version
  }

  const tagPlaces = Int32Array.from({ length: keys * scale.tagsPerEntry }, () =>
    Math.floor(pickPlace() * foldedAt.length),
  )
  const foldedOf = (name: number): number => foldedAt[places[name] ?? 0] ?? 0
  /** Of an entry, by its key or by a tag. */
  const foldedOfAny = (key: number): number => {
    let newest = foldedOf(key)
    for (let i = 0; i < scale.tagsPerEntry; i++) {
      const folded = foldedAt[tagPlaces[i * keys + key] ?? 0] ?? 0
      if (folded > newest) newest = folded
    }
    return newest
  }

  const generationOf = (key: number): number =>
    Math.max(patterns.get(key) ?? Number.NEGATIVE_INFINITY, foldedOf(key))

  /** All fences are taken to fold at the same time. */
  function noteChange(key: number, now: number): void {
    for (let i = 0; i < scale.namesPerChange; i++) {
      const name = i * keys + key
      patterns.delete(name)
      patterns.set(name, now)
    }
    if (patterns.size <= mostPatterns) return
    const older = [...patterns].slice(0, Math.ceil(patterns.size / 2))
    for (const [name, changedAt] of older) {
      patterns.delete(name)
      // In the order of their changes: the last one stays.
      foldedAt[places[name] ?? 0] = changedAt
    }
  }

  function refresh(isolate: IsolateModel, now: number, hasSession: boolean): void {
    const isShort = hasSession || now - isolate.lastSession < KEEP_MS
    const period = isShort ? SESSION_DELTA_MS / 2 : 0.8 * scale.deltaSeconds * 1000
    const most = hasSession ? SESSION_DELTA_MS : scale.deltaSeconds * 1000
    // What its keeper did behind earlier answers.
    const kept = Math.min(now, isolate.lastRequest + KEEP_MS)
    const ticks = Math.max(0, Math.floor((kept - isolate.asOf) / period))
    if (Number.isFinite(isolate.asOf)) {
      // Loads of keys that are not followed refresh the fence as well: then its keeper has nothing to do.
      const loads = unseenLoads(now)
      totals.fenceQueries += (ticks * shareOfTicks(loads * period)) / sampleOf
      isolate.asOf += ticks * period
      if (loads > 0) isolate.asOf = Math.max(isolate.asOf, now + Math.log(1 - random()) / loads)
    }
    if (now - isolate.asOf > most) {
      totals.fenceQueries += 1 / sampleOf
      isolate.asOf = now
    }
    isolate.lastRequest = now
    if (hasSession) isolate.lastSession = now
  }

  /** Loads of keys that are not followed, by one isolate in a millisecond. */
  function unseenLoads(now: number): number {
    if (now >= window.until) {
      window.rate = window.loads / WINDOW_MS
      window.loads = 0
      window.until = now + WINDOW_MS
    }
    return (window.rate * (sampleOf - 1)) / isolates.length
  }

  function remember(isolate: IsolateModel, key: number, held: Held): void {
    isolate.memory.delete(key)
    isolate.memory.set(key, held)
    if (isolate.memory.size > capacity) {
      const [oldest] = isolate.memory.keys()
      if (oldest !== undefined) isolate.memory.delete(oldest)
    }
  }

  function read(isolate: IsolateModel, key: number, now: number): void {
    const known = versionAt(key, isolate.asOf)
    const isGood = (held: Held | undefined): held is Held =>
      held !== undefined && held.until > now && held.version >= known && held.loadedAt >= foldedOfAny(key)
    const generation = generationOf(key)
    const isFound = (stored: Stored | undefined): stored is Stored =>
      isGood(stored) && stored.generation === generation
    const served = (held: Held) => {
      remember(isolate, key, held)
      const times = changes[key] ?? []
      if (held.version >= times.length) return
      totals.stale++
      if (counted) staleMs.push(now - (times[held.version] ?? now))
    }
    const own = isolate.memory.get(key)
    if (isGood(own)) {
      totals.memoryHits++
      served(own)
      return
    }
    const here = isolate.location * keys + key
    if (scale.locationTier) {
      const held = shared.get(here)
      if (isFound(held)) {
        totals.locationHits++
        served(held)
        return
      }
    }
    totals.kvReads++
    const missing = negative.get(here)
    const isHidden = missing !== undefined && missing.generation === generation && missing.until > now
    const stored = kv.get(key)
    if (!isHidden && isFound(stored) && stored.seenFrom <= now) {
      totals.kvHits++
      shared.set(here, stored)
      served(stored)
      return
    }
    if (!isHidden) negative.set(here, { generation, until: now + NEGATIVE_MS })
    totals.loads++
    window.loads++
    const times = changes[key] ?? []
    if (now - (times.at(-1) ?? Number.NEGATIVE_INFINITY) < AFTER_CHANGE_MS) totals.loadsAfterChange++
    const isUnchanged = stored !== undefined && stored.version === times.length && stored.until > now
    if (
      isUnchanged &&
      (stored.loadedAt < foldedOfAny(key) || (stored.generation !== generation && !isHidden))
    )
      totals.loadsByFolds++
    // The tail of the log rides along.
    isolate.asOf = now
    const held = { version: times.length, loadedAt: now, until: now + ttlMs() }
    store(key, held, now + FILL_MS)
    shared.set(here, { ...held, generation })
    served(held)
  }

  /** The writer's own fence hears of it at once, and its memory has the new value. */
  function write(isolate: IsolateModel, key: number, now: number): void {
    const times = changes[key] ?? []
    times.push(now)
    noteChange(key, now)
    isolate.asOf = now
    const held = { version: times.length, loadedAt: now, until: now + ttlMs() }
    remember(isolate, key, held)
    store(key, held, now + FILL_MS)
    fills.push({ at: now + WARMED_AFTER_MS, key })
  }

  function store(key: number, held: Held, seenFrom: number): void {
    totals.kvWrites++
    const other = kv.get(key)
    const generation = generationOf(key)
    const isNewer =
      other === undefined ||
      other.version < held.version ||
      other.generation !== generation ||
      other.loadedAt < foldedOfAny(key)
    if (isNewer || other.until <= seenFrom) kv.set(key, { ...held, generation, seenFrom })
  }

  const zero = () => {
    counted = true
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] = 0
  }
  for (let now = 0; now < endMs; now += stepMs) {
    if (!counted && now >= scale.warmUpSeconds * 1000) zero()
    for (let next = fills[fillsDone]; next !== undefined && next.at <= now; next = fills[++fillsDone])
      store(next.key, { version: changes[next.key]?.length ?? 0, loadedAt: now, until: now + ttlMs() }, now)
    const key = pick()
    const place = pickLocation() + scale.locations * Math.floor(random() * scale.isolatesPerLocation)
    const isolate = isolates[place]
    if (isolate === undefined) throw new RangeError('no such isolate')
    if (random() < writeShare) {
      write(isolate, key, now)
      continue
    }
    refresh(isolate, now, random() < sessionShare)
    read(isolate, key, now)
  }
  const perSecond = (n: number) => (n * sampleOf) / scale.seconds
  const { fenceQueries, ...others } = totals
  return {
    ...mapValues(others, perSecond),
    // Isolates are not sampled: their keepers are all there.
    fenceQueries: perSecond(fenceQueries),
    staleMs: staleMs.sort((a, b) => a - b),
  }
}

/** Of the refreshes of a keeper, those that are left when loads come at random, so many in each of its periods. */
function shareOfTicks(loadsAPeriod: number): number {
  return loadsAPeriod === 0 ? 1 : loadsAPeriod / Math.expm1(loadsAPeriod)
}

function mapValues<Name extends string>(
  values: Record<Name, number>,
  of: (n: number) => number,
): Record<Name, number> {
  const mapped = { ...values }
  for (const name of Object.keys(values) as Name[]) mapped[name] = of(values[name])
  return mapped
}

/** Ranks from 0, by how popular they are; each stands for so many neighbours, and is as popular as they are on average. */
function zipf(count: number, exponent: number, neighbours: number, random: () => number): () => number {
  const sums = new Float64Array(count)
  let total = 0
  for (let rank = 0; rank < count; rank++) {
    for (let own = 1; own <= neighbours; own++) total += (rank * neighbours + own) ** -exponent
    sums[rank] = total
  }
  return () => {
    const at = random() * total
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sums[middle] ?? 0) > at) high = middle
      else low = middle + 1
    }
    return low
  }
}
