-- Freshet: what all isolates counted, for people. Nothing in here decides what a reader gets.

-- Sums by minute, rolled up to hours and days: one row for each step and namespace, so that writes stay few. `sums` is flat, name to
-- number: counts as they are, the buckets of a histogram as `load.17`, so that SQL can add two of them up.
CREATE TABLE statistics (
  -- Length of the step in seconds: 60, 3600 or 86400.
  step INTEGER NOT NULL,
  -- Its beginning, in seconds since 1970.
  at INTEGER NOT NULL,
  -- '*' for what no namespace has a share in.
  namespace TEXT NOT NULL,
  sums TEXT NOT NULL CHECK (json_type(sums) = 'object'),
  PRIMARY KEY (step, at, namespace)
) WITHOUT ROWID;
