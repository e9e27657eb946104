import { nameOf } from '@freshet/cache-core'

/** The tag of everything that shows a user: their name beside a post. */
export const userTag = (id: string): string => nameOf('user', 'profile', id)
/** The tag of everything that shows when a user was last here. */
export const activityTag = (id: string): string => nameOf('user', 'activity', id)
/** The tag of everything that shows a file. */
export const mediaTag = (id: string): string => nameOf('media', 'file', id)
/** The tag of every session of a user. */
export const sessionsTag = (userId: string): string => nameOf('session', 'user', userId)
