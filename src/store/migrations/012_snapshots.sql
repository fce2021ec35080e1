-- Files of workspaces: what a run began with (source), and what its steps had changed in them when it
-- waited or ended. steps: which of them had ended well until then, as JSON [[id, attempt], ...]. The
-- changes are of files that stand in the blob base_sha256, or in the commit base_commit.
CREATE TABLE workspace_snapshots (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    kind TEXT NOT NULL,
    steps TEXT NOT NULL,
    base_sha256 TEXT,
    base_commit TEXT,
    sha256 TEXT NOT NULL,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    holds_secret SMALLINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX workspace_snapshots_by_run ON workspace_snapshots (run_id, id);
CREATE INDEX workspace_snapshots_by_blob ON workspace_snapshots (sha256);
