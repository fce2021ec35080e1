-- What a step's plan let it use and it did not: hosts of network=, tools of an agent.
CREATE TABLE unused_grants (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    try BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL
);
CREATE INDEX unused_grants_by_step ON unused_grants (run_id, step_id, attempt, try);
