/** Variables with these beginnings are settings of the Workers, also when `wrangler.jsonc` leaves them to their defaults. */
const SETTING_PREFIXES = ['CACHE_', 'WARM_', 'CORS_', 'EVENTS_', 'ALERT_']

/**
 * The Worker's vars for a local run: those of its configuration, each replaced by the environment's variable of the same
 * name; settings that only the environment has are added. Later environments win over earlier ones.
 */
export function overrideVars(
  vars: Readonly<Record<string, string>>,
  ...environments: readonly Readonly<Record<string, string | undefined>>[]
): Record<string, string> {
  const result = { ...vars }
  for (const environment of environments) {
    for (const [name, value] of Object.entries(environment)) {
      if (value !== undefined && (name in vars || isSetting(name))) result[name] = value
    }
  }
  return result
}

function isSetting(name: string): boolean {
  return SETTING_PREFIXES.some((prefix) => name.startsWith(prefix))
}
