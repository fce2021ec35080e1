-- What models were asked and what they answered, for a replay of the run. A record says of its request
-- only what the call before it did not say; an empty one was too large.
CREATE TABLE llm_calls (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    try BIGINT NOT NULL,
    request_sha256 TEXT NOT NULL,
    record TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX llm_calls_by_step ON llm_calls (run_id, step_id, id);
