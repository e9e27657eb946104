/** What one check came to: a tool's run is one, a package's tests are as many as they are. */
export interface Check {
  name: string
  passed: number
  failed: number
}

/** A check that either holds or doesn't. */
export function oneCheck(name: string, holds: boolean): Check {
  return { name, passed: holds ? 1 : 0, failed: holds ? 0 : 1 }
}

/** The end of the output: what failed, by name, and then the line that says it all. */
export function summaryOf(checks: readonly Check[]): string {
  const failures = checks
    .filter(({ failed }) => failed > 0)
    .map(({ name, failed }) => `failed: ${name}${failed === 1 ? '' : ` (${failed})`}`)
  return [...failures, `${sum(checks, 'passed')} passed, ${sum(checks, 'failed')} failed`].join('\n')
}

/** Whether everything passed, and there was anything at all. */
export function allPassed(checks: readonly Check[]): boolean {
  return sum(checks, 'failed') === 0 && sum(checks, 'passed') > 0
}

function sum(checks: readonly Check[], what: 'passed' | 'failed'): number {
  return checks.reduce((total, check) => total + check[what], 0)
}
