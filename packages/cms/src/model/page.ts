import * as v from 'valibot'

/** One page of a list, as a whole answer. */
export interface Page<T> {
  data: T[]
  meta: { total: number; limit: number; offset: number }
}

/** A list that is never paged, as a whole answer. */
export interface Listing<T> {
  data: T[]
  meta: { total: number }
}

/** @returns the schema of a page of `item` */
export function pageOf<T>(item: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, Page<T>> {
  return v.object({
    data: v.array(item),
    meta: v.object({ total: v.number(), limit: v.number(), offset: v.number() }),
  })
}

/** @returns the schema of an unpaged list of `item` */
export function listingOf<T>(item: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, Listing<T>> {
  return v.object({ data: v.array(item), meta: v.object({ total: v.number() }) })
}
