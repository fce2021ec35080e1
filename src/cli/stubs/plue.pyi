"""Types of Plue's workflow files, for editors and type checkers.

Written by `plue stubs`. The names of this module need no import in a workflow file; a type checker wants
`from plue import ...` all the same. Annotate the function for checks inside of it:

    import plue

    @plue.workflow(triggers=[plue.push()])
    def ci(ctx: plue.Context): ...
"""
import builtins
from typing import Any, Callable, Generic, Iterable, Literal, Mapping, Sequence, TypeVar, overload

_T = TypeVar("_T")

Duration = int | float | str
Network = Literal["all"] | builtins.list[str]
# Not of any depth: a text is a sequence of texts for ever.
After = Step | Sequence[Step | Sequence[Step | Sequence[Step]]]

# ---- types of inputs and outputs

class Type: ...

_Typed = type | Type
_Types = Mapping[str, _Typed]

any: Type
secret: Type

def schema(**fields: _Typed) -> Type: ...
def enum(*words: str) -> Type: ...
def optional(type: _Typed, /) -> Type: ...
@overload
def dict(type: _Typed, /) -> Type: ...
@overload
def dict(**items: _T) -> builtins.dict[str, _T]: ...
@overload
def list(type: _Typed, /) -> Type: ...
@overload
def list(items: Iterable[_T] = ..., /) -> builtins.list[_T]: ...

# ---- definitions

class Trigger: ...

_Function = TypeVar("_Function", bound=Callable[[Context], End | None])
_Untyped = TypeVar("_Untyped", bound=Callable[..., Any])

class _Definer:
    @overload
    def __call__(self, function: _Function, /) -> _Function: ...
    @overload
    def __call__(self, function: _Untyped, /) -> _Untyped: ...

def workflow(
    triggers: Sequence[Trigger] = [],
    image: str | None = None,
    dockerfile: str | None = None,
    name: str | None = None,
    env: Mapping[str, str] = {},
    timeout: Duration | None = None,
    concurrency: Concurrency | None = None,
    network: Network | None = None,
    services: Mapping[str, Service] | None = None,
    labels: Sequence[str] | None = None,
    priority: int | None = None,
    sandbox: str | None = None,
) -> _Definer: ...
def tool(
    inputs: _Types = {}, output: _Typed | None = None, description: str | None = None, name: str | None = None
) -> _Definer: ...

class _Action:
    def __call__(self, function: Callable[[Context], End | None], /) -> Callable[..., Step]: ...

def action(
    inputs: _Types = {}, outputs: _Types = {}, description: str | None = None, name: str | None = None
) -> _Action: ...

# ---- triggers

def push(
    branches: Sequence[str] | None = None, tags: Sequence[str] | None = None, paths: Sequence[str] | None = None
) -> Trigger: ...
def pull_request(
    types: Sequence[str] | None = None, branches: Sequence[str] | None = None, paths: Sequence[str] | None = None
) -> Trigger: ...
def issue_comment(contains: str | None = None) -> Trigger: ...
def issues(types: Sequence[str] | None = None) -> Trigger: ...
def release(types: Sequence[str] | None = None) -> Trigger: ...
def schedule(cron: str) -> Trigger: ...
def manual(inputs: _Types | None = None) -> Trigger: ...
def workflow_run(workflows: Sequence[str] | None = None, types: Sequence[str] | None = None) -> Trigger: ...

# ---- values for options

class Cache: ...
class Concurrency: ...
class Service: ...

def cache(key: str, paths: Sequence[str] | None = None, restore_keys: Sequence[str] | None = None) -> Cache: ...
def concurrency(group: str, policy: Literal["fifo", "latest", "cancel"] = "fifo") -> Concurrency: ...
def service(
    image: str,
    ports: Sequence[int] | None = None,
    env: Mapping[str, str] | None = None,
    health: str | None = None,
) -> Service: ...
def hash_files(*patterns: str) -> str: ...
def cache_key(*parts: str) -> str: ...
def raw(value: Any, /) -> str: ...

