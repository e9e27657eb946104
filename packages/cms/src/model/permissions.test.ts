import { describe, expect, it } from 'vitest'
import { may, permissionsOf, ROLES } from './permissions.ts'

describe('permissions', () => {
  it('grow from viewer to editor to admin', () => {
    const [admin, editor, viewer] = ROLES.map((role) => permissionsOf(role).permissions)
    expect(viewer).toEqual([])
    expect(admin).toEqual(expect.arrayContaining(editor ?? []))
    expect(may('editor', 'content:write')).toBe(true)
    expect(may('editor', 'users:write')).toBe(false)
    expect(may('viewer', 'content:read-unpublished')).toBe(false)
    expect(may('admin', 'cache:admin')).toBe(true)
  })

  it('are given out as copies', () => {
    permissionsOf('viewer').permissions.push('cache:admin')
    expect(permissionsOf('viewer').permissions).toEqual([])
  })
})
