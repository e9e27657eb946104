/** What stands where there is no figure. */
export const NONE = '–'

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

/** A count: whole up to 99,999, short above. */
export function count(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE
  const text = Math.abs(value) < 100_000 ? WHOLE.format(value) : COMPACT.format(value)
  return text.replace('-', '−')
}

/** A share of 0 to 1. What is not all of it never reads as 100 %. */
export function percent(share: number | null | undefined): string {
  if (share == null || !Number.isFinite(share)) return NONE
  const rounded = share < 1 ? Math.floor(share * 1000) / 10 : 100
  return `${rounded.toFixed(rounded === 0 || rounded === 100 ? 0 : 1)} %`
}

/** A share that somebody has set, such as 0.95 or 0.001: as it is. */
export function setShare(share: number): string {
  return `${Number((share * 100).toPrecision(6))} %`
}

/** An upper limit of a share: two figures, rounded up, so that it holds as it is written, however small it is. */
export function atMost(share: number | null | undefined): string {
  if (share == null || !Number.isFinite(share)) return NONE
  if (share <= 0) return '0 %'
  const step = 10 ** (Math.floor(Math.log10(share * 100)) - 1)
  // What is a whole number of steps but for the last bit of a double is one.
  const steps = Math.ceil((share * 100) / step - 1e-9)
  return `${Math.min(100, Number((steps * step).toPrecision(2)))} %`
}

/** Milliseconds, as people say them: `0.4 ms`, `12 ms`, `1.2 s`, `3 min`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return NONE
  const size = Math.abs(ms)
  if (size < 10) return `${trim(ms.toFixed(1))} ms`
  if (size < 1000) return `${Math.round(ms)} ms`
  if (size < 10_000) return `${trim((ms / 1000).toFixed(1))} s`
  if (size >= 3_600_000 && size % 3_600_000 === 0 && size < 172_800_000) return `${ms / 3_600_000} h`
  if (size >= 60_000 && size % 60_000 === 0 && size < 7_200_000) return `${ms / 60_000} min`
  if (size < 120_000) return `${Math.round(ms / 1000)} s`
  if (size < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (size < 48 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} days`
}

/** A count with its noun. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Bytes, in powers of 1,024. */
export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : trim(size.toFixed(1))} ${units[unit]}`
}

/** Dollars: whole from a hundred on, two figures below a cent. */
export function dollars(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE
  const size = Math.abs(value)
  const sign = value < 0 ? '−' : ''
  if (size === 0 || size >= 0.01) {
    const digits = size >= 100 ? 0 : 2
    return `${sign}$${size.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`
  }
  return size < 0.0001 ? '≈ $0' : `${sign}$${Number(size.toPrecision(2))}`
}

/** A moment for a table: the time alone while it is of today (UTC). */
export function moment(at: Date, now: Date): string {
  const text = at.toISOString()
  const time = text.slice(11, 19)
  return text.slice(0, 10) === now.toISOString().slice(0, 10) ? time : `${text.slice(0, 10)} ${time}`
}

/** How long ago something was. */
export function ago(at: Date, now: Date): string {
  const ms = now.getTime() - at.getTime()
  return ms < 1000 ? 'just now' : `${duration(ms)} ago`
}

/** JSON laid out to be read; anything else as it is. */
export function pretty(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? NONE
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}

/** `staleIfError` → `stale if error`: names of the JSON surface as labels. */
export function words(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/[._-]+/g, ' ')
    .toLowerCase()
}

/** The same with a capital, and with the names of products as they are written. */
export function title(name: string): string {
  const text = words(name)
  if (text === 'd1' || text === 'kv') return text.toUpperCase()
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

function trim(text: string): string {
  return text.replace(/\.0$/, '')
}
