export { type LocalOptions, type LocalStack, startLocal } from './local/start-local.ts'
