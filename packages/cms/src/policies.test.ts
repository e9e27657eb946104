import { describe, expect, it } from 'vitest'
import { CACHE_CONFIGS } from './policies.ts'

const CONTENT = ['content.create', 'content.update', 'content.delete', 'content.publish', 'content.unpublish']
const USER = ['user.create', 'user.update', 'user.delete']
const MEDIA = ['media.upload', 'media.update', 'media.delete']
const PLUGIN = ['plugin.activate', 'plugin.deactivate']

/** The policy table of the design. */
const TABLE = [
  ['content', 3600, true, 5000, 3600, 'public', [...CONTENT, ...USER, ...MEDIA]],
  ['user', 900, true, 5000, 0, 'private', [...USER, 'auth.login']],
  ['config', 7200, true, 5000, 3600, 'public', ['config.update', ...PLUGIN]],
  ['media', 3600, true, 5000, 3600, 'public', MEDIA],
  ['api', 300, true, 5000, 300, 'public', [...CONTENT, ...USER, ...MEDIA, 'collection.update', ...PLUGIN]],
  ['session', 1800, false, 1000, 0, 'private', ['user.update', 'user.delete', 'auth.logout']],
] as const

describe('CACHE_CONFIGS', () => {
  it('has the namespaces of the table', () => {
    expect(Object.keys(CACHE_CONFIGS)).toEqual(TABLE.map(([namespace]) => namespace))
  })

  it.each(TABLE)(
    'of %s',
    (namespace, ttl, kvEnabled, maxStalenessMs, staleIfErrorSeconds, visibility, invalidateOn) => {
      expect(CACHE_CONFIGS[namespace]).toEqual({
        namespace,
        ttl,
        memoryEnabled: true,
        kvEnabled,
        maxStalenessMs,
        staleIfErrorSeconds,
        ...(visibility === 'public' && { staleWhileRevalidateSeconds: 60 }),
        visibility,
        invalidateOn,
        version: 1,
      })
    },
  )
})
