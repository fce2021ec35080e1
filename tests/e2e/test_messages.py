"""What the command line says to wrong calls: whole texts, each with a way on."""
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
