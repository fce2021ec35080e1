-- What runs keep: artifacts, caches, and what people decided. Bytes stand in the blob store, under
-- their SHA-256.

CREATE TABLE artifacts (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (run_id, attempt, name)
);
CREATE INDEX artifacts_by_blob ON artifacts (sha256);

-- A cache belongs to a scope (a ref, or a pull request) of a repository; an entry is never changed.
CREATE TABLE cache_entries (
    id @identity,
    repository TEXT NOT NULL,
    scope TEXT NOT NULL,
    cache_key TEXT NOT NULL,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    result TEXT NOT NULL,
    UNIQUE (repository, scope, version, cache_key)
);
CREATE INDEX cache_entries_by_use ON cache_entries (used_at);
CREATE INDEX cache_entries_by_blob ON cache_entries (sha256);

CREATE TABLE approvals (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    name TEXT NOT NULL,
    reviewers TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    decided_at BIGINT,
    decision TEXT,
    actor TEXT,
    comment TEXT,
    UNIQUE (run_id, attempt, step_id)
);
