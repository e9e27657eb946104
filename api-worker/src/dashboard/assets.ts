import { sha256 } from '../auth/sha256.ts'
import style from './assets/dashboard.css.txt'
import script from './assets/dashboard.js.txt'

/** What pages load, under names that change with what they hold: kept by browsers for good. */
export interface Assets {
  scriptPath: string
  stylePath: string
  byPath: ReadonlyMap<string, { type: string; text: string }>
}

let made: Promise<Assets> | null = null

/** The assets; their names are made by the first page of an isolate. @param under path that they are served under */
export function assetsAt(under: string): Promise<Assets> {
  made ??= nameAssets(under)
  return made
}

async function nameAssets(under: string): Promise<Assets> {
  const name = async (text: string, extension: string) =>
    `${under}/dashboard.${(await sha256(text)).slice(0, 16)}.${extension}`
  const [scriptPath, stylePath] = await Promise.all([name(script, 'js'), name(style, 'css')])
  return {
    scriptPath,
    stylePath,
    byPath: new Map([
      [scriptPath, { type: 'text/javascript; charset=utf-8', text: script }],
      [stylePath, { type: 'text/css; charset=utf-8', text: style }],
    ]),
  }
}
