"""A stand-in for the plue module, for CPython: enough for the acceptance workflow ci.py to make its plan.

Results that are not known are expressions that grow by operators and formatting, as in Plue; a
decision on one stops the evaluation. Used by the peers only.
"""
import re


class Await(Exception):
    pass


class Deferred:
    def __init__(self, text):
        self.text = text

    def __getattr__(self, name):
        return Deferred(f"{self.text}.{name}")

    def __call__(self, *args):
        return Deferred(f"{self.text}({', '.join(map(repr, args))})")

    def __format__(self, spec):
        return "{" + self.text + "}"

    def __bool__(self):
        raise Await(self.text)


class Handle:
    def __init__(self, id):
        self.id = id

    def __getattr__(self, name):
        return Deferred(f"steps.{self.id}.{name}")


def json_value(value):
    if isinstance(value, Deferred):
        return {"$expr": value.text}
    if isinstance(value, dict):
        return {k: json_value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(v) for v in value]
    return value


def seconds(text):
    if not isinstance(text, str):
        return text
    return sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[u] for n, u in re.findall(r"(\d+)([smhd])", text))


class Record:
    def __init__(self, fields):
        self.fields = fields

    def __getattr__(self, name):
        return self.fields.get(name)

    def get(self, name, default=None):
        return self.fields.get(name, default)


class Context:
    def __init__(self, event):
        self.event, self.inputs = Record(event), Record(event.get("inputs", {}))
        self.steps, self.before, self.slugs, self.groups = [], [], {}, 0

    def add(self, name, type, config, depends_on):
        slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
        n = self.slugs[slug] = self.slugs.get(slug, 0) + 1
        id = slug if n == 1 else f"{slug}-{n}"
        self.steps.append({"id": id, "name": name, "type": type, "config": config, "depends_on": depends_on})
        return Handle(id)

    def run(self, name, cmd, env=None, cwd=None, depends_on=None, cache=None, timeout=None, retries=0,
            continue_on_error=False, when="on_success", artifacts=None):
        if depends_on is None:
            depends_on = self.before
        else:
            depends_on = [h.id for h in (depends_on if isinstance(depends_on, list) else [depends_on])]
        handle = self.add(name, "shell", {
            "cmd": json_value(cmd), "env": json_value(env or {}), "cwd": cwd, "shell": None, "image": None, "network": None,
            "cache": json_value(cache), "artifacts": artifacts, "outputs": None,
            "timeout_ms": None if timeout is None else seconds(timeout) * 1000, "retries": retries,
            "continue_on_error": continue_on_error, "when": when, "idempotent": True}, depends_on)
        self.before = [handle.id]
        return handle

    def parallel(self, steps, limit=None, fail_fast=False):
        self.groups += 1
        ids = [s.id for s in steps]
        handle = self.add(f"parallel-{self.groups}", "parallel", {"step_ids": ids, "limit": limit, "fail_fast": fail_fast}, ids)
        self.before = [handle.id]
        return handle

    def success(self, **outputs):
        return {"status": "success", "outputs": json_value(outputs), "reason": None}

    def fail(self, reason):
        return {"status": "fail", "outputs": {}, "reason": json_value(reason)}


def trigger(type, **fields):
    return {"type": type, **fields}


DEFINED = {}


def workflow(triggers, env=None, timeout=None, **more):
    def decorate(function):
        DEFINED[function.__name__] = (function, triggers)
        return function
    return decorate


NAMES = {
    "workflow": workflow,
    "push": lambda branches=None, tags=None, paths=None: trigger("push", branches=branches, tags=tags, paths=paths),
    "pull_request": lambda types=None, branches=None, paths=None: trigger("pull_request", types=types, branches=branches, paths=paths),
    "manual": lambda inputs=None: trigger("manual", inputs=inputs),
    "enum": lambda *values: {"enum": list(values)},
    "optional": lambda of: {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "cache": lambda key, paths, restore_keys=(): {"key": key, "paths": paths, "restore_keys": list(restore_keys)},
    "hash_files": lambda *patterns: f"hash_files({', '.join(map(repr, patterns))})",
}


def plan(name, event):
    """Calls the workflow; the plan as plain data."""
    function, triggers = DEFINED[name]
    ctx = Context(event)
    result = awaits = None
    try:
        result = function(ctx)
    except Await as stop:
        awaits = str(stop)
    return {"version": 1, "workflow": name, "event": event["type"], "triggers": json_value(triggers), "steps": ctx.steps,
            "awaits": awaits, "result": result}
