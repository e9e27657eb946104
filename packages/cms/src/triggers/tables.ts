import type { SqlEvent, SqlField } from './sql-event.ts'

/** What changes of a table's rows are as events. */
export interface TableEvents {
  insert: readonly SqlEvent[]
  /** Exactly one of these that are no afterthought of a moved row is logged, as the last: a repository's write claims it. */
  update: readonly SqlEvent[]
  delete: readonly SqlEvent[]
  /**
   * What `INSERT OR REPLACE` and `UPDATE OR REPLACE` remove, which no delete trigger hears of: rows `gone` with the values
   * of the new one in a unique set of columns. Not needed where the event of the insertion names all that the old row did.
   */
  replaced?: { unique: readonly (readonly string[])[]; event: SqlEvent }
}

/** In bytes, which are never fewer than the UTF-16 units that the schemas count. */
const isId = (text: string) => `length(CAST(${text} AS BLOB)) BETWEEN 1 AND 1024`
const isCollectionId = (text: string) =>
  `(${text} GLOB '[a-z]*' AND ${text} NOT GLOB '*[^a-z0-9-]*' AND ${isId(text)} AND length(${text}) <= 64)`
const isConfigKey = (text: string) =>
  `(${text} GLOB '[a-z]*' AND ${text} NOT GLOB '*[^a-zA-Z0-9._-]*' AND ${isId(text)} AND length(${text}) <= 64)`
const isSessionHash = (text: string) =>
  `(${text} NOT GLOB '*[^0-9a-f]*' AND length(CAST(${text} AS BLOB)) = 64)`

const one = (member: string, fits: SqlField['fits'] = isId): SqlField => ({
  members: [member],
  isSet: false,
  isFreeText: true,
  fits,
})
const set = (members: readonly string[], isFreeText: boolean): SqlField => ({
  members,
  isSet: true,
  isFreeText,
  fits: isFreeText ? isId : () => 'TRUE',
})

const isSame = (...columns: string[]) =>
  `(${columns.map((name) => `OLD.${name} IS NEW.${name}`).join(' AND ')})`
const isOther = (...columns: string[]) => `NOT ${isSame(...columns)}`

/** The lists of these statuses, and of all: none unless the condition holds. */
const statuses = (rows: readonly string[], condition?: string): SqlField => {
  const members = [...rows.map((row) => `${row}.status`), `'any'`]
  if (condition === undefined) return set(members, false)
  return set(
    members.map((member) => `iif(${condition}, ${member}, NULL)`),
    false,
  )
}

/** An item in the state of one row, with the slugs whose owner changes. */
const contentOf = (row: string, slugs: readonly string[]): SqlEvent['payload'] => ({
  id: one(`${row}.id`),
  collection: one(`${row}.collection_id`, isCollectionId),
  slugs: set(slugs, true),
  statuses: statuses([row]),
  featuredStatuses: statuses([row], `${row}.featured = 1`),
})

const isMoved = isOther('id', 'collection_id')
const leftSlug = (row: string) => `iif(${isOther('id', 'collection_id', 'slug')}, ${row}.slug, NULL)`

/** An item that shows another author or file than before. */
const relationOf = (row: string): Pick<SqlEvent, 'type' | 'payload' | 'from'> => ({
  type: 'content.update',
  payload: contentOf('c', []),
  from: `content AS c WHERE c.id = ${row}.content_id`,
})
/** A relation that goes with its user or file need not be told: their own event names all who show them. */
const isTargetLeft = ['user', 'media']
  .map((target) => {
    const column = `OLD.${target}_id`
    const table = target === 'user' ? 'users' : target
    return `(${column} IS NULL OR EXISTS (SELECT 1 FROM ${table} WHERE id = ${column}))`
  })
  .join(' AND ')

/** A user whose last log-in is all that changed is not another one for the posts that show them. */
const isLogin = `OLD.last_login_at IS NOT NEW.last_login_at AND ${isSame(
  ...['id', 'email', 'name', 'role', 'password_hash', 'version', 'created_at', 'updated_at'],
)}`

const isActive = (row: string): SqlEvent['type'] => [
  [`${row}.status = 'active'`, 'plugin.activate'],
  ['TRUE', 'plugin.deactivate'],
]

