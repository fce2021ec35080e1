-- Answers of models that fitted, under the request that they answer.
CREATE TABLE model_answers (
    request_sha256 TEXT NOT NULL,
    base_url TEXT NOT NULL,
    client TEXT NOT NULL,
    answer TEXT NOT NULL,
    run_id BIGINT NOT NULL,
    step_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (request_sha256, base_url)
);
CREATE INDEX model_answers_by_age ON model_answers (created_at);
