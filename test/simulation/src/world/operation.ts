import type { EventLoop } from './event-loop.ts'
import { currentInvocation } from './invocation.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/** How operations of a tier go wrong, and how often. */
export interface OperationFaults {
  errorShare: number
  /** Share of operations that are never answered. */
  hangShare: number
  slowShare: number
}

/** What operations of a tier go through. */
export interface OperationWorld {
  loop: EventLoop
  network: Network
  random: Random
}

/** Does something at a tier for the invocation whose code is running: over a connection, there and back, unless it goes wrong. */
export function operate<T>(
  { loop, network, random }: OperationWorld,
  { errorShare, hangShare, slowShare }: OperationFaults,
  act: (location: number) => T,
): Promise<T> {
  const invocation = currentInvocation()
  return new Promise((resolve, reject) => {
    invocation.connect(() => {
      const { host } = invocation
      if (random.chance(hangShare)) {
        host.met('kv', loop.now)
        invocation.hung++
        return
      }
      const late = random.chance(slowShare) ? random.between(200, 3_000) : 0
      if (late > 0) host.met('kv', loop.now + late)
      loop.after(network.kvLatency() + late, () => {
        let answer: () => void
        try {
          if (random.chance(errorShare)) throw new Error('KV failed: 500 Internal Server Error')
          const value = act(host.location)
          answer = () => resolve(value)
        } catch (error) {
          host.met('kv', loop.now)
          answer = () => reject(error)
        }
        loop.after(network.kvLatency(), () =>
          invocation.deliver(() => {
            invocation.disconnect()
            answer()
          }),
        )
      })
    })
  })
}
