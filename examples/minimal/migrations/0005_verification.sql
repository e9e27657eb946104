-- Freshet: what online verification found, and who was told of the pipeline's health. Nothing in here decides what a reader gets.

-- Values that were served though they should not have been, each with all that is needed to find out why. The newest 500.
CREATE TABLE cache_violations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  detail TEXT NOT NULL CHECK (json_type(detail) = 'object')
);

-- What the webhook was told last, so that each change is told once.
CREATE TABLE cache_alerts (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  status TEXT NOT NULL,
  since INTEGER NOT NULL
);
