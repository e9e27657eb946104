import * as v from 'valibot'
import { PlainError } from '../plain-error.ts'

const ProblemSchema = v.pipe(v.string(), v.parseJson(), v.object({ detail: v.string() }))

/** Asks each API Worker for its health: only an answer shows that its own code runs, and that it accepts its settings. */
export async function checkHealth(urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    const response = await fetch(`${url}/health`)
    if (response.ok) continue
    const body = await response.text()
    const problem = v.safeParse(ProblemSchema, body)
    throw new PlainError(
      `${url}/health answers ${response.status}: ${problem.success ? problem.output.detail : body}`,
    )
  }
}
