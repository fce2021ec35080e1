-- Whether the run holds its concurrency group: at most one open run of a group does.
ALTER TABLE workflow_runs ADD COLUMN holds_group BIGINT;
