// `npm run report`
import { writeFile } from 'node:fs/promises'
import { runProgram } from './program.ts'
import { HttpClient } from './replay/http-client.ts'
import { report } from './report/report.ts'
import { parseReportOptions } from './report/report-options.ts'
import { startSubject } from './subject.ts'

await runProgram(async ({ argv, env, write }) => {
  const [admin] = startSubject.users
  const local = { email: admin?.email ?? '', password: startSubject.password }
  const http = new HttpClient()
  try {
    return await report(parseReportOptions(argv, env, local), { http, write, save: writeFile })
  } finally {
    http.close()
  }
})
