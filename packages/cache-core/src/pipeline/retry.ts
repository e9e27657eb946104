const BASE_SECONDS = 2
const CAP_SECONDS = 600

/**
 * Delay before another attempt: full jitter over an exponentially growing span, so that what failed together does not
 * come back together. Source: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 * @param attempts deliveries so far, from 1
 * @param random uniform in [0, 1)
 * @returns whole seconds, at least 1
 */
export function retryDelaySeconds(attempts: number, random: number): number {
  const span = Math.min(CAP_SECONDS, BASE_SECONDS * 2 ** Math.min(attempts, 20))
  return Math.max(1, Math.ceil(span * random))
}

/** Least and longest delay of what finds everything busy. */
const LEAST_DEFERRAL_SECONDS = 10
const LONGEST_DEFERRAL_SECONDS = 300

/**
 * Delay of a job that found everything busy: at least ten seconds, and with jitter as long again as it has waited already.
 * @param ageMs since the job was first sent
 * @param random uniform in [0, 1)
 */
export function deferralSeconds(ageMs: number, random: number): number {
  const span = Math.min(LONGEST_DEFERRAL_SECONDS, LEAST_DEFERRAL_SECONDS + Math.max(0, ageMs) / 1000)
  return LEAST_DEFERRAL_SECONDS + Math.floor(span * random)
}
