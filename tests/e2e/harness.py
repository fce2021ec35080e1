"""What the e2e tests share: temporary repositories and data folders, and the real program run in them.

Every test has folders of its own and may run beside any other. Nothing sleeps for luck: wait_for
looks at a condition until it holds. Only processes that the test started are ended.
"""
import fcntl
import itertools
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import textwrap
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data"
SECONDS = 120           # for one command, under sanitizers on a busy machine
DYING = 20              # for what is left of processes that have ended or were killed

PLUE = None             # set by tests/e2e/run
NAPS = itertools.count(100000 + os.getpid() % 10000 * 100)
UPDATE = False          # --update: rewrite golden files instead of comparing


class Result:
    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"stdout is not one JSON document\n{self}") from None

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"$ {' '.join(map(str, self.command))}\nexit {self.status}\n-- stdout\n{self.out}\n-- stderr\n{self.err}"


class PlueTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.top = Path(tempfile.mkdtemp(prefix="plue-e2e-"))
        self.addCleanup(remove_tree, self.top)
        self.addCleanup(end_keepers, self.top)
        self.started = []
        # Seconds that no other test sleeps: steps sleep so long, and their processes are known by it.
        self.nap = str(next(NAPS))
        self.repo, self.data, self.home = self.top / "repo", self.top / "data", self.top / "home"
        self.repo.mkdir()
        self.home.mkdir()
        self.env = {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.home), "LC_ALL": "C.UTF-8", "PLUE_DATA_DIR": str(self.data),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
            "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    # -- the repository

    def write(self, path, text, mode=None):
        target = self.repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            target.write_bytes(text)
        else:
            target.write_text(text, encoding="utf-8")
        if mode is not None:
            target.chmod(mode)
        return target

    def workflow(self, text, name="ci"):
        """Writes .plue/workflows/NAME.py; text is dedented by its first line's indent."""
        return self.write(f".plue/workflows/{name}.py", dedent(text))

    def steps_workflow(self, body, decorator="@workflow(triggers=[manual()])", name="ci"):
        """A workflow of this body alone."""
        body = body.replace("NAP", self.nap)
        body = "".join("    " + line if line.strip() else line for line in dedent(body).splitlines(True))
        return self.write(f".plue/workflows/{name}.py", f"{decorator}\ndef {name}(ctx):\n{body}")

    def copy_acceptance(self):
        shutil.copytree(ROOT / "examples/calc", self.repo, dirs_exist_ok=True)

    def git(self, *args):
        return subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c",
                               "init.defaultBranch=main", *args], cwd=self.repo, env=self.env, check=True,
                              capture_output=True, text=True).stdout

    def commit(self, message="change"):
        if not (self.repo / ".git").exists():
            self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def event(self, event, name="event.json"):
        path = self.top / name
        path.write_text(json.dumps(event))
        return str(path)

    # -- the program

    def plue(self, *args, cwd=None, env=None, stdin="", expect=None, seconds=SECONDS, below=()):
        """below: a command that is given plue's own as its last arguments."""
        command = [*map(str, below), PLUE, *map(str, args)]
        try:
            done = subprocess.run(command, cwd=cwd or self.repo, env=dict(self.env, **(env or {})),
                                  input=stdin.encode() if isinstance(stdin, str) else stdin,
                                  capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"no end after {seconds} s: {' '.join(command)}\n{late.stdout}\n{late.stderr}") from None
        result = Result(command, done.returncode, done.stdout.decode("utf-8", "backslashreplace"),
                        done.stderr.decode("utf-8", "backslashreplace"))
        self.check_health(result)
        if expect is not None:
            self.assertEqual(result.status, expect, str(result))
        return result

    def check_health(self, result):
        self.assertNotIn("Sanitizer", result.err, str(result))
        self.assertNotIn("runtime error:", result.err, str(result))
        self.assertGreaterEqual(result.status, 0, f"ended by a signal\n{result}")
        self.assertLess(result.status, 5, f"not an exit status of Plue\n{result}")

    def start(self, *args, cwd=None, env=None, **more):
        """Starts plue in a process group of its own; ended (with its group) after the test."""
        out = open(self.top / f"out-{time.monotonic_ns()}", "w+b")
        err = open(out.name + ".err", "w+b")
        process = subprocess.Popen([PLUE, *map(str, args)], cwd=cwd or self.repo, env=dict(self.env, **(env or {})),
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, **more)
        process.out_path, process.err_path = out.name, err.name
        self.started.append(process)
        out.close()
        err.close()

        def end():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.addCleanup(end)
        return process

    def finish(self, process, expect=None, seconds=SECONDS):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end after {seconds} s: {process.args}\n{Path(process.out_path).read_text()}\n"
                                 f"{Path(process.err_path).read_text()}") from None
        result = Result(process.args, process.returncode, Path(process.out_path).read_text(errors="replace"),
                        Path(process.err_path).read_text(errors="replace"))
        if expect is not None:
            self.assertEqual(result.status, expect, str(result))
        return result

    def wait_for(self, condition, what, seconds=SECONDS):
        """Waits until the condition gives something true; a file that it reads and is not there yet is waited for too.
        Once all that was started has ended, what it left may still change for a while, and no longer."""
        end, ended = time.monotonic() + seconds, False
        while time.monotonic() < end:
            try:
                value = condition()
            except FileNotFoundError:
                value = None
            if value:
                return value
            if not ended and self.started and all(p.poll() is not None for p in self.started):
                ended, end = True, min(end, time.monotonic() + DYING)
            time.sleep(0.03)
        shown = "".join(Path(p.out_path).read_text(errors="replace") + Path(p.err_path).read_text(errors="replace")
                        for p in self.started)
        raise AssertionError(f"{'all that was started has ended' if ended else f'after {seconds} s'}, still not: {what}\n{shown}")

    # -- runs

    def run_ci(self, *args, expect=0, name="ci", **more):
        """Runs the workflow; gives the run as JSON."""
        return self.plue("workflow", "run", name, "--json", *args, expect=expect, **more).json

    def plan(self, *args, name="ci", **more):
        return self.plue("workflow", "plan", name, "--json", *args, **{"expect": 0, **more}).json

    def plan_error(self, *args, name="ci"):
        return self.plue("workflow", "plan", name, "--json", *args, expect=2).json["error"]

    def view(self, run=1):
        return self.plue("run", "view", run, "--json", expect=0).json

    def try_view(self, run=1):
        """The run, or None while it is not there."""
        result = self.plue("run", "view", run, "--json")
        return result.json if result.status == 0 else None

    def log(self, run=1, step=None, stream=None):
        """The text of a log, lines joined."""
        args = ["run", "view", run, "--log", "--json"] + (["--step", step] if step else [])
        lines = self.plue(*args, expect=0).json["lines"]
        return "".join(line["line"] + "\n" for line in lines
                       if (line["stream"] == stream if stream else line["stream"] in ("stdout", "stderr")))

    def step(self, run, name):
        for step in run["steps"]:
            if step["id"] == name:
                return step
        raise AssertionError(f"no step {name} among {[s['id'] for s in run['steps']]}")

    def outcomes(self, run):
        return {step["id"]: step["outcome"] for step in run["steps"]}

    def statuses(self, run):
        return {step["id"]: step["status"] for step in run["steps"]}

    def wait_for_step(self, name, status, run=1):
        def reached():
            view = self.try_view(run)
            return view and any(s["id"] == name and s["status"] == status for s in view["steps"]) and view
        return self.wait_for(reached, f"step {name} of run {run} is {status}")

    def wait_for_question(self, run=1):
        """That a step waits is recorded before its question is: only then can it be answered."""
        return self.wait_for(lambda: (self.try_view(run) or {}).get("approvals"), f"run {run} asks for an approval")

    # -- golden files

    def assert_golden(self, name, text):
        path = DATA / "golden" / name
        if UPDATE:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.assertEqual(path.read_text(), text, f"tests/data/golden/{name} (tests/e2e/run PLUE --update rewrites it)")


