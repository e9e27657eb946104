// The same routes behind what others have for it: /cachified/…, /sonic/… and so on, each over the same database and the same values.
import { cachified } from '@epic-web/cachified'
import { FIRST_CONTENT_PAGE, resources } from '@freshet/cms'
import { CacheService } from '@sonicjs-cms/core/services'
import { cloudflareKvCacheAdapter } from 'cachified-adapter-cloudflare-kv'
import { Loader } from 'layered-loader/core'

const TTL_SECONDS = 3600

/** Of the isolate, as it makes one itself. It has no second tier. */
const sonic = new CacheService({ ttl: TTL_SECONDS, keyPrefix: 'content' })

/** Likewise of the isolate. */
const layered = new Loader({
  inMemoryCache: { cacheType: 'lru-object', ttlInMsecs: TTL_SECONDS * 1000, maxItems: 10_000 },
  dataSourceGetOneFn: ({ load }) => load(),
  cacheKeyFromLoadParamsResolver: ({ key }) => key,
})
/** What many write themselves; a load that fails leaves it. */
const promises = new Map()

export default {
  async fetch(request, env, ctx) {
    const [, system, kind, id] = new URL(request.url).pathname.split('/')
    const load = () => (kind === 'item' ? loadItem(env.DB, id) : loadList(env.DB))
    const value = await CACHED[system](`${kind}:${id}`, load, env, ctx)
    return Response.json(kind === 'item' ? { data: value } : value)
  },
}

const CACHED = {
  cachified: (key, getFreshValue, env, ctx) =>
    cachified({
      key,
      cache: cloudflareKvCacheAdapter({ kv: env.CACHE, keyPrefix: 'cachified' }),
      getFreshValue,
      ttl: TTL_SECONDS * 1000,
      waitUntil: ctx.waitUntil.bind(ctx),
    }),
  sonic: (key, load) => sonic.getOrSet(sonic.generateKey('route', key), load),
  layered: (key, load) => layered.get({ key, load }),
  promises(key, load) {
    let running = promises.get(key)
    if (running === undefined) {
      running = load()
      promises.set(key, running)
      running.catch(() => promises.delete(key))
    }
    return running
  },
}

async function loadItem(db, id) {
  const { statements, decode } = resources.contentItem.at({ id }).load(db)
  return decode(await db.batch(statements))
}

async function loadList(db) {
  const { statements, decode } = resources.contentFeed.at(FIRST_CONTENT_PAGE).load(db)
  return decode(await db.batch(statements))
}
