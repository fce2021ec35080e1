-- Runs, their steps, logs and events; what they were evaluated from; who drives them.
-- Words that begin with @ are the driver's: @identity is a key that the database counts, never
-- giving a number twice; @clustered keeps rows in the order of their primary key where the
-- database can. Times are milliseconds since 1970 in UTC, flags are 0 or 1.

CREATE TABLE repositories (
    id @identity,
    name TEXT NOT NULL UNIQUE,
    default_branch TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE workflow_definitions (
    id @identity,
    repository_id BIGINT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    file_path TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    parsed_at BIGINT NOT NULL,
    image TEXT,
    dockerfile TEXT,
    triggers TEXT NOT NULL,
    plan TEXT,
    UNIQUE (repository_id, name)
);

CREATE TABLE workflow_runs (
    id @identity,
    repository_id BIGINT REFERENCES repositories (id) ON DELETE SET NULL,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL,
    conclusion TEXT,
    reason_code TEXT,
    reason_text TEXT,
    attempt BIGINT NOT NULL,
    trigger_type TEXT NOT NULL,
    ref TEXT,
    sha TEXT,
    branch TEXT,
    actor TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    waited_ms BIGINT NOT NULL,
    evaluator TEXT,
    plan_hash TEXT,
    error_message TEXT,
    error TEXT,
    inputs TEXT,
    outputs TEXT,
    trigger_payload TEXT,
    plan TEXT
);
CREATE INDEX workflow_runs_by_workflow ON workflow_runs (workflow, id);
CREATE INDEX workflow_runs_by_status ON workflow_runs (status, id);

-- One row for each try of a step in an attempt of its run. The long columns stand last: what is
-- listed is read without them.
CREATE TABLE workflow_steps (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    try BIGINT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    step_type TEXT NOT NULL,
    parent TEXT,
    status TEXT NOT NULL,
    outcome TEXT,
    conclusion TEXT,
    reason_code TEXT,
    reason_text TEXT,
    exit_code BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    turns_used BIGINT NOT NULL,
    tokens_in BIGINT NOT NULL,
    tokens_out BIGINT NOT NULL,
    cost_micro_usd BIGINT NOT NULL,
    log_lines BIGINT NOT NULL,
    log_bytes BIGINT NOT NULL,
    stdout_cut SMALLINT NOT NULL,
    stderr_cut SMALLINT NOT NULL,
    error_message TEXT,
    error TEXT,
    depends_on TEXT NOT NULL,
    config TEXT NOT NULL,
    outputs TEXT,
    output TEXT,
    stdout_text TEXT,
    stderr_text TEXT,
    UNIQUE (run_id, attempt, step_id, try)
);

-- Lines are found by their step, or through the range of seq of their batch in run_events. No
-- foreign key: it would be looked up for each line; the key is read in the same transaction.
CREATE TABLE workflow_logs (
    step_key BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    time BIGINT NOT NULL,
    log_type TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (step_key, sequence)
) @clustered;

-- One row for each event, or for a batch of log lines: those have seq to last_seq, a step_key, and
-- their data in workflow_logs.
CREATE TABLE run_events (
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    time BIGINT NOT NULL,
    type TEXT NOT NULL,
    step_id TEXT,
    step_key BIGINT,
    data TEXT,
    PRIMARY KEY (run_id, seq)
) @clustered;

-- What an attempt of a run was evaluated from; each text stands once.
CREATE TABLE source_texts (
    sha256 TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);
CREATE TABLE source_bundles (
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    path TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES source_texts (sha256),
    PRIMARY KEY (run_id, attempt, path)
) @clustered;

CREATE TABLE leases (
    run_id BIGINT NOT NULL PRIMARY KEY REFERENCES workflow_runs (id) ON DELETE CASCADE,
    pid BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    pid_space BIGINT NOT NULL,
    boot_id TEXT NOT NULL,
    machine TEXT NOT NULL,
    acquired_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- What other processes ask of the one that drives the run.
CREATE TABLE run_commands (
    id @identity,
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX run_commands_by_run ON run_commands (run_id, id);
