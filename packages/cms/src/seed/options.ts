/** What to generate. The same options give the same rows, to the byte. */
export interface SeedOptions {
  /** Content items over all collections, most of them posts. Default 5,000. */
  posts?: number
  users?: number
  media?: number
  plugins?: number
  seed?: number
  /** Adds admin@, editor@ and viewer@example.com with a known password: for local databases only. Default no. */
  localUsers?: boolean
  /** Publishes every content item, so that a replay program may read any of them. Default no: about 90 %. */
  allPublished?: boolean
}

export const SEED_DEFAULTS: Required<SeedOptions> = {
  posts: 5000,
  users: 200,
  media: 1000,
  plugins: 12,
  seed: 20_250_101,
  localUsers: false,
  allPublished: false,
}
