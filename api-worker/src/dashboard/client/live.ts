import { drawCharts } from './charts.ts'

/**
 * Keeps the page as its server would render it now: what is marked as live is fetched again, with the whole page, and put in
 * place of what is shown. The server stays the only one who renders.
 */
export function keepLive(): void {
  const seconds = Number(document.body.dataset.poll)
  const button = document.querySelector<HTMLButtonElement>('#live')
  if (!(seconds > 0) || button === null) return
  let isOn = true
  const status = document.querySelector('#live-status')
  const show = (text: string) => {
    if (status === null || status.textContent === text) return
    // Trouble is read out; that all is as it should be is not, every few seconds.
    status.setAttribute('aria-live', text.startsWith(UPDATED) ? 'off' : 'polite')
    status.textContent = text
  }
  button.hidden = false
  button.addEventListener('click', () => {
    isOn = !isOn
    button.setAttribute('aria-pressed', String(isOn))
    show(isOn ? '' : 'Paused')
  })
  setInterval(async () => {
    if (!isOn || document.hidden) return
    show(await update().catch(() => 'No connection: trying again'))
  }, seconds * 1000)
}

const UPDATED = 'Updated'

/** @returns what to say of it */
async function update(): Promise<string> {
  const response = await fetch(location.href, { headers: { Accept: 'text/html' } })
  if (response.redirected) return 'The session has ended: log in again'
  if (!response.ok) return `The server answers ${response.status}: trying again`
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  for (const shown of document.querySelectorAll('[data-live]')) {
    const fresh = page.getElementById(shown.id)
    if (fresh !== null) replace(shown, fresh)
  }
  drawCharts(document)
  return `${UPDATED} ${new Date().toISOString().slice(11, 19)} UTC`
}

/** Leaves alone what somebody is working in. */
function replace(shown: Element, fresh: Element): void {
  const charts = shown.querySelectorAll<HTMLElement>('[data-chart]')
  // Charts are kept, with their canvas: only their data is new.
  for (const [place, chart] of charts.entries()) {
    const next = fresh.querySelectorAll<HTMLElement>('[data-chart]')[place]
    if (next === undefined) continue
    for (const name of ['data-chart', 'aria-label']) chart.setAttribute(name, next.getAttribute(name) ?? '')
  }
  if (charts.length > 0) {
    for (const [place, part] of shown.querySelectorAll('[data-beside]').entries()) {
      const next = fresh.querySelectorAll('[data-beside]')[place]
      if (next !== undefined) swap(part, next)
    }
    return
  }
  swap(shown, fresh)
}

function swap(shown: Element, fresh: Element): void {
  if (shown.contains(document.activeElement) || shown.querySelector('details[open]') !== null) return
  if (shown.innerHTML === fresh.innerHTML) return
  shown.replaceChildren(...fresh.childNodes)
}
