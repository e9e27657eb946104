// Puts a Worker behind bindings that take as long as they do in production, since local ones answer at once. Never part of
// production code: `npm run replay -- --latency` puts it before the bundled Workers.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** The object with every function delayed, but for those in `instead`. */
function delayed(object, ms, instead = {}) {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(instead, name)) return instead[name]
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...args) => {
        await sleep(ms)
        return value.apply(target, args)
      }
    },
  })
}

/** D1 takes only its own statements. */
const originals = new WeakMap()

function slowStatement(statement, ms) {
  const slow = delayed(statement, ms, { bind: (...values) => slowStatement(statement.bind(...values), ms) })
  originals.set(slow, statement)
  return slow
}

/** Preparing a statement goes to no network: only its execution does, alone or in a batch. */
function slowDatabase(db, ms) {
  return delayed(db, ms, {
    prepare: (sql) => slowStatement(db.prepare(sql), ms),
    batch: async (statements) => {
      await sleep(ms)
      return db.batch(statements.map((statement) => originals.get(statement)))
    },
  })
}

function wrap(env, { d1Ms, kvMs }) {
  const own = { ...env }
  if (env.DB) own.DB = slowDatabase(env.DB, d1Ms)
  if (env.CACHE) own.CACHE = delayed(env.CACHE, kvMs)
  return own
}

/** The Worker's handlers, each with the slow bindings in place of its own. */
export function withLatency(worker, delays) {
  // A binding stays the same object for as long as the Worker has one environment.
  const wrapped = new WeakMap()
  const wrapOnce = (env) => {
    if (!wrapped.has(env)) wrapped.set(env, wrap(env, delays))
    return wrapped.get(env)
  }
  return Object.fromEntries(
    Object.entries(worker).map(([name, handler]) => [
      name,
      (event, env, ctx) => handler.call(worker, event, wrapOnce(env), ctx),
    ]),
  )
}
