/** The id of the content item of this index, from 0: whatever its collection. */
export const seedPostId = (index: number): string => `content-${index}`
export const seedUserId = (index: number): string => `user-${index}`
export const seedMediaId = (index: number): string => `media-${index}`
