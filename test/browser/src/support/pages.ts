/** The pages of the dashboard: what tests and screenshots go through. */
export const PAGES = {
  overview: '/admin/cache',
  namespaces: '/admin/cache/ui/namespaces',
  namespace: '/admin/cache/ui/namespaces/content',
  browser: '/admin/cache/ui/browser',
  'browser-kv': '/admin/cache/ui/browser?tier=kv',
  invalidations: '/admin/cache/ui/invalidations',
  preview: '/admin/cache/ui/invalidations?pattern=content%3Aitem%3A*',
  warming: '/admin/cache/ui/warming',
  'dead-letters': '/admin/cache/ui/dead-letters',
  verification: '/admin/cache/ui/verification',
  recommendations: '/admin/cache/ui/recommendations',
} as const

export const WIDTHS = [375, 1440] as const
export const THEMES = ['light', 'dark'] as const
