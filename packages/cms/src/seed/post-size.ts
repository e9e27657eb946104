import type { Faker } from '@faker-js/faker'

const MIN_BYTES = 1000
const MAX_BYTES = 20_000
/** Log-normal, as sizes of texts are: half of the posts below 2.6 KB, a few large ones, a mean of about 3.5 KB. */
const MEDIAN_BYTES = 2600
const SIGMA = 0.75

/** How many bytes the data of a post has. */
export function postSize(faker: Faker): number {
  const normal =
    Math.sqrt(-2 * Math.log(1 - faker.number.float())) * Math.cos(2 * Math.PI * faker.number.float())
  return Math.round(Math.min(MAX_BYTES, Math.max(MIN_BYTES, MEDIAN_BYTES * Math.exp(SIGMA * normal))))
}
