import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import type { Problem } from './problem.ts'

/** Where the operator's routes are mounted. */
export const ADMIN_PATH = '/admin/cache'

/** Errors of this surface: it knows 400, 401, 403, 404 and 405, and 503 for what is nobody's mistake. */
export function adminError(c: Context<AppEnv>, { status, message, headers }: Problem): Response {
  const kept = ([401, 403, 404, 405, 500, 503] as const).find((one) => one === status) ?? 400
  return c.json({ success: false, error: message }, kept, { 'Cache-Control': 'no-store', ...headers })
}

/** The envelope of an answer that tells something. */
export function success<T>(data: T): { success: true; data: T; timestamp: string } {
  return { success: true, data, timestamp: new Date().toISOString() }
}

/** The envelope of an answer that says what was done. */
export function done(message: string): { success: true; message: string; timestamp: string } {
  return { success: true, message, timestamp: new Date().toISOString() }
}
