/**
 * A sample of counts whose expected sums are the true ones: what is large is always in it, what is small by its size, and then
 * stands for others as small. Priority sampling with a least threshold (Duffield, Lund and Thorup, "Priority sampling for
 * estimation of arbitrary subset sums", Journal of the ACM 54(6), 2007).
 * @param least what counts for less than this is told of only by chance, and then as so much
 * @param most how many counts at the most
 * @returns the largest first
 */
export function sampleReads<Of extends { reads: number }>(
  counts: readonly Of[],
  { least, most }: { least: number; most: number },
  random: () => number,
): Of[] {
  const drawn = counts
    // 1 − random() is never 0.
    .map((of) => ({ of, priority: of.reads / (1 - random()) }))
    .sort((a, b) => b.priority - a.priority)
  const threshold = Math.max(least, drawn[most]?.priority ?? 0)
  return drawn
    .slice(0, most)
    .filter(({ priority }) => priority >= threshold)
    .map(({ of }) => ({ ...of, reads: Math.max(of.reads, threshold) }))
}
