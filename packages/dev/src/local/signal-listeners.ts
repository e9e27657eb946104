const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Calls `create` and takes the process's signals back from what it makes: Miniflare ends the whole process at the first
 * signal, before anything else could be tidied up. Its listener for `exit`, which ends workerd, stays.
 */
export function keepSignals<T>(create: () => T): T {
  const before = new Set(SIGNALS.flatMap((signal) => process.listeners(signal)))
  const created = create()
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (!before.has(listener)) process.off(signal, listener)
    }
  }
  return created
}
