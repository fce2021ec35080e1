-- Runs of one branch, newest first, without a look at all others.
CREATE INDEX workflow_runs_by_branch ON workflow_runs (branch, id);
