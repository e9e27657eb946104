/** The pipeline's queues and cron. */
export default {
  queue(batch) {
    batch.ackAll()
  },
  scheduled() {},
} satisfies ExportedHandler
