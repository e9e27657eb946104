import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second on Linux. */
const TICKS = 100

/** What the kernel tells of a process. */
interface ProcessStat {
  name: string
  parent: number
  /** User and system time, ms. */
  cpuMs: number
}

/** Reads a line of `/proc/PID/stat`: the name in it may hold anything, brackets included. */
export function parseStat(line: string): ProcessStat {
  const end = line.lastIndexOf(')')
  const fields = line.slice(end + 2).split(' ')
  return {
    name: line.slice(line.indexOf('(') + 1, end),
    parent: Number(fields[1]),
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS,
  }
}

/** Reads `VmRSS` of `/proc/PID/status`, in bytes. */
export function parseRss(status: string): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  if (found?.[1] === undefined) throw new Error('the kernel does not tell how much memory the process has')
  return Number(found[1]) * 1024
}

/** The workerd that this process has started, by its id. @throws Error where there is none, as where there is no /proc */
export function workerdProcess(): { cpuMs(): number; rss(): number } {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(id)
    if (stat?.name !== 'workerd' || stat.parent !== process.pid) continue
    return {
      cpuMs: () => statOf(id)?.cpuMs ?? Number.NaN,
      rss: () => parseRss(readFileSync(`/proc/${id}/status`, 'utf8')),
    }
  }
  throw new Error('there is no workerd of this process')
}

function statOf(id: string): ProcessStat | null {
  try {
    return parseStat(readFileSync(`/proc/${id}/stat`, 'utf8'))
  } catch {
    // It has ended meanwhile.
    return null
  }
}
