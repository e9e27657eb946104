import type { Operations } from '../meter.ts'
import { type MakeSystem, type Request, Site, type Staleness } from './site.ts'

/** Over all isolates. */
export const REQUESTS_PER_SECOND = 100

/** What a design asked of the platform for some requests. */
export interface Figures extends Staleness {
  requests: number
  operations: Operations
}

/** Serves requests through a design, from a cold start. */
export async function figuresOf(
  make: MakeSystem,
  posts: number,
  requests: readonly Request[],
  isolates: number,
): Promise<Figures> {
  const site = new Site(posts)
  const staleness = await site.serve(requests, REQUESTS_PER_SECOND, make(site, isolates))
  return { requests: requests.length, ...staleness, operations: site.meter.operations }
}
