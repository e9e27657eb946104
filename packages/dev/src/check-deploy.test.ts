import { describe, expect, it } from 'vitest'
import { checkDeploy } from './check-deploy.ts'

describe('checkDeploy', () => {
  it.each([undefined, 'production'])('finds the settings of the environment %s good', async (environment) => {
    await checkDeploy(environment)
  })

  it('names a setting of the library that is bad, and what it may hold', async () => {
    const bad = checkDeploy(undefined, { env: { CACHE_DEFAULT_TTL: 'abc' } })
    await expect(bad).rejects.toThrow('CACHE_DEFAULT_TTL is "abc"; it may be')
  })

  it('names a secret that is bad, without telling it', async () => {
    const secret = `whsec_${'s'.repeat(20)}`
    const bad = checkDeploy(undefined, { env: { EVENTS_SECRET: secret } })
    await expect(bad).rejects.toThrow('EVENTS_SECRET holds something else than it may')
    await expect(bad).rejects.not.toThrow(secret)
  })

  it('names a setting of the API that is bad', async () => {
    const bad = checkDeploy('production', { env: { CORS_ORIGINS: 'foo' } })
    await expect(bad).rejects.toThrow('CORS_ORIGINS is "foo"; it may be')
  })
})