# ---- steps

class Outputs:
    def __getattr__(self, name: str) -> str: ...
    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: _T) -> str | _T: ...

class Step:
    """A step that was planned. Its values are known once it has run: deciding on one waits for it."""

    @property
    def ok(self) -> bool: ...
    @property
    def failed(self) -> bool: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...
    @property
    def outputs(self) -> Any: ...
    @property
    def duration(self) -> float: ...

class ShellStep(Step):
    @property
    def outputs(self) -> Outputs: ...

class End: ...

# ---- ctx

class _PullRequest:
    number: int
    title: str
    body: str
    base: str
    head: str
    base_ref: str
    head_ref: str
    draft: bool
    labels: builtins.list[str]
    state: str
    author: str

class _Issue:
    number: int
    title: str
    body: str
    labels: builtins.list[str]
    state: str
    author: str

class _Comment:
    id: int
    body: str
    author: str

class _Release:
    tag: str
    name: str
    body: str
    draft: bool
    prerelease: bool

class _WorkflowRun:
    workflow: str
    status: str
    conclusion: str
    id: int

class Event:
    """What the run is for. A field that this event lacks is None."""

    type: Literal["push", "pull_request", "issue_comment", "issues", "release", "schedule", "manual", "workflow_run"]
    action: str
    ref: str
    sha: str
    branch: str
    tag: str
    actor: str
    repository: Any
    issue: _Issue
    comment: _Comment
    release: _Release
    inputs: Any
    pull_request: _PullRequest
    schedule: str
    before: str
    message: str
    workflow_run: _WorkflowRun
    paths: builtins.list[str]

class _Repository:
    name: str
    owner: str
    default_branch: str

class _Texts:
    def __getattr__(self, name: str) -> str: ...

class _Git:
    def diff(
        self, base: str | None = None, head: str | None = None, paths: Sequence[str] | None = None
    ) -> str: ...
    def log(self, n: int = 10) -> str: ...
    def checkout(self, ref: str) -> Step: ...
    def changed_files(self, base: str | None = None) -> builtins.list[str]: ...

class _IssueActions:
    def comment(self, body: str) -> Step: ...

class Context:
    @property
    def event(self) -> Event: ...
    @property
    def inputs(self) -> Any: ...
    @property
    def repo(self) -> _Repository: ...
    @property
    def env(self) -> _Texts: ...
    @property
    def secrets(self) -> _Texts: ...
    @property
    def git(self) -> _Git: ...
    @property
    def issue(self) -> _IssueActions: ...
    def run(
        self,
        name: str | None = None,
        cmd: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        depends_on: After | None = None,
        cache: Cache | str | None = None,
        timeout: Duration | None = None,
        retries: int = 0,
        continue_on_error: bool = False,
        when: Literal["on_success", "on_failure", "always"] = "on_success",
        image: str | None = None,
        network: Network | None = None,
        shell: Literal["bash", "sh", "python3"] | None = None,
        artifacts: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        idempotent: bool = True,
    ) -> ShellStep: ...
    def parallel(self, steps: Sequence[Step], limit: int | None = None, fail_fast: bool = False) -> Step: ...
    def read(self, path: str) -> str: ...
    def write(self, path: str, content: str) -> Step: ...
    def glob(self, pattern: str) -> builtins.list[str]: ...
    def exists(self, path: str) -> bool: ...
    def artifact(self, name: str, paths: Sequence[str]) -> Step: ...
    def log(self, text: Any) -> Step: ...
    def comment(self, body: str) -> Step: ...
    def review_comment(self, path: str, line: int, body: str) -> Step: ...
    def approve(self, body: str | None = None) -> Step: ...
    def request_changes(self, body: str) -> Step: ...
    def approval(
        self, name: str, reviewers: Sequence[str] | None = None, timeout: Duration | None = None
    ) -> Step: ...
    def success(self, **outputs: Any) -> End: ...
    def fail(self, reason: Any) -> End: ...
