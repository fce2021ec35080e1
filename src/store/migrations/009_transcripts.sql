-- Turns of agents: what the model said and called, what the calls gave, and what it took until then.
CREATE TABLE transcripts (
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    try BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    answer TEXT NOT NULL,
    results TEXT NOT NULL,
    usage TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, attempt, step_id, try, turn)
) @clustered;
