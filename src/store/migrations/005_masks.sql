-- Values that steps hid with ::add-mask::, sealed, for the lines that come after a resume.
CREATE TABLE run_masks (
    run_id BIGINT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
);
