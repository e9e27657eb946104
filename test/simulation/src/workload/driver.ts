import type { World } from '../world/world.ts'
import { Readers } from './readers.ts'
import { Recovery } from './recovery.ts'
import { Restores } from './restores.ts'
import type { Scenario } from './scenario.ts'
import { Stage } from './stage.ts'
import { Troubles } from './trouble.ts'
import { Writers } from './writers.ts'

const AUDIT_EVERY_MS = 1_500
/** Writers are fewer when all is calm, so that a hit rate can show. */
const CALM_FACTOR = 8
/** The last part of a run, over which the hit rate must have recovered. */
const RECOVERED_SHARE = 0.1
/** After the last request the platform's own minute returns, and the pipeline has this long to come to rest: the relay's pauses grow to an hour. */
const REST_CRON_MS = 60_000
const REST_MS = 6 * 3_600_000
/** Cron triggers may come twice, and late. */
const CRON_TWICE_SHARE = 0.15
const CRON_LATE_SHARE = 0.15
const CRON_LATE_MS = 40_000
/** The longest life of an invocation past its answer, and then some. */
const LAST_WORDS_MS = 90_000

/** Lives one scenario in a world: readers, writers, and everything that befalls them. Must be called from a macrotask of its own. */
export function drive(world: World, scenario: Scenario): void {
  const stage = new Stage(world, scenario)
  const readers = new Readers(stage)
  const writers = new Writers(stage, readers)
  const troubles = new Troubles(stage)
  const restores = new Restores(stage)
  const { end, calmFrom } = stage
  const { loop, options } = world

  troubles.begin()
  stage.repeat(scenario.requestEveryMs, end, () => readers.request())
  stage.repeat(scenario.writeEveryMs, calmFrom, () => writers.write())
  loop.at(calmFrom, () => {
    troubles.end()
    stage.repeat(scenario.writeEveryMs * CALM_FACTOR, end, () => writers.write())
  })
  stage.repeat(scenario.restoreEveryMs, calmFrom - 10_000, () => restores.restore())
  stage.repeat(scenario.restoreEveryMs / 8, calmFrom, () => restores.backUp())
  stage.repeat(AUDIT_EVERY_MS, end, () => audit(world))
  if (!options.isDesign) runCron(stage)

  loop.run(end - scenario.durationMs * RECOVERED_SHARE)
  const recovery = new Recovery(stage)
  loop.run(end)
  if (options.isDesign) return
  recovery.check()
  comeToRest(world)
}

/** More often than the platform's minute, so that many runs meet readers; with a phase of its own, at times twice or late. */
function runCron({ world, scenario, end }: Stage): void {
  const { loop, random } = world
  const next = () => {
    const { now } = loop
    const late = random.chance(CRON_LATE_SHARE) ? random.below(CRON_LATE_MS) : 0
    loop.after(late, () => world.cron(now))
    if (random.chance(CRON_TWICE_SHARE)) loop.after(late + random.below(500), () => world.cron(now))
    loop.after(now < end ? scenario.cronEveryMs : REST_CRON_MS, next)
  }
  loop.after(random.below(scenario.cronEveryMs), next)
}

function comeToRest(world: World): void {
  const { loop, audit, failures } = world
  loop.run(loop.now + LAST_WORDS_MS)
  const until = loop.now + REST_MS
  while (loop.now < until && !audit.deliveries.isSettled) loop.run(loop.now + REST_CRON_MS)
  audit.probe()
  loop.run(loop.now + LAST_WORDS_MS)
  failures.audit(true)
  audit.end()
}

function audit({ hosts, consumers, audit, failures }: World): void {
  for (const host of [...hosts, ...consumers]) audit.host(host)
  failures.audit()
}
