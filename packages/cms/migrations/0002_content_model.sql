-- The content model. Times are milliseconds since the Unix epoch. Every committed write of a versioned row raises its
-- version by one. The version guards the next write.

CREATE TABLE collections (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
  -- pbkdf2-sha256$iterations$salt$hash. Null: cannot log in.
  password_hash TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_login_at INTEGER
);

CREATE TABLE sessions (
  -- SHA-256 of the token, in hexadecimal: who reads this table cannot log in with it.
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, expires_at);

CREATE TABLE media (
  id TEXT PRIMARY KEY,
  filename TEXT NOT NULL COLLATE NOCASE,
  mime_type TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  width INTEGER,
  height INTEGER,
  alt TEXT NOT NULL DEFAULT '',
  url TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX media_created ON media (created_at, id);
CREATE INDEX media_updated ON media (updated_at, id);
CREATE INDEX media_filename ON media (filename, id);

CREATE TABLE content (
  id TEXT PRIMARY KEY,
  collection_id TEXT NOT NULL REFERENCES collections (id),
  slug TEXT NOT NULL,
  title TEXT NOT NULL COLLATE NOCASE,
  status TEXT NOT NULL CHECK (status IN ('draft', 'published', 'archived')),
  version INTEGER NOT NULL DEFAULT 1,
  data TEXT NOT NULL CHECK (json_valid(data) AND json_type(data) = 'object'),
  featured INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(json_type(data, '$.featured') = 'true', 0)) VIRTUAL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  published_at INTEGER,
  UNIQUE (collection_id, slug)
);
-- One index for each order of a collection's list, of the list over all collections, and of the featured items. An
-- update pays only for those whose columns it changes, and only featured items pay for the last four.
CREATE INDEX content_list_created ON content (collection_id, status, created_at, id);
CREATE INDEX content_list_updated ON content (collection_id, status, updated_at, id);
CREATE INDEX content_list_published ON content (collection_id, status, published_at, id);
CREATE INDEX content_list_title ON content (collection_id, status, title, id);
CREATE INDEX content_feed_created ON content (status, created_at, id);
CREATE INDEX content_feed_updated ON content (status, updated_at, id);
CREATE INDEX content_feed_published ON content (status, published_at, id);
CREATE INDEX content_feed_title ON content (status, title, id);
CREATE INDEX content_featured_created ON content (featured, status, created_at, id) WHERE featured = 1;
CREATE INDEX content_featured_updated ON content (featured, status, updated_at, id) WHERE featured = 1;
CREATE INDEX content_featured_published ON content (featured, status, published_at, id) WHERE featured = 1;
CREATE INDEX content_featured_title ON content (featured, status, title, id) WHERE featured = 1;

-- What a content item shows besides itself. Who deletes the user or the file deletes the row.
CREATE TABLE content_relationships (
  content_id TEXT NOT NULL REFERENCES content (id) ON DELETE CASCADE,
  relation TEXT NOT NULL CHECK (relation IN ('author', 'featuredMedia')),
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  media_id TEXT REFERENCES media (id) ON DELETE CASCADE,
  PRIMARY KEY (content_id, relation),
  CHECK ((user_id IS NOT NULL) = (relation = 'author') AND (media_id IS NOT NULL) = (relation = 'featuredMedia'))
) WITHOUT ROWID;
CREATE INDEX content_relationships_user ON content_relationships (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX content_relationships_media ON content_relationships (media_id) WHERE media_id IS NOT NULL;

CREATE TABLE plugins (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
  settings TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings) AND json_type(settings) = 'object'),
  updated_at INTEGER NOT NULL
);
CREATE INDEX plugins_status ON plugins (status, id);

CREATE TABLE config (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL CHECK (json_valid(value)),
  is_public INTEGER NOT NULL DEFAULT 0 CHECK (is_public IN (0, 1)),
  version INTEGER NOT NULL DEFAULT 1,
  updated_at INTEGER NOT NULL
);
