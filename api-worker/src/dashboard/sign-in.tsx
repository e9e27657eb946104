import type { Child } from 'hono/jsx'
import type { Assets } from './assets.ts'
import { Notice } from './components.tsx'
import { Brand, Door } from './layout.tsx'
import { UI_PATH } from './paths.ts'

/** The log-in page. @param error why the last try was refused */
export function SignIn({
  assets,
  next,
  error,
  email,
}: {
  assets: Assets
  next: string
  error?: string
  email?: string
}) {
  return (
    <Door title="Log in" assets={assets}>
      <p class="brand">
        <Brand />
      </p>
      <h1>Log in</h1>
      <p class="muted">The cache’s dashboard is for administrators.</p>
      {error !== undefined && <Notice tone="critical">{error}</Notice>}
      <form method="post" action={`${UI_PATH}/login`} class="fields">
        <input type="hidden" name="next" value={next} />
        <div>
          <label for="email">E-mail address</label>
          <input id="email" name="email" type="email" autocomplete="username" required value={email ?? ''} />
        </div>
        <div>
          <label for="password">Password</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </div>
        <button type="submit" class="primary">
          Log in
        </button>
      </form>
    </Door>
  )
}

/** A page that says why there is no other. */
export function Refused({
  assets,
  title,
  says,
  children,
}: {
  assets: Assets
  title: string
  says: string
  children?: Child
}) {
  return (
    <Door title={title} assets={assets}>
      <p class="brand">
        <Brand />
      </p>
      <h1>{title}</h1>
      <p>{says}</p>
      {children}
    </Door>
  )
}
