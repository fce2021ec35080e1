-- Attempts, deadlines, groups of runs, and secrets.

ALTER TABLE workflow_runs ADD COLUMN deadline_at BIGINT;
ALTER TABLE workflow_runs ADD COLUMN concurrency_group TEXT;
ALTER TABLE workflow_runs ADD COLUMN concurrency_policy TEXT;
ALTER TABLE workflow_runs ADD COLUMN priority BIGINT;

-- The attempt whose row has the log of a step that a later attempt kept.
ALTER TABLE workflow_steps ADD COLUMN kept_from BIGINT;

-- Encrypted with the key that lies beside the database, never in it.
CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
