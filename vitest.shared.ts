import type { ViteUserConfig } from 'vitest/config'

/** What every package's tests share: a JSON report (scripts/check.ts adds them up) and, for libraries, the coverage floor. */
export function testConfig(options: { coverage: boolean; timeoutMs?: number }): ViteUserConfig {
  return {
    test: {
      include: ['src/**/*.test.ts'],
      testTimeout: options.timeoutMs ?? 20_000,
      hookTimeout: 60_000,
      reporters: ['default', 'json'],
      outputFile: { json: 'reports/tests.json' },
      coverage: {
        enabled: options.coverage,
        provider: 'v8',
        include: ['src/**/*.ts'],
        exclude: ['src/**/*.test.ts', 'src/**/*.bin.ts'],
        reporter: ['text-summary', 'json-summary'],
        thresholds: { lines: 90, branches: 90 },
      },
    },
  }
}
