"""What the command line says to wrong calls: whole texts, each with a way on."""
import shutil

from harness import PlueTest


class Messages(PlueTest):
    def check(self, args, err):
        self.assertEqual(self.plue(*args.split(), expect=2).err, err)

    def test_of_every_command(self):
        self.workflow("@workflow(triggers=[manual(inputs={'level': enum('quick', 'full')})])\ndef ci(ctx): ctx.run(name='a', cmd='true')\n")
        self.plue("workflow", "run", "ci", "--input", "level=full", expect=0)
        for args, err in (
            ("worflow", "error: there is no command `plue worflow`\n  hint: did you mean `plue workflow`?\n"),
            ("workflow plna", "error: there is no command `plue workflow plna`\n  hint: did you mean `plue workflow plan`?\n"),
            ("workflow plan", "error: `plue workflow plan` needs NAME\n  hint: for example: plue workflow plan ci\n"),
            ("workflow plan ci x", "error: `plue workflow plan` does not know what to do with 'x'\n"
                                   "  hint: usage: plue workflow plan NAME\n"),
            ("workflow plan cii", f"error: there is no workflow 'cii' in {self.repo}/.plue\n  hint: did you mean 'ci'?\n"),
            ("workflow plan ci --input x", "error: --input x: give it as NAME=VALUE\n  hint: for example: --input env=staging\n"),
            ("workflow plan ci --inptu x=1", "error: `plue workflow plan` has no option --inptu\n  hint: did you mean --input?\n"),
            ("workflow diff", "error: `plue workflow diff` needs A..B [NAME]\n  hint: for example: plue workflow diff main..HEAD\n"),
            ("workflow test x.yaml", "error: x.yaml cannot be read: No such file or directory\n"
                                     "  hint: `plue workflow test` without a path runs all of .plue/tests\n"),
            ("eval --max-depth -1 x", "error: --max-depth must be a positive number, not '-1'\n  hint: for example: --max-depth 100\n"),
            ("run view abc", "error: 'abc' is no id of a run\n  hint: runs are counted from 1: `plue run list` shows them\n"),
            ("run view 9", "error: there is no run 9\n  hint: `plue run list` shows all runs\n"),
            ("run view 1 --step zzz", "error: run 1 has no step 'zzz'\n  hint: `plue run view 1` shows its steps\n"),
            ("verify 9", "error: there is no run 9\n  hint: `plue run list` shows all runs\n"),
            ("server", "error: `plue server` is not part of this version of Plue yet\n"
                       "  hint: `plue help` shows what is; docs/known-gaps.md what is to come\n"),
        ):
            with self.subTest(args):
                self.check(args, err)

    def test_near_names_of_a_program_are_suggested(self):
        for call, hint in (
            ('deploy("x", dryrun=True)', "did you mean 'dry_run'?"),
            ('max([1], defualt=2)', "did you mean 'default'?"),
            ('"a".split(spe=",")', "did you mean 'sep'?"),
            ('"a".uper()', "did you mean 'upper'?"),
            ('{}.itmes()', "did you mean 'items'?"),
            ('dict.fromkey("a")', "did you mean 'fromkeys'?"),
            ('dploy("x")', "did you mean 'deploy'?"),
        ):
            self.workflow("def deploy(region, *, dry_run=False): pass\n@workflow(triggers=[manual()])\n"
                          f"def ci(ctx):\n    {call}\n")
            with self.subTest(call):
                self.assertIn(f"\n  hint: {hint}\n", self.plue("workflow", "plan", "ci", expect=2).err)

    def test_every_command_has_help_with_an_example(self):
        page = self.plue("completion", "man", expect=0).out
        names = [line.removeprefix(".SS plue ") for line in page.splitlines() if line.startswith(".SS plue ")]
        self.assertGreater(len(names), 20)
        for name in names:
            words = [w for w in name.split() if w.isalpha() and w.islower()]
            if words == ['help']:
                continue        # its help is the overview
            help_text = self.plue(*words, "--help", expect=0).out
            self.assertTrue(help_text.startswith(f"plue {' '.join(words)}: "), help_text)
            self.assertIn("\nExample:\n  ", help_text)


class Answers(PlueTest):
    """What is not there is said so, with what is."""

    def test_a_secret_that_is_missing_can_be_set(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true", env={"T": ctx.secrets.TOKEN})""")
        error = self.step(self.run_ci(expect=1), "a")["error"]
        self.assertEqual((error["message"], error["hint"]),
                         ("there is no secret named 'TOKEN'", "`plue secret set TOKEN` keeps one; or set PLUE_SECRET_TOKEN in the environment, "
                          "or write it to a file for --secret-file"))

    def test_a_secret_of_a_near_name_is_meant(self):
        self.plue("secret", "set", "TOKEN", stdin="hunter2-is-long", expect=0)
        self.assertEqual(self.plue("secret", "delete", "TOKN", expect=2).err,
                         "error: there is no secret TOKN\n  hint: did you mean TOKEN?\n")
        self.assertEqual(self.plue("secret", "delete", "OTHER_THING", expect=2).err,
                         "error: there is no secret OTHER_THING\n  hint: plue secret list shows all names\n")

    def test_an_attempt_that_was_not_made(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x")""")
        self.run_ci()
        for args in (("--log",), (), ("--step", "a"), ("--log", "--json")):
            result = self.plue("run", "view", 1, "--attempt", 9, *args, expect=2)
            self.assertIn("run 1 has no attempt 9", result.out if "--json" in args else result.err)
        self.assertEqual(self.plue("run", "view", 1, "--log", "--attempt", 9).err, "error: run 1 has no attempt 9\n  hint: its last one is 1\n")
        self.assertEqual(self.plue("run", "view", 1, "--log", "--attempt", 1, expect=0).out, "a | x\n")

    def test_a_list_of_none_says_of_what(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x")""")
        for args, told in (((), "no runs; `plue workflow run NAME` makes one\n"),
                           (("--workflow", "xx"), "no runs with --workflow xx; `plue run list` shows all\n"),
                           (("--branch", "b", "--status", "failed"), "no runs with --status failed; `plue run list` shows all\n")):
            if args:
                self.run_ci()
            result = self.plue("run", "list", *args, expect=0)
            self.assertEqual((result.out, result.err), ("", "plue: " + told))

    def test_of_a_run_in_which_nothing_failed_nothing_runs_again(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="true")
            ctx.run(name="b", cmd="true", when="on_failure")
            """)
        self.run_ci()
        self.assertEqual(self.plue("run", "rerun", 1, "--failed", expect=2).err,
                         "error: nothing of run 1 failed: there is nothing to run again\n"
                         "  hint: plue run rerun 1 runs all of it, --from STEP a part\n")
        self.assertEqual(self.view()["attempt"], 1)

    def test_a_database_restored_without_its_blobs(self):
        self.assertIn("blobs/", self.plue("db", "backup", "--help", expect=0).out)
        self.steps_workflow("""ctx.run(name="a", cmd="echo x > f", artifacts=["f"])""")
        self.run_ci()
        shutil.rmtree(self.data / "blobs")
        error = self.plue("run", "download", 1, "--dir", self.top / "x", "--json", expect=4).json["error"]
        self.assertEqual((error["code"], error["hint"]),
                         ("blob_missing", "they were removed, or the database was restored without the folder blobs/ beside it: "
                          "put that back, or let a run make them again"))
