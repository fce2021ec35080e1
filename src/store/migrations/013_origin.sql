-- Where a run that was imported came from, as JSON; and artifacts that a secret of their run stands in.
ALTER TABLE workflow_runs ADD COLUMN origin TEXT;
ALTER TABLE artifacts ADD COLUMN holds_secret SMALLINT;
