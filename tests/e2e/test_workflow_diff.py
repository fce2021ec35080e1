"""plue workflow diff: how plans changed between two commits."""
from harness import PlueTest, dedent

CI = """
    @workflow(triggers=[push(), manual()], image="node:20")
    def ci(ctx):
        a = ctx.run(name="a", cmd="make a")
        b = ctx.run(name="b", cmd="make b", depends_on=[a], env={"K": ctx.secrets.OLD})
        if b.ok:
            ctx.run(name="c", cmd="set -e\\necho one\\necho two\\n")
    """


class Differences(PlueTest):
    def setUp(self):
        super().setUp()
        self.workflow(CI)
        self.first = self.commit()

    def change(self, *replacements):
        path = self.repo / ".plue/workflows/ci.py"
        text = path.read_text()
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new)
        path.write_text(text)

    def diff(self, *args, **more):
        return self.plue("workflow", "diff", *args, **{"expect": 0, **more})

    def test_everything_that_changed_is_shown_once(self):
        self.change(("node:20", "node:22"), ("make a", "make -j a"), ("echo one", "echo ONE"), ("secrets.OLD", "secrets.NEW"),
                    ('cmd="make b", depends_on=[a]', 'cmd="make b", depends_on=[], network=["a.example:443"]'),
                    ("if b.ok:", "if b.ok and a.ok:\n        ctx.run(name='d', cmd='true')"))
        self.commit()
        self.assertEqual(self.diff("HEAD~1..HEAD").out, dedent("""
            ci, planned for push, manual:
              ~ image: "node:20" -> "node:22"
              ~ step a: cmd: "make a" -> "make -j a"
              ~ step b: env: {"K": {"$expr": "secrets.OLD"}} -> {"K": {"$expr": "secrets.NEW"}}
              ~ step b: network: null -> ["a.example:443"]
              ~ step b: waits no more for a
              + step d (shell): true
              ~ step c: cmd:
                      - echo one
                      + echo ONE
              ~ step c: waits no more for b
              ~ step c: waits for d now
              ! secret NEW: step b gets it now
              ! network a.example:443: step b gets it now
              ! secret OLD: step b gets it no more

            1 changed, 0 added, 0 removed, 0 the same
            """))

    def test_options_of_the_workflow_and_of_a_step_are_compared(self):
        self.change(('image="node:20"', 'image="node:20", timeout="5m", labels=["gpu"], priority=3'),
                    ('cmd="make a"', 'cmd="make a", timeout="1m", retries=2, when="always", continue_on_error=True, cwd="sub"'))
        self.commit()
        out = self.diff("HEAD~1..HEAD").out
        self.change(('labels=["gpu"], priority=3', 'labels=["cpu"]'))
        self.commit()
        self.assertEqual(out + self.diff("HEAD~1..HEAD").out, dedent("""
            ci, planned for push, manual:
              ~ timeout_ms: null -> 300000
              ~ labels: null -> ["gpu"]
              ~ priority: null -> 3
              ~ step a: cwd: null -> "sub"
              ~ step a: timeout_ms: null -> 60000
              ~ step a: retries: 0 -> 2
              ~ step a: continue_on_error: false -> true
              ~ step a: when: "on_success" -> "always"

            1 changed, 0 added, 0 removed, 0 the same
            ci, planned for push, manual:
              ~ labels: ["gpu"] -> ["cpu"]
              ~ priority: 3 -> null

            1 changed, 0 added, 0 removed, 0 the same
            """))

    def test_what_does_not_change_the_plan_is_no_difference(self):
        self.change(('"make a"', '"make " + "a"'))
        self.commit()
        result = self.diff("HEAD~1..HEAD", "--exit-code")
        self.assertEqual(result.out, "0 changed, 0 added, 0 removed, 1 the same\n")

    def test_workflows_come_and_go(self):
        self.workflow("@workflow(triggers=[push()], network='all')\ndef fresh(ctx): ctx.run(name='x', cmd='true')\n", "fresh")
        (self.repo / ".plue/workflows/ci.py").unlink()
        self.assertEqual(self.diff("HEAD", "--exit-code", expect=1).out, dedent("""
            ci: the workflow is gone
            ci, planned for push, manual:
              - step a (shell): make a
              - step b (shell): make b
              - step c (shell): set -e ...
              ! secret OLD: step b gets it no more

            fresh: a new workflow
            fresh, planned for push:
              + step x (shell): true
              ! network all: every step gets it now

            0 changed, 1 added, 1 removed, 0 the same
            """))

    def test_revisions_are_given_as_to_git(self):
        self.git("tag", "v1")
        self.change(("make a", "make z"))
        second = self.commit()
        for text in ("v1..HEAD", "v1..", f"{self.first}..{second[:10]}", "HEAD~1..main"):
            answer = self.diff(text, "--json").json
            self.assertEqual((answer["a"]["sha"], answer["b"]["sha"]), (self.first, second), text)
        answer = self.diff("..v1", "--json").json
        self.assertEqual((answer["a"], answer["b"]), ({"revision": "HEAD", "sha": second}, {"revision": "v1", "sha": self.first}))
        self.assertEqual(self.diff("HEAD", "--json").json["b"], {"revision": None, "sha": None})
        for text, code in (("nope..HEAD", "unknown_revision"), ("v1...HEAD", "invalid_revisions"),
                           ("$(id)..HEAD", "unknown_revision")):
            self.assertEqual(self.diff(text, "--json", expect=2).json["error"]["code"], code, text)
        self.assertEqual(self.diff("--json", "--", "--all..HEAD", expect=2).json["error"]["code"], "unknown_revision")

    def test_the_shape_of_the_json(self):
        self.change(("make a", "make z"))
        second = self.commit()
        self.assertEqual(self.diff("HEAD~1..HEAD", "ci", "--json").json, {
            "a": {"revision": "HEAD~1", "sha": self.first}, "b": {"revision": "HEAD", "sha": second},
            "workflows": [{"name": "ci", "path": ".plue/workflows/ci.py", "status": "changed", "plans": [
                {"events": ["push", "manual"], "changes": [
                    {"change": "step_changed", "step": "a", "field": "cmd", "from": "make a", "to": "make z"}]}]}],
            "errors": {"a": [], "b": []}})

    def test_events_that_differ_in_their_change_stand_apart(self):
        self.change(("    if b.ok:", "    if ctx.event.type == 'push':\n        ctx.run(name='p', cmd='true')\n    if b.ok:"))
        [found] = self.diff("HEAD", "--json").json["workflows"]
        self.assertEqual([p["events"] for p in found["plans"]], [["push"]])

    def test_results_and_an_event_steer_the_plan(self):
        self.change(("if b.ok:", "if b.failed:\n        ctx.run(name='f', cmd='true')\n    if b.ok:"))
        self.assertIn("0 changed", self.diff("HEAD").out)
        results = self.event({"b": {"exit_code": 1}}, "results.json")
        answer = self.diff("HEAD", "--results", results, "--event", self.event({"type": "push"}), "--json").json
        [plan] = answer["workflows"][0]["plans"]
        self.assertEqual((plan["events"], plan["changes"][0]["change"], plan["changes"][0]["step"]), (["push"], "step_added", "f"))

    def test_a_file_that_does_not_load_is_an_error_of_its_side(self):
        self.workflow("def broken(:\n", "broken")
        result = self.diff("HEAD", expect=2)
        self.assertIn("plue: at the working tree:\n.plue/workflows/broken.py:1:11: error:", result.err)
        self.assertEqual(result.out, "0 changed, 0 added, 0 removed, 1 the same\n")
        errors = self.diff("HEAD", "--json", expect=2).json["errors"]
        self.assertEqual((errors["a"], errors["b"][0]["code"]), ([], "syntax_error"))

    def test_steps_before_an_exception_are_compared(self):
        self.change(("    if b.ok:", "    assert b.stdout == 'x'\n    if b.ok:"))
        self.commit()
        self.change(("make b", "make bb"))
        result = self.diff("HEAD")
        self.assertIn('~ step b: cmd: "make b" -> "make bb"', result.out)
        self.assertIn("plue: ci ends at HEAD with an exception (.plue/workflows/ci.py:5): its steps before that are "
                      "compared; --results FILE plans further\n", result.err)

    def test_outside_of_git_it_says_so(self):
        import shutil
        shutil.rmtree(self.repo / ".git")
        error = self.diff("A..B", "--json", expect=2).json["error"]
        self.assertEqual((error["code"], error["hint"]), ("unknown_revision", f"{self.repo} is in no git repository"))

    def test_a_link_in_a_commit_is_not_followed(self):
        (self.repo / ".plue/workflows/link.py").symlink_to("/etc/passwd")
        self.commit()
        errors = self.diff("HEAD..HEAD", "--json", expect=2).json["errors"]
        self.assertEqual(errors["a"][0]["message"], ".plue/workflows/link.py is a link; links are not followed in a commit")

    def test_a_repository_below_the_root_of_git(self):
        (self.repo / "sub").mkdir()
        self.git("mv", ".plue", "sub/.plue")
        self.commit()
        answer = self.plue("workflow", "diff", "HEAD..HEAD", "--json", cwd=self.repo / "sub", expect=0).json
        self.assertEqual([w["path"] for w in answer["workflows"]], [".plue/workflows/ci.py"])

    def test_help_has_an_example(self):
        self.assertIn("plue workflow diff main..HEAD", self.plue("workflow", "diff", "--help", expect=0).out)
