"""plue completion in the shells themselves, and the man page."""
import os
import re
import shutil
import subprocess
import unittest

import harness
from harness import PlueTest


def find(program):
    return shutil.which(program, path="/usr/bin:/bin")


class Completion(PlueTest):
    def setUp(self):
        super().setUp()
        self.env["PATH"] = f"{os.path.dirname(harness.PLUE)}:{self.env['PATH']}"

    def shell(self, *command, text=None):
        done = subprocess.run(command, cwd=self.repo, env=self.env, input=text, text=True, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{command}\n{done.stdout}")
        return done.stdout.split("\n")[:-1]

    def bash(self, line):
        """What bash offers for the last word of the line."""
        script = ('source <(plue completion bash); COMP_WORDS=(' + " ".join(f"'{w}'" for w in line.split(" ")) + '); '
                  'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _plue; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"')
        return self.shell("bash", "--norc", "-c", script)

    def test_bash_completes_commands(self):
        self.assertEqual(self.bash("plue ver"), ["verify", "version"])
        self.assertEqual(self.bash("plue workflow "), ["list", "lint", "plan", "run", "test", "diff"])
        self.assertEqual(self.bash("plue workflow l"), ["list", "lint"])
        self.assertEqual(self.bash("plue nonsense "), [])

    def test_bash_offers_every_command_that_is_built(self):
        words = set(self.bash("plue "))
        for name in ("init", "workflow", "run", "verify", "eval", "stubs", "completion", "doctor", "version", "help"):
            self.assertIn(name, words)
        self.assertNotIn("server", words, "what is not built is not offered")

    def test_bash_completes_options(self):
        self.assertEqual(self.bash("plue workflow plan ci --"), ["--event", "--input", "--results", "--json", "--help"])
        self.assertEqual(self.bash("plue eval --max-m"), ["--max-memory"])

    def test_bash_completes_names_of_workflows_ids_of_runs_and_files(self):
        self.workflow("@workflow(triggers=[push()])\ndef build(ctx): pass\n@workflow(triggers=[push()])\ndef deploy(ctx): pass\n")
        self.assertEqual(self.bash("plue workflow plan "), ["build", "deploy"])
        self.assertEqual(self.bash("plue workflow run de"), ["deploy"])
        self.plue("workflow", "run", "build", expect=0)
        self.assertEqual(self.bash("plue run view "), ["1"])
        for name in ("NPM_TOKEN", "OTHER"):
            self.plue("secret", "set", name, stdin="some-value", expect=0)
        self.assertEqual(self.bash("plue secret delete N"), ["NPM_TOKEN"])
        self.write("push.json", "{}")
        self.assertEqual(self.bash("plue workflow plan build --event pu"), ["push.json"])
        self.assertEqual(self.bash("plue eval pu"), ["push.json"])
        self.assertEqual(self.bash("plue workflow plan build --input pu"), [])

    def test_bash_completes_outside_of_a_repository_too(self):
        self.assertEqual(self.bash("plue workflow plan "), [])

    @unittest.skipUnless(find("fish"), "fish is not installed")
    def test_fish(self):
        self.workflow("@workflow(triggers=[push()])\ndef build(ctx): pass\n")
        self.plue("completion", "fish")

        def fish(line):
            return self.shell("fish", "--no-config", "-c", f"plue completion fish | source; complete -C '{line}'")
        self.assertEqual([word.split("\t")[0] for word in fish("plue workflow ")], ["diff", "lint", "list", "plan", "run", "test"])
        self.assertEqual(fish("plue ver"), ["verify\tevaluate a run again and hold it against its receipt",
                                            "version\tprint the version of this program"])
        self.assertIn("build", fish("plue workflow plan "))
        self.assertEqual(fish("plue workflow plan build --ev"), ["--event\tthe event, as JSON in the shape of ctx.event"])

    @unittest.skipUnless(find("zsh"), "zsh is not installed")
    def test_zsh(self):
        self.workflow("@workflow(triggers=[push()])\ndef build(ctx): pass\n")

        def zsh(*words):
            script = ('compdef() { :; }; _files() { print FILES; }; compadd() { shift; print -l -- "$@"; }; '
                      'eval "$(plue completion zsh)"; words=(' + " ".join(f"'{w}'" for w in words) + '); CURRENT=$#words; _plue')
            return self.shell("zsh", "-f", "-c", script)
        self.assertEqual(zsh("plue", "workflow", ""), ["list", "lint", "plan", "run", "test", "diff"])
        self.assertEqual(zsh("plue", "workflow", "plan", ""), ["build"])
        self.assertEqual(zsh("plue", "workflow", "plan", "build", "--"), ["--event", "--input", "--results", "--json", "--help"])
        self.assertEqual(zsh("plue", "eval", ""), ["FILES"])
        self.assertEqual(zsh("plue", "workflow", "plan", "build", "--event", ""), ["FILES"])

    def test_an_unknown_shell(self):
        self.assertEqual(self.plue("completion", "bsh", expect=2).err,
                         "error: there are no completions for 'bsh'\n  hint: did you mean bash?\n")
        self.assertEqual(self.plue("completion", "powershell", expect=2).err,
                         "error: there are no completions for 'powershell'\n  hint: the shells are bash, zsh and fish\n")


class Man(PlueTest):
    def page(self):
        return self.plue("completion", "man", expect=0).out

    def test_it_has_every_command_and_option(self):
        page = self.page().replace("\\-", "-")
        overview = self.plue("help", expect=0).out.split("\nNot part")[0].split("Commands:\n")[1].split("\n\n")[0]
        rows = [re.match(r"  ([a-z]+(?: [a-z]+)?)(?: |$)", line)[1] for line in overview.splitlines()]
        self.assertGreater(len(rows), 15)
        for row in rows:
            self.assertRegex(page, rf"(?m)^\.SS plue {row}\b")
        for option in re.findall(r"(?m)^  (?:-\w, )?(--[a-z-]+)", self.plue("workflow", "run", "--help", expect=0).out):
            if option != "--help":
                self.assertIn(f"\\fB{option}\\fR", page)

    @unittest.skipUnless(find("mandoc"), "mandoc is not installed")
    def test_mandoc_has_no_warning(self):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=self.page(), text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        text = subprocess.run(["mandoc", "-Tutf8"], input=self.page(), text=True, capture_output=True).stdout
        text = re.sub(".\b", "", text)
        for part in ("plue - workflows in restricted Python", "plue workflow run NAME", "EXIT STATUS", "PLUE_DATA_DIR"):
            self.assertIn(part, text)
