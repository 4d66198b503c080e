-- Who may come in: users, their sessions, bearer tokens. Secrets are kept as hashes only.

-- 用户
CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY NOT NULL,
  name text COLLATE "C" NOT NULL UNIQUE,
  role text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'planner', 'exporter', 'admin', 'auditor')),
  area text COLLATE "C" NOT NULL,
  password text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  disabled_at text COLLATE "C",
  row_version bigint NOT NULL DEFAULT 1,
  row_sum bigint
);
-- 会话
CREATE TABLE sessions (
  secret_sha256 text COLLATE "C" PRIMARY KEY NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  expires_at text COLLATE "C" NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
-- 令牌
CREATE TABLE tokens (
  id text COLLATE "C" PRIMARY KEY NOT NULL,
  name text COLLATE "C" NOT NULL,
  secret_sha256 text COLLATE "C" NOT NULL UNIQUE,
  role text COLLATE "C" NOT NULL CHECK (role IN ('viewer', 'planner', 'exporter', 'admin', 'auditor')),
  area text COLLATE "C" NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  created_at text COLLATE "C" NOT NULL,
  expires_at text COLLATE "C" NOT NULL,
  revoked_at text COLLATE "C",
  row_sum bigint
);

-- Row security without a policy: nobody but the owner sees these, whatever is granted.
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
