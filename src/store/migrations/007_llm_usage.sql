-- What each call of a model took. Money in millionths of a US dollar; NULL where no price is known.
CREATE TABLE llm_usage (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    try BIGINT NOT NULL,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    stop TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    cost_microusd BIGINT,
    requests BIGINT NOT NULL,
    first_token_ms BIGINT NOT NULL,
    whole_ms BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX llm_usage_by_run ON llm_usage (run_id, id);
