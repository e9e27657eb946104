/** The pipeline's parts: a consumer Worker only wires them to its queues and its cron trigger. */

export {
  type Figures,
  type FleetFigures,
  type FleetSpan,
  fleetFigures,
  type Quantiles,
  type TrendPoint,
} from '../statistics/figures.ts'
export { OPEN_METRICS_TYPE, openMetrics } from '../statistics/open-metrics.ts'
export {
  fleetSpan,
  outcomesSince,
  sumsSince,
  TREND_SPANS,
  type Trend,
  type TrendSpan,
  trendOf,
  widePatterns,
} from '../statistics/queries.ts'
export { type Recommendation, recommend } from '../statistics/recommendations.ts'
export { FLEET } from '../statistics/sums.ts'
export { upperLimit } from '../verify/judge.ts'
export {
  forgetViolations,
  keptViolations,
  recentViolations,
  type Verified,
  type Violation,
  verified,
} from '../verify/violation.ts'
export {
  type DeadLetter,
  deadLetter,
  deadLetterPage,
  discardDeadLetter,
  type Invalidation,
  invalidationPage,
  type PipelineState,
  pipelineState,
  recentCounts,
} from './admin.ts'
export { type AlertDeps, alertOnHealth, type CallWebhook } from './alerts.ts'
export { backlogOf } from './backlog.ts'
export { fitsMessage, MessageTooLargeError, splitBatches } from './batches.ts'
export { Budget, type BudgetLimits } from './budget.ts'
export { coalescePatterns, coalescePlans, type EventPlan, type SeqPattern } from './coalesce.ts'
export { type ConsumerBindings, type ConsumerOptions, createConsumer } from './consumer.ts'
export { type LaneBacklog, laneBacklogs } from './counts.ts'
export { handleDeadLetters, quarantine } from './dead-letters.ts'
export { type EventsDeps, handleEvents } from './events.ts'
export { type Health, type HealthCheck, type HealthFigures, judgeHealth, type Thresholds } from './health.ts'
export {
  type Check,
  type CheckMessage,
  checkMessage,
  type EventMessage,
  eventMessage,
  type PipelineMessage,
  type ProducerEvent,
  ProducerEventError,
  parseEventMessage,
  parsePipelineMessage,
  type ReplayMessage,
  replayMessage,
  type Sweep,
  type SweepMessage,
  sendEvents,
  sweepMessage,
  type WarmAllMessage,
  type WarmRecipesMessage,
  warmAllMessage,
  warmRecipesMessage,
} from './message.ts'
export { type Popular, popularRecipes } from './popularity.ts'
export { prune, retentionMs } from './prune.ts'
export { type PipelineReport, type QueueKind, type QueueMessage, queueKind } from './queue.ts'
export { relay } from './relay.ts'
export { isReplayable } from './replay.ts'
export { retryDelaySeconds } from './retry.ts'
export { runSchedule, type ScheduleDeps } from './schedule.ts'
export { handleWarm, type WarmDeps, type WarmOutcome } from './warm.ts'
export {
  coalesceJobs,
  type Lane,
  lanesOf,
  parseWarmMessage,
  recipeText,
  type WarmJob,
  warmMessages,
} from './warm-job.ts'
export { type WarmScheduleDeps, warmOnSchedule } from './warm-schedule.ts'
