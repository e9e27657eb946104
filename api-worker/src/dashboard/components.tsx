import type { Child, FC, PropsWithChildren } from 'hono/jsx'
import type { ChartData } from './chart.ts'
import { ago, moment, NONE } from './format.ts'
import type { Refusal } from './inner.ts'

/** How something is, as badges and notices show it. */
export type Tone = 'ok' | 'warning' | 'critical' | 'plain'

/** A titled part of a page. */
export const Panel: FC<
  PropsWithChildren<{ id: string; title: string; says?: Child; aside?: Child; live?: boolean }>
> = ({ id, title, says, aside, live, children }) => (
  <section class="panel" id={id} aria-labelledby={`${id}-title`} {...(live && { 'data-live': '' })}>
    <header>
      <h2 id={`${id}-title`}>{title}</h2>
      {aside}
      {says !== undefined && <p>{says}</p>}
    </header>
    {children}
  </section>
)

/** One figure of a row of figures. */
export interface Figure {
  label: string
  value: Child
  beside?: Child
}

export const Figures: FC<{ figures: readonly Figure[] }> = ({ figures }) => (
  <dl class="stats">
    {figures.map(({ label, value, beside }) => (
      <div class="stat">
        <dt>{label}</dt>
        <dd class="figure">{value}</dd>
        {beside !== undefined && <dd class="beside">{beside}</dd>}
      </div>
    ))}
  </dl>
)

/** Names and what they are. */
export const Facts: FC<{ facts: readonly (readonly [string, Child])[] }> = ({ facts }) => (
  <dl class="facts">
    {facts.map(([name, value]) => (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    ))}
  </dl>
)

export const Badge: FC<PropsWithChildren<{ tone?: Tone }>> = ({ tone = 'plain', children }) => (
  <span class={`badge ${tone}`}>{children}</span>
)

export const Notice: FC<PropsWithChildren<{ tone: Exclude<Tone, 'plain'> }>> = ({ tone, children }) => (
  <div class={`notice ${tone}`} role={tone === 'critical' ? 'alert' : 'status'}>
    {children}
  </div>
)

/** Nothing is here yet: what will be. */
export const Empty: FC<PropsWithChildren<{ title: string }>> = ({ title, children }) => (
  <div class="empty">
    <strong>{title}</strong>
    {children}
  </div>
)

/** A part that could not be asked for. */
export const Trouble: FC<{ refusal: Refusal }> = ({ refusal }) => (
  <Notice tone={refusal.status >= 500 ? 'critical' : 'warning'}>
    {refusal.error}
    {refusal.status === 503 && ' This part comes back by itself once D1 answers again.'}
  </Notice>
)

/** A column of a table. */
export interface Column<T> {
  title: string
  of: (row: T) => Child
  /** Figures stand under each other. */
  isNumber?: boolean
  /** Takes the whole width of a card, without its title. */
  isWide?: boolean
}

/** What a table's elements are, which `display: block` takes from them in some browsers. */
const AS = {
  table: { role: 'table' },
  rowgroup: { role: 'rowgroup' },
  row: { role: 'row' },
  columnheader: { role: 'columnheader' },
  cell: { role: 'cell' },
} as const

/** A table; on narrow screens each row is a card. */
export function Table<T>({
  caption,
  columns,
  rows,
}: {
  caption: string
  columns: readonly Column<T>[]
  rows: readonly T[]
}) {
  return (
    <table class="cards" {...AS.table}>
      <caption class="unseen">{caption}</caption>
      <thead {...AS.rowgroup}>
        <tr {...AS.row}>
          {columns.map(({ title, isNumber }) => (
            <th scope="col" {...AS.columnheader} class={isNumber ? 'number' : ''}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...AS.rowgroup}>
        {rows.map((row) => (
          <tr {...AS.row}>
            {columns.map(({ title, of, isNumber, isWide }) => {
              const value = of(row)
              const classes = [isNumber && 'number', isWide && 'wide', value === NONE && 'none']
              return (
                <td {...AS.cell} data-label={title} class={classes.filter(Boolean).join(' ')}>
                  <div>{value}</div>
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** A moment in UTC, with how long ago it was. */
export const Time: FC<{ at: string | null; now: Date; brief?: boolean }> = ({ at, now, brief }) => {
  if (at === null) return <>{NONE}</>
  const date = new Date(at)
  return (
    <time datetime={at} title={`${at} (UTC)`}>
      {brief ? ago(date, now) : moment(date, now)}
      {!brief && <span class="muted small"> {ago(date, now)}</span>}
    </time>
  )
}

/** A chart, and the same as a table for those who do not see it. */
export const Chart: FC<{
  id: string
  title: string
  says?: Child
  chart: ChartData
  aside?: Child
  say: (value: number | null) => string
  /** What is said where there is nothing to draw. */
  nothing?: string
}> = ({ id, title, says, chart, aside, say, nothing }) => (
  <Panel id={id} title={title} says={says} aside={aside} live>
    {chart.x.length === 0 ? (
      <Empty title="Nothing to draw yet">
        {nothing ??
          'A minute after the first requests, their figures are here: isolates tell theirs every 10 to 60 seconds.'}
      </Empty>
    ) : (
      <>
        <div
          class="chart"
          role="img"
          aria-label={`${title}. Last step: ${summary(chart, say)}`}
          data-chart={JSON.stringify(chart)}
        ></div>
        <details class="inline" data-beside="">
          <summary>As a table</summary>
          <Table
            caption={title}
            columns={[
              {
                title: 'UTC',
                of: (place: number) => moment(new Date((chart.x[place] ?? 0) * 1000), new Date()),
              },
              ...chart.series.map(({ label, values }) => ({
                title: label,
                isNumber: true,
                of: (place: number) => say(values[place] ?? null),
              })),
            ]}
            rows={chart.x
              .map((_, place) => place)
              .toReversed()
              .slice(0, 30)}
          />
        </details>
      </>
    )}
  </Panel>
)

function summary({ series }: ChartData, say: (value: number | null) => string): string {
  return series
    .map(({ label, values }) => `${label} ${say(values.findLast((value) => value !== null) ?? null)}`)
    .join(', ')
}

/** A button that says what it will do before it does it. Works without any script. */
export const Ask: FC<
  PropsWithChildren<{
    label: string
    action: string
    confirm: string
    fields?: Record<string, string>
    small?: boolean
    what?: string
  }>
> = ({ label, action, confirm, fields = {}, small, what, children }) => (
  <details class={small ? 'ask small' : 'ask'}>
    <summary>
      {label}
      {what !== undefined && <span class="unseen"> {what}</span>}
    </summary>
    <form method="post" action={action}>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <p>{children}</p>
      <button type="submit" class={small ? 'danger small' : 'danger'}>
        {confirm}
      </button>
    </form>
  </details>
)

/** A button that does something at once. */
export const Act: FC<{ label: string; action: string; what?: string; isPrimary?: boolean }> = ({
  label,
  action,
  what,
  isPrimary,
}) => (
  <form method="post" action={action}>
    <button type="submit" class={isPrimary ? 'primary' : 'small'}>
      {label}
      {what !== undefined && <span class="unseen"> {what}</span>}
    </button>
  </form>
)

/** Links to the first page and to the next one. */
export const Pager: FC<{ first: string | null; next: string | null }> = ({ first, next }) =>
  first === null && next === null ? (
    <></>
  ) : (
    <nav class="pager" aria-label="Pages of this list">
      {first === null ? <span></span> : <a href={first}>Back to the start</a>}
      {next !== null && <a href={next}>Older →</a>}
    </nav>
  )
