/** One fault, put into the source text of one module when it is loaded. */
export interface Mutant {
  name: string
  /** The rule of the design that it breaks. */
  rule: string
  /** The package whose fault it is: the library, where nothing is said. */
  of?: 'cms'
  /** Under that package's src. */
  file: string
  /** Must occur exactly once. */
  find: string
  replace: string
  /** Scenarios that give it the chance to do harm. */
  scenarios: readonly string[]
}
