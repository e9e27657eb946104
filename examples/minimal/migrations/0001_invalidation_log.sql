-- Freshet: the invalidation log. Run it before your own migrations, in the same database: the log row of a write is in
-- the transaction of the write.

-- Its seq is the only clock of the cache. Rows never change but for the delivery columns, and leave when no entry that
-- they could invalidate is alive.
CREATE TABLE invalidation_log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  patterns TEXT NOT NULL CHECK (json_type(patterns) = 'array'),
  created_at INTEGER NOT NULL,
  sent_at INTEGER,
  sends INTEGER NOT NULL DEFAULT 0,
  processed_at INTEGER
);
-- The relay asks only for what is not yet processed.
CREATE INDEX invalidation_log_unprocessed ON invalidation_log (seq) WHERE processed_at IS NULL;

-- The epoch changes when the database was restored from a backup: seqs of another epoch mean nothing.
CREATE TABLE invalidation_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL,
  pruned_to INTEGER NOT NULL DEFAULT 0
);
INSERT INTO invalidation_state (id, epoch) VALUES (1, lower(hex(randomblob(8))));

-- Messages that no retry could help, kept until somebody replays or discards them.
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL
);
