export { quickStatistics } from './local/quick-statistics.ts'
export type { LocalStack } from './local/running-stack.ts'
export { type LocalOptions, startLocal } from './local/start-local.ts'
export { modulesOf, wrappedWorker } from './local/wrapped-worker.ts'
