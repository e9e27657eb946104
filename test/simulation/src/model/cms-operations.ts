import {
  ConfigRepository,
  ContentRepository,
  MediaRepository,
  PluginRepository,
  resources,
  SessionRepository,
  UserRepository,
} from '@freshet/cms'
import * as v from 'valibot'
import { COLLECTIONS, FILES, HASHES, ITEMS, USERS } from './cms-schema.ts'
import type { Operation, WriteContext } from './model.ts'

const Sessions = v.array(v.object({ id: v.string() }))

type Work<R> = (repository: R, context: WriteContext) => Promise<{ bookmark: string | null }>
type Made<R> = new (
  cache: NonNullable<WriteContext['front']['cache']>,
  db: WriteContext['db'],
  clock: WriteContext['runtime'],
) => R

/** An operation of one repository, as a route of the API makes it. */
function through<R>(name: string, weight: number, Repository: Made<R>, work: Work<R>): Operation {
  return {
    name,
    weight,
    needsFreshet: true,
    async run(context) {
      const { cache } = context.front
      if (cache === null) return null
      return (await work(new Repository(cache, cache.db, context.runtime), context)).bookmark
    },
  }
}

/** What editors, visitors and administrators do, through the repositories that the API uses. */
export const cmsOperations: readonly Operation[] = [
  through('edit', 8, ContentRepository, (content, { random, value }) =>
    content.update(random.pick(ITEMS, 2), { title: `T${value()}` }),
  ),
  through('relate', 3, ContentRepository, (content, { random, value }) =>
    content.update(random.pick(ITEMS), {
      title: `R${value()}`,
      authorId: random.chance(0.2) ? null : random.pick(USERS),
      featuredMediaId: random.chance(0.3) ? null : random.pick(FILES),
    }),
  ),
  through('feature', 2, ContentRepository, (content, { random, value }) =>
    content.update(random.pick(ITEMS), { data: { featured: random.chance(0.5), n: value() } }),
  ),
  through('readdress', 2, ContentRepository, async (content, { random, value }) =>
    content.update(random.pick(ITEMS), { slug: random.chance(0.5) ? random.pick(ITEMS) : `s${value()}` }),
  ),
  through('publish', 3, ContentRepository, (content, { random }) => content.publish(random.pick(ITEMS))),
  through('unpublish', 2, ContentRepository, (content, { random }) => content.unpublish(random.pick(ITEMS))),
  through('bulk', 2, ContentRepository, (content, { random }) =>
    content.bulk(random.chance(0.7) ? 'publish' : 'unpublish', ITEMS),
  ),
  through('create', 1, ContentRepository, async (content, { random, value, track }) => {
    const n = value()
    const written = await content.create({
      collection: random.pick(COLLECTIONS),
      slug: `n${n}`,
      title: `N${n}`,
      status: 'published',
      data: {},
      authorId: random.pick(USERS),
      featuredMediaId: null,
    })
    const id = written.value?.id
    if (id !== undefined) {
      track({
        source: resources.contentItem.at({ id }),
        style: 'source',
        bound: 'staleness',
        announced: 'by commit',
        owner: null,
      })
    }
    return written
  }),
  through('rename', 4, UserRepository, (users, { random, value }) =>
    users.update(random.pick(USERS), { name: `U${value()}` }),
  ),
  through('role', 1, UserRepository, (users, { random }) =>
    users.update(random.pick(USERS), { role: random.pick(['admin', 'editor', 'viewer'] as const) }),
  ),
  through('log in', 2, SessionRepository, (sessions, { random, value, track }) => {
    const hash = value().toString(16).padStart(64, '0')
    const userId = random.pick(USERS)
    // Nobody asks for a token before it is given out.
    return sessions.create({ hash, userId, expiresAt: 4e12 }).then((written) => {
      track({
        source: resources.session.at({ hash }),
        style: 'source',
        bound: 'staleness',
        announced: 'by commit',
        owner: hash,
      })
      return written
    })
  }),
  through('log out', 1, SessionRepository, async (sessions, { random, db }) => {
    const [result] = await db.batch([db.prepare('SELECT id FROM sessions ORDER BY id')])
    const open = v.parse(Sessions, result?.results).map(({ id }) => id)
    return sessions.logout(random.pick([...open, ...HASHES]))
  }),
  through('describe', 2, MediaRepository, (media, { random, value }) =>
    media.update(random.pick(FILES), { alt: `A${value()}` }),
  ),
  through('configure', 1, ConfigRepository, (config, { value }) =>
    config.set('site', { value: value(), isPublic: true }),
  ),
  through('plug', 0.5, PluginRepository, (plugins, { random }) =>
    random.chance(0.5) ? plugins.activate('seo') : plugins.deactivate('seo'),
  ),
]
