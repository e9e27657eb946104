type Handler = (event: unknown, env: object, ctx: object) => unknown

/** The Worker's handlers, each with the slow bindings in place of its own. */
export function withLatency<Name extends string>(
  worker: Record<Name, (event: unknown, env: never, ctx: object) => unknown>,
  delays: { d1Ms: number; kvMs: number },
): Record<Name, Handler>