class OnTerminal(PlueTest):
    """Tests that run plue on a terminal."""

    def on_terminal(self, *args, env=None, rows=24, columns=100):
        """Starts plue on a terminal of its own; gives the process and the terminal's other side."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def own_terminal():
            signal.signal(signal.SIGHUP, signal.SIG_DFL)        # nohup has it ignored, and so would plue
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        process = subprocess.Popen([PLUE, *args], cwd=self.repo, env=dict(self.env, TERM="xterm-256color", **(env or {})),
                                   stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                   preexec_fn=own_terminal)
        os.close(theirs)
        self.addCleanup(os.close, ours)

        def end():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.addCleanup(end)
        return process, ours

    def read_until(self, terminal, stop, process=None, seconds=60):
        """What was shown until it holds `stop`, or until the end."""
        shown, end = b"", time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    data = os.read(terminal, 65536)
                except OSError:         # the other side is closed
                    return shown.decode(errors="replace")
                if not data:
                    return shown.decode(errors="replace")
                shown += data
                if stop and stop.encode() in shown:
                    return shown.decode(errors="replace")
        raise AssertionError(f"after {seconds} s still not shown: {stop}\n{shown.decode(errors='replace')}")


def dedent(text):
    return textwrap.dedent(text.lstrip("\n"))


def processes_with(word):
    """Process ids on whose command line this word stands."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def is_alive(pid):
    """Whether there is such a process, and not only its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end_keepers(top):
    """Of runs whose program was killed: what keeps their /tmp for a resume would stay for ever."""
    ended = set()
    for keeper in [*top.glob("*/keepers/*"), *top.glob("*/*/keepers/*")]:
        try:
            pid, started = keeper.read_text().split()
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == started:
                os.kill(int(pid), signal.SIGKILL)
                ended.add(int(pid))
        except (OSError, ValueError):       # it has ended, or never began
            pass
    lost, end = keepers_of(top) - ended, time.monotonic() + DYING
    while lost and time.monotonic() < end:      # it may have been killed a moment ago
        time.sleep(0.03)
        lost = keepers_of(top) - ended
    for pid in lost:
        os.kill(pid, signal.SIGKILL)
    if lost:
        raise AssertionError(f"processes {sorted(lost)} keep the /tmp of runs, and no file says so")


def keepers_of(top):
    """Those that hold a workspace below it, whatever they have left of files."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"plue-space\0"):
                shown = [line.split()[3] for line in (process / "mountinfo").read_text().splitlines()]
                if any(f"{top}/" in root for root in shown):
                    found.add(int(process.name))
        except OSError:                     # it has ended, or is another's
            pass
    return found


def remove_tree(path, seconds=10):
    """Also where a killed plue's children write for another moment."""
    end = time.monotonic() + seconds
    while True:
        try:
            return shutil.rmtree(path)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
