"""The examples that ask models, from their recordings. With --update the recordings are made anew, from the answers below."""
import os
import re
import subprocess

import harness
from harness import ROOT
from model_server import ModelServer
from test_agents import turn
from test_models import ModelTest

RUN = ROOT / "examples/run-agents"
RECORDINGS = ROOT / "examples/recordings"
GOOD = (ROOT / "examples/calc/src/calc.c").read_text()
README = (ROOT / "examples/calc/README.md").read_text()
PATCH_LINE = "The version stands in the file `VERSION`."


def patch():
    """Adds a line at the README's end."""
    lines = README.splitlines()
    at = len(lines) - 2
    context = "".join(f" {line}\n" for line in lines[at:])
    return f"--- a/README.md\n+++ b/README.md\n@@ -{at + 1},2 +{at + 1},4 @@\n{context}+\n+{PATCH_LINE}\n"


def final(**fields):
    return ("final_answer", fields)


ANSWERS = {
    "review": [
        turn(("read_file", {"path": "src/calc.h"}), ("grep", {"pattern": "calc_div"}), text="I look where the new function is declared and used."),
        turn(final(issues=[], summary="No input reaches a shell, a file or a network here."), text=""),
        turn(("read_file", {"path": "src/calc.c", "offset": 22}), text="I read the whole function."),
        turn(final(issues=[{"file": "src/calc.c", "line": 25, "severity": "error", "suggestion": "if (b == 0 || (a == LONG_MIN && b == -1)) return false;",
                            "message": "b == 0 divides by zero, and LONG_MIN / -1 overflows: both are undefined, where the header promises false."},
                           {"file": "src/calc.c", "line": 22, "severity": "warning", "suggestion": None,
                            "message": "tests/test_calc.c has no case for calc_div."}],
                   summary="The new function does not do what its header says."), text=""),
    ],
    "fix_build": [
        turn(("read_file", {"path": "src/calc.c"}), text="The compiler stumbles in src/calc.c: I read it."),
        turn(("write_file", {"path": "src/calc.c", "content": GOOD}), ("shell", {"command": "make 2>&1 | tail -1"}), text="A semicolon is missing after `long p`."),
        turn(("run_tests", {"pattern": ""}), text="It compiles. I run the tests."),
        turn(final(status="complete", summary="added the semicolon after `long p` in calc_mul", files_changed=["src/calc.c"]), text=""),
    ],
    "issue_helper": [
        turn(("write_file", {"path": "answer.patch", "content": patch()}), ("run_tests", {}), text="A sentence in the README answers that."),
        turn(final(action="patch", text=patch(), question=None), text=""),
    ],
}


class Examples(ModelTest):
    def examples(self, *args, env=None):
        return subprocess.run(["/usr/bin/python3", str(RUN), harness.PLUE, *args], env={**self.env, **(env or {})}, capture_output=True, text=True, timeout=600)

    def record(self):
        RECORDINGS.mkdir(exist_ok=True)
        for name, answers in ANSWERS.items():
            self.model.scripts += answers
            done = self.examples("--live", "--record", str(RECORDINGS), name)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_recordings_repeat_without_a_key_or_a_network(self):
        if harness.UPDATE:
            self.record()
        self.model.requests.clear()
        done = self.examples(env={"ANTHROPIC_API_KEY": "", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.model.requests, [])
        said = re.findall(r"would comment: (.*)", done.stdout)
        self.assertEqual(said, [
            "src/calc.c:22: **[correctness]** tests/test_calc.c has no case for calc_div.",
            "src/calc.c:25: **[correctness]** b == 0 divides by zero, and LONG_MIN / -1 overflows: both are undefined, where the header promises false.",
            "1 error found",
            "This patch passes the tests:"])
        for line in ('outputs: {"attempts": 2}', "fixbuilderrors.run-tests-1.tests success", "+" + PATCH_LINE):
            self.assertIn(line, done.stdout + done.stderr)

    def test_a_recording_of_another_question_is_refused(self):
        self.copy_acceptance()
        prompt = self.repo / ".plue/prompts/IssueHelper.prompt.md"
        prompt.write_text(prompt.read_text() + "\nBe brief.\n")
        event = self.event({"type": "issue_comment", "action": "created", "issue": {"number": 3, "title": "t", "body": None}, "comment": {"body": "@plue"}})
        done = self.plue("workflow", "run", "issue_helper", "--event", event, "--replay", RECORDINGS / "issue_helper.json", "--json", expect=1)
        step = next(s for s in done.json["steps"] if s["type"] == "agent")
        self.assertEqual(step["error"]["code"], "llm_replay_diverged")

    def test_a_file_that_is_no_record_of_a_run_is_said(self):
        self.copy_acceptance()
        other = self.write("other.json", '{"format": "plue-record", "version": 1, "calls": []}')
        for options, message in ((["--replay", other], f"{other} is no record of a run"),
                                 (["--replay", self.top / "none"], f"{self.top}/none cannot be read: No such file or directory"),
                                 (["--replay", other, "--record", "x"], "--record and --replay do not go together")):
            error = self.plue("workflow", "run", "ci", "--json", *options, expect=2).json["error"]
            self.assertEqual(error["message"], message)

    def test_a_record_holds_no_secret(self):
        recorded = "".join(p.read_text() for p in RECORDINGS.glob("*.json"))
        self.assertEqual(len(list(RECORDINGS.glob("*.json"))), 3)
        self.assertNotIn(self.env["ANTHROPIC_API_KEY"], recorded)
