// Wraps a Worker's bindings, so that a test can make each of them fail or lag in real workerd. Never part of production code:
// the test's stack puts it before the bundled Worker.

const chaos = { kv: 'ok', events: 'ok', d1: 'ok', d1DelayMs: 0, d1Batches: 0, hangNext: 0 }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function failing(binding, mode) {
  return new Proxy(binding, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args) =>
        chaos[mode] === 'ok' ? value.apply(target, args) : Promise.reject(new Error(`${mode} ${chaos[mode]}`))
    },
  })
}

function slow(db) {
  return {
    prepare: (sql) => db.prepare(sql),
    async batch(statements) {
      chaos.d1Batches++
      if (chaos.d1 !== 'ok') throw new Error(`D1_ERROR: ${chaos.d1}`)
      if (chaos.hangNext > 0) {
        chaos.hangNext--
        await new Promise(() => {})
      }
      if (chaos.d1DelayMs > 0) await sleep(chaos.d1DelayMs)
      if (chaos.d1 !== 'ok') throw new Error(`D1_ERROR: ${chaos.d1}`)
      return db.batch(statements)
    },
  }
}

const wrap = (env) => ({
  ...env,
  DB: slow(env.DB),
  CACHE: failing(env.CACHE, 'kv'),
  EVENTS: failing(env.EVENTS, 'events'),
})

/** The Worker behind bindings that POST /__chaos can break. */
export const withChaos = (worker) => ({
  async fetch(request, env, ctx) {
    const url = new URL(request.url)
    if (url.pathname !== '/__chaos') return worker.fetch(request, wrap(env), ctx)
    if (request.method === 'POST') Object.assign(chaos, await request.json())
    return Response.json(chaos)
  },
})
