// Puts a Worker behind a D1 that a bench slows and breaks, and counts what the Worker asks of D1 and KV. Never part of production
// code: the bench puts it before the bundled Worker, which is then told by POST to /__meter, and read by GET.

const none = { requests: 0, loads: 0, ended: 0, d1Calls: 0, kvReads: 0 }
const meter = { d1Ms: 0, isBroken: false, ...none }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Statements that read a post: what each of the systems loads by. */
const loading = new WeakSet()

function meteredDatabase(db) {
  return {
    prepare(sql) {
      const statement = db.prepare(sql)
      if (!/ FROM content AS c /.test(sql)) return statement
      return {
        bind(...values) {
          const bound = statement.bind(...values)
          loading.add(bound)
          return bound
        },
      }
    },
    async batch(statements) {
      meter.d1Calls++
      const isLoad = statements.some((statement) => loading.has(statement))
      if (isLoad) meter.loads++
      await sleep(meter.d1Ms)
      // Whoever is cancelled does not get here.
      if (isLoad) meter.ended++
      if (isLoad && meter.isBroken) throw new Error('D1_ERROR: the load fails')
      return db.batch(statements)
    },
  }
}

function meteredKv(kv) {
  return new Proxy(kv, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args) => {
        if (name === 'get' || name === 'getWithMetadata') meter.kvReads++
        return value.apply(target, args)
      }
    },
  })
}

/** The Worker's handlers, each with the metered bindings in place of its own. */
export function withMeter(worker) {
  // A binding stays the same object for as long as the Worker has one environment.
  const wrapped = new WeakMap()
  const wrapOnce = (env) => {
    if (!wrapped.has(env))
      wrapped.set(env, { ...env, DB: meteredDatabase(env.DB), CACHE: meteredKv(env.CACHE) })
    return wrapped.get(env)
  }
  return {
    ...worker,
    async fetch(request, env, ctx) {
      if (new URL(request.url).pathname !== '/__meter') {
        meter.requests++
        return worker.fetch(request, wrapOnce(env), ctx)
      }
      if (request.method === 'POST') Object.assign(meter, none, await request.json())
      return Response.json(meter)
    },
  }
}
