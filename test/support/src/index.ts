export { cancelledClient } from './cancelled-client.ts'
export { ManualRuntime, settle } from './manual-runtime.ts'
export { MemoryKv } from './memory-kv.ts'
export { SqliteD1, SqliteStatement } from './sqlite-d1.ts'
