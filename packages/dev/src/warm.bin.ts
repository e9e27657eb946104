// `npm run warm`
import { runProgram } from './program.ts'
import { HttpClient } from './replay/http-client.ts'
import { startSubject } from './subject.ts'
import { warm } from './warm/warm.ts'
import { parseWarmOptions } from './warm/warm-options.ts'

await runProgram(async ({ argv, env, signal, write }) => {
  const [admin] = startSubject.users
  const local = { email: admin?.email ?? '', password: startSubject.password }
  const http = new HttpClient()
  try {
    return await warm(parseWarmOptions(argv, env, local), { http, signal, write })
  } finally {
    http.close()
  }
})
