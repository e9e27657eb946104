import type * as v from 'valibot'
import { logIn, parseAnswer } from '../administrator.ts'
import type { HttpClient } from '../replay/http-client.ts'
import { AnalyticsAnswer, NamespaceAnswer, TrendsAnswer, VerificationAnswer } from './figures.ts'
import { reportOf } from './markdown.ts'
import { REPORT_HELP, type ReportOptions } from './report-options.ts'

/** What a report needs of its surroundings. */
export interface ReportContext {
  http: Pick<HttpClient, 'send'>
  write: (line: string) => void
  save: (file: string, text: string) => Promise<void>
}

/** `npm run report`: asks a running system for its statistics and writes them down. @returns the exit status */
export async function report(options: ReportOptions, { http, write, save }: ReportContext): Promise<number> {
  if (options.help) {
    write(REPORT_HELP)
    return 0
  }
  const headers = await logIn(http, options)
  const get = async <S extends v.GenericSchema>(schema: S, path: string) => {
    const answer = await http.send(`${options.url}/admin/cache${path}`, { headers })
    return parseAnswer(schema, `GET /admin/cache${path}`, answer)
  }
  const analytics = (await get(AnalyticsAnswer, '/analytics')).data
  const deltas: Record<string, number> = {}
  for (const name of Object.keys(analytics.lastDay.namespaces)) {
    const { policy } = (await get(NamespaceAnswer, `/stats/${encodeURIComponent(name)}`)).data
    deltas[name] = policy.maxStalenessMs
  }
  const day = (await get(TrendsAnswer, '/analytics/trends?span=day')).data.points
  const hour = (await get(TrendsAnswer, '/analytics/trends?span=hour')).data.points
  const verification = (await get(VerificationAnswer, '/verification')).data
  const text = reportOf({ host: new URL(options.url).host, analytics, day, hour, deltas, verification })
  if (options.out === null) write(text)
  else {
    await save(options.out, text)
    write(`written to ${options.out}`)
  }
  return 0
}
