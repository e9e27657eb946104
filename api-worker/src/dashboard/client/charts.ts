import uPlot from 'uplot'
import { type ChartData, lonePlaces } from '../chart.ts'

const HEIGHT = 220
const drawn = new Map<HTMLElement, { plot: uPlot; text: string; sizes: ResizeObserver }>()

/** Draws each chart below a node, anew where its data changed, and forgets those that are no more. */
export function drawCharts(root: ParentNode): void {
  for (const [host, { plot, sizes }] of drawn) {
    if (host.isConnected) continue
    sizes.disconnect()
    plot.destroy()
    drawn.delete(host)
  }
  for (const host of root.querySelectorAll<HTMLElement>('[data-chart]')) draw(host)
}

function draw(host: HTMLElement): void {
  const text = host.dataset.chart ?? ''
  const old = drawn.get(host)
  if (old?.text === text) return
  const chart: ChartData = JSON.parse(text)
  const data: uPlot.AlignedData = [chart.x, ...chart.series.map(({ values }) => values)]
  if (old !== undefined) {
    old.text = text
    old.plot.setData(data)
    return
  }
  const plot = new uPlot(optionsOf(chart, host), data, host)
  const sizes = new ResizeObserver(() => plot.setSize({ width: host.clientWidth, height: HEIGHT }))
  sizes.observe(host)
  drawn.set(host, { plot, text, sizes })
}

function optionsOf(chart: ChartData, host: HTMLElement): uPlot.Options {
  const say = SAY[chart.unit]
  const ink = (name: string) => getComputedStyle(host).getPropertyValue(name).trim()
  const axis = {
    stroke: () => ink('--muted'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: () => ink('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: host.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => (chart.unit === 'share' ? [0, 1] : [0, Math.max(max * 1.1, 1)]) } },
    legend: {
      live: true,
      markers: { width: 3, dash: (plot, place) => (plot.series[place]?.dash ? 'dashed' : 'solid') },
    },
    // While nobody points at the chart, its legend tells the newest figures.
    hooks: { setLegend: [showNewest] },
    axes: [
      {
        ...axis,
        space: 64,
        incrs: STEPS,
        values: (_, splits) => splits.map((at) => (isLong(chart) ? dayOf(at) : clockOf(at))),
      },
      { ...axis, size: 56, values: (_, splits) => splits.map((value) => say(value)) },
    ],
    series: [
      { label: 'UTC', value: stepOf },
      ...chart.series.map(({ label, ink: name, dash }) => ({
        label,
        stroke: () => ink(`--${name}`),
        width: 2,
        ...(dash && { dash: [6, 4] }),
        // A gap is a minute in which nobody asked: a line over it would say something.
        spanGaps: false,
        points: {
          show: true,
          size: 6,
          // All of two, and of more only those that would not be seen.
          filter: (plot: uPlot, place: number) =>
            plot.data[0].length < 3 ? null : lonePlaces(Array.from(plot.data[place] ?? [])),
        },
        value: (_: uPlot, value: number | null) => (value == null ? '–' : say(value)),
      })),
    ],
  }
}

/** Which step the legend tells of. The last one is still counted. */
function stepOf({ data: [x] }: uPlot, at: number | null): string {
  if (at == null) return '–'
  return `${dayOf(at)} ${clockOf(at)}${at === x.at(-1) ? ', the last step, not complete' : ''}`
}

function showNewest(plot: uPlot): void {
  const newest = plot.data[0].length - 1
  if (plot.legend.idx == null && newest >= 0) plot.setLegend({ idx: newest }, false)
}

/** Distances of the times below a chart, in seconds: no two of them read the same. */
const STEPS = [
  60,
  120,
  300,
  600,
  900,
  1800,
  3600,
  2 * 3600,
  4 * 3600,
  6 * 3600,
  12 * 3600,
  86_400,
  2 * 86_400,
  7 * 86_400,
]
const DAY = 86_400

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

const SAY: Record<ChartData['unit'], (value: number) => string> = {
  share: (value) => `${Math.round(value * 1000) / 10} %`,
  count: (value) => compact.format(value),
  ms: (value) => (value < 1000 ? `${compact.format(value)} ms` : `${compact.format(value / 1000)} s`),
}

function isLong({ x }: ChartData): boolean {
  return (x.at(-1) ?? 0) - (x[0] ?? 0) > 2 * DAY
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(5, 10)
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16)
}

// The colours are read as the chart is drawn.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const { plot } of drawn.values()) plot.redraw()
})
