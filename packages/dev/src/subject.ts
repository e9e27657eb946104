import { CACHE_CONFIGS } from '@freshet/cms'
import { seedBatches, seedPostId } from '@freshet/cms/seed'
import type { ReplaySubject } from './replay/replay.ts'
import type { StartSubject } from './start/start.ts'

/** The password of all local users. */
const PASSWORD = 'freshet-dev'

/** The CMS as `npm start` shows it. */
export const startSubject: StartSubject = {
  seed: () => seedBatches({ localUsers: true }),
  users: [
    { email: 'admin@example.com', role: 'admin' },
    { email: 'editor@example.com', role: 'editor' },
    { email: 'viewer@example.com', role: 'viewer' },
  ],
  password: PASSWORD,
}

/** The CMS as `npm run replay` drives it. */
export const replaySubject: ReplaySubject = {
  seedPosts: (posts) => seedBatches({ posts, localUsers: true, allPublished: true }),
  postId: seedPostId,
  editor: 'editor@example.com',
  admin: 'admin@example.com',
  password: PASSWORD,
  boundMs: CACHE_CONFIGS.content.maxStalenessMs,
}
