import type { Child, FC, PropsWithChildren } from 'hono/jsx'
import type { Assets } from './assets.ts'
import { PAGES, UI_PATH } from './paths.ts'

const Head: FC<{ title: string; assets: Assets }> = ({ title, assets }) => (
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <meta name="color-scheme" content="light dark" />
    <title>{title} · Freshet</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href={assets.stylePath} />
  </head>
)

export const Brand: FC = () => (
  <>
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2.25"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M3 7c3-3 6 3 9 0s6 3 9 0" />
      <path d="M3 12.5c3-3 6 3 9 0s6 3 9 0" opacity=".7" />
      <path d="M3 18c3-3 6 3 9 0s6 3 9 0" opacity=".4" />
    </svg>
    Freshet
  </>
)

const Links: FC<{ current: string }> = ({ current }) => (
  <ul>
    {PAGES.map(({ path, title }) => (
      <li>
        <a href={path} {...(path === current && { 'aria-current': 'page' as const })}>
          {title}
        </a>
      </li>
    ))}
  </ul>
)

/** A page of the dashboard, around what is on it. */
export const Page: FC<
  PropsWithChildren<{
    path: string
    title: string
    says: Child
    assets: Assets
    /** Who is logged in. */
    who: string
    /** Seconds between updates; 0: none. */
    poll?: number
  }>
> = ({ path, title, says, assets, who, poll = 0, children }) => (
  <html lang="en">
    <Head title={title} assets={assets} />
    <body data-poll={String(poll)}>
      <header class="bar">
        <a class="skip" href="#main">
          Skip to the page
        </a>
        <a class="brand" href={PAGES[0].path}>
          <Brand />
        </a>
        <span class="who small muted">{who}</span>
        <form method="post" action={`${UI_PATH}/logout`}>
          <button type="submit" class="small">
            Log out
          </button>
        </form>
        <details class="menu">
          <summary>Menu</summary>
          <nav aria-label="Menu">
            <Links current={path} />
          </nav>
        </details>
      </header>
      <div class="frame">
        <nav class="rail" aria-label="Pages">
          <Links current={path} />
        </nav>
        <main id="main" tabindex={-1}>
          <div class="head">
            <div>
              <h1>{title}</h1>
              <p>{says}</p>
            </div>
            {poll > 0 && (
              <div class="live">
                <span id="live-status" aria-live="polite"></span>
                <button type="button" id="live" class="small" aria-pressed="true" hidden>
                  Live
                </button>
              </div>
            )}
          </div>
          {children}
        </main>
      </div>
      <script src={assets.scriptPath} type="module"></script>
    </body>
  </html>
)

/** A page for those who are not in: no navigation. */
export const Door: FC<PropsWithChildren<{ title: string; assets: Assets }>> = ({
  title,
  assets,
  children,
}) => (
  <html lang="en">
    <Head title={title} assets={assets} />
    <body class="door">
      <main class="panel">{children}</main>
    </body>
  </html>
)
