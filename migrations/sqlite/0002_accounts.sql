-- Who may come in: users, their sessions, bearer tokens. Secrets are kept as hashes only.

-- 用户
CREATE TABLE users (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'planner', 'exporter', 'admin', 'auditor')),
  area TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at TEXT NOT NULL,
  disabled_at TEXT,
  row_version INTEGER NOT NULL DEFAULT 1,
  row_sum INTEGER
) WITHOUT ROWID;
-- 会话
CREATE TABLE sessions (
  secret_sha256 TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);
-- 令牌
CREATE TABLE tokens (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'planner', 'exporter', 'admin', 'auditor')),
  area TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  revoked_at TEXT,
  row_sum INTEGER
) WITHOUT ROWID;
