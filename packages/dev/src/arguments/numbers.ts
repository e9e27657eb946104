import { UsageError } from './usage-error.ts'

/** The range that a number must lie in, ends included. */
export interface Range {
  min: number
  max: number
}

/** The whole number that `text` is; `name` is what the user calls it. */
export function wholeNumber(name: string, text: string, { min, max }: Range): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${name} is "${text}", but must be a whole number from ${min} to ${max}`)
}

/** The number that `text` is, with or without decimals. */
export function decimalNumber(name: string, text: string, { min, max }: Range): number {
  const value = /^\d+(\.\d+)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${name} is "${text}", but must be a number from ${min} to ${max}`)
}