/** What changes of each table are as events: the same as the repositories log for the same changes. */
export const TABLE_EVENTS = {
  content: {
    insert: [{ type: 'content.create', payload: contentOf('NEW', ['NEW.slug']) }],
    update: [
      { type: 'content.delete', payload: contentOf('OLD', ['OLD.slug']), when: isMoved },
      {
        type: [
          ['OLD.status = NEW.status', 'content.update'],
          [`NEW.status = 'published'`, 'content.publish'],
          [`OLD.status = 'published'`, 'content.unpublish'],
          ['TRUE', 'content.update'],
        ],
        payload: {
          ...contentOf('NEW', [leftSlug('OLD'), leftSlug('NEW')]),
          statuses: statuses(['OLD', 'NEW']),
          featuredStatuses: statuses(['OLD', 'NEW'], '(OLD.featured = 1 OR NEW.featured = 1)'),
        },
      },
    ],
    delete: [{ type: 'content.delete', payload: contentOf('OLD', ['OLD.slug']) }],
    replaced: {
      unique: [['id'], ['collection_id', 'slug']],
      event: {
        type: [
          ['e.id_0 = NEW.id', 'content.update'],
          ['TRUE', 'content.delete'],
        ],
        payload: contentOf('gone', ['gone.slug']),
      },
    },
  },
  content_relationships: {
    insert: [relationOf('NEW')],
    update: [{ ...relationOf('OLD'), when: isOther('content_id') }, relationOf('NEW')],
    delete: [{ ...relationOf('OLD'), when: isTargetLeft }],
  },
  users: {
    insert: [{ type: 'user.create', payload: { id: one('NEW.id') } }],
    update: [
      { type: 'user.delete', payload: { id: one('OLD.id') }, when: isOther('id') },
      { type: 'user.update', payload: { id: one('NEW.id') }, when: `NOT (${isLogin})` },
      { type: 'auth.login', payload: { userId: one('NEW.id') }, when: isLogin },
    ],
    delete: [{ type: 'user.delete', payload: { id: one('OLD.id') } }],
    replaced: {
      unique: [['id'], ['email']],
      event: {
        type: [
          ['e.id_0 = NEW.id', 'user.update'],
          ['TRUE', 'user.delete'],
        ],
        payload: { id: one('gone.id') },
      },
    },
  },
  sessions: {
    insert: [{ type: 'auth.login', payload: { userId: one('NEW.user_id') } }],
    update: [
      { type: 'auth.logout', payload: { session: one('OLD.id', isSessionHash) }, when: isOther('id') },
      { type: 'auth.logout', payload: { session: one('NEW.id', isSessionHash) } },
    ],
    delete: [{ type: 'auth.logout', payload: { session: one('OLD.id', isSessionHash) } }],
    replaced: {
      unique: [['id']],
      event: { type: 'auth.logout', payload: { session: one('gone.id', isSessionHash) } },
    },
  },
  media: {
    insert: [{ type: 'media.upload', payload: { id: one('NEW.id') } }],
    update: [
      { type: 'media.delete', payload: { id: one('OLD.id') }, when: isOther('id') },
      { type: 'media.update', payload: { id: one('NEW.id') } },
    ],
    delete: [{ type: 'media.delete', payload: { id: one('OLD.id') } }],
  },
  plugins: {
    insert: [{ type: isActive('NEW'), payload: { id: one('NEW.id') } }],
    update: [{ type: isActive('NEW'), payload: { id: one('NEW.id') } }],
    delete: [{ type: 'plugin.deactivate', payload: { id: one('OLD.id') } }],
  },
  config: {
    insert: [{ type: 'config.update', payload: { key: one('NEW.key', isConfigKey) } }],
    update: [
      { type: 'config.update', payload: { key: one('OLD.key', isConfigKey) }, when: isOther('key') },
      { type: 'config.update', payload: { key: one('NEW.key', isConfigKey) } },
    ],
    delete: [{ type: 'config.update', payload: { key: one('OLD.key', isConfigKey) } }],
  },
  collections: {
    insert: [{ type: 'collection.update', payload: { id: one('NEW.id', isCollectionId) } }],
    update: [{ type: 'collection.update', payload: { id: one('NEW.id', isCollectionId) } }],
    delete: [{ type: 'collection.update', payload: { id: one('OLD.id', isCollectionId) } }],
  },
} satisfies Record<string, TableEvents>

/** A table that can have triggers. */
export type TriggerTable = keyof typeof TABLE_EVENTS
