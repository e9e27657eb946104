-- Freshet: what the pipeline keeps besides the log. Nothing in here decides what a reader gets.

-- For people: when the consumer first had an event, what it swept from KV, and how many warm jobs followed.
ALTER TABLE invalidation_log ADD COLUMN received_at INTEGER;
ALTER TABLE invalidation_log ADD COLUMN swept_at INTEGER;
ALTER TABLE invalidation_log ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE invalidation_log ADD COLUMN warm_jobs INTEGER NOT NULL DEFAULT 0;
-- Which message goes on with the sweep: any other one, a copy or a late one, has nothing to do.
ALTER TABLE invalidation_log ADD COLUMN sweep_link TEXT;

-- How often each recipe is read, with exponential decay. A rank is log2(score) + time / half-life: the scores decay, the
-- ranks need no update for it, and their order never changes by it.
CREATE TABLE popularity (
  recipe TEXT PRIMARY KEY CHECK (json_type(recipe) = 'object'),
  rank REAL NOT NULL,
  -- What one load of it takes, ms.
  cost_ms REAL NOT NULL,
  updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX popularity_rank ON popularity (rank);

-- Counts of the pipeline by minute: warm jobs by outcome, their waits, hits on what was warmed.
CREATE TABLE pipeline_counts (
  minute INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (minute, name)
) WITHOUT ROWID;

-- Work that must not run twice at a time, such as the schedule's when one minute's run outlasts it.
CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
