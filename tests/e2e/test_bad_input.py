"""Bad input of every kind: a clear message, the right exit status, and nothing lost."""
import os
import shutil
import sqlite3
import stat
import subprocess

import harness
from harness import PlueTest, remove_tree

WORKFLOW = "@workflow(triggers=[manual()])\ndef ci(ctx):\n    ctx.run(name='a', cmd='true')\n"


class Repository(PlueTest):
    def commands(self):
        return (("workflow", "list"), ("workflow", "lint"), ("workflow", "plan", "ci"), ("workflow", "run", "ci"))

    def test_a_folder_without_plue_says_how_to_begin(self):
        for command in self.commands():
            with self.subTest(command=command):
                result = self.plue(*command, expect=2)
                self.assertIn(".plue", result.err)
                self.assertIn("plue init", result.err)

    def test_a_plue_that_is_a_file_is_named(self):
        self.write(".plue", "not a folder")
        for command in self.commands():
            with self.subTest(command=command):
                self.assertIn(".plue", self.plue(*command, expect=2).err)

    def test_no_workflow_of_that_name(self):
        self.workflow(WORKFLOW)
        for command in ("plan", "run"):
            result = self.plue("workflow", command, "cii", expect=2)
            self.assertIn("cii", result.err)
            self.assertIn("ci", result.err.replace("cii", ""))

    def test_two_workflows_of_one_name(self):
        self.workflow(WORKFLOW, "a")
        self.workflow(WORKFLOW, "b")
        result = self.plue("workflow", "run", "ci", expect=2)
        self.assertIn("a.py", result.err)
        self.assertIn("b.py", result.err)

    def test_broken_syntax_shows_its_place(self):
        self.workflow("@workflow(triggers=[manual()])\ndef ci(ctx):\n    x = (1\n    y = 2\n")
        result = self.plue("workflow", "run", "ci", expect=2)
        self.assertRegex(result.err, r"\.plue/workflows/ci\.py:[34]:\d+: error: ")

    def test_an_unknown_name_shows_its_place_when_reached(self):
        self.workflow("@workflow(triggers=[manual()])\ndef ci(ctx):\n    return regoin\n")
        self.assertRegex(self.plue("workflow", "run", "ci", expect=2).err, r"ci\.py:3:12: error: .*regoin")

    def test_a_cycle_is_printed(self):
        # A program cannot name a later step, so a cycle can only come from imports of each other.
        self.write(".plue/lib/a.py", "from plue.lib.b import g\ndef f(): return 1\n")
        self.write(".plue/lib/b.py", "from plue.lib.a import f\ndef g(): return 1\n")
        self.workflow("from plue.lib.a import f\n" + WORKFLOW)
        result = self.plue("workflow", "plan", "ci", expect=2)
        self.assertIn("lib/a.py", result.err)
        self.assertIn("lib/b.py", result.err)

    def test_a_missing_library_is_named(self):
        self.workflow("from plue.lib.nowhere import f\n" + WORKFLOW)
        result = self.plue("workflow", "plan", "ci", expect=2)
        self.assertRegex(result.err, r"ci\.py:1:\d+: error: .*nowhere")

    def test_a_missing_name_of_a_library_has_a_suggestion(self):
        self.write(".plue/lib/text.py", "def plural(n): return n\n")
        self.workflow("from plue.lib.text import plurl\n" + WORKFLOW)
        result = self.plue("workflow", "plan", "ci", expect=2)
        self.assertRegex(result.err, r"ci\.py:1:\d+: error: .*plurl")
        self.assertIn("plural", result.err.replace("import plurl", ""))

    def test_an_unreadable_file_is_named_and_the_others_load(self):
        self.workflow(WORKFLOW)
        (self.repo / ".plue/workflows/dangling.py").symlink_to("nowhere.py")
        os.mkfifo(self.repo / ".plue/workflows/pipe.py")
        listing = self.plue("workflow", "list", "--json").json
        self.assertEqual([w["name"] for w in listing["workflows"]], ["ci"])
        self.assertEqual({e["at"]["path"] for e in listing["errors"]},
                         {".plue/workflows/dangling.py", ".plue/workflows/pipe.py"})

    def test_a_folder_called_like_a_workflow_is_named(self):
        self.workflow(WORKFLOW)
        (self.repo / ".plue/workflows/folder.py").mkdir()
        self.assertIn("folder.py", str(self.plue("workflow", "list", "--json").json["errors"]))

    def test_a_symlink_out_of_the_repository_is_refused(self):
        outside = self.top / "outside.py"
        outside.write_text(WORKFLOW.replace("def ci", "def stolen"))
        self.workflow(WORKFLOW)
        (self.repo / ".plue/workflows/link.py").symlink_to(outside)
        listing = self.plue("workflow", "list", "--json").json
        self.assertEqual([w["name"] for w in listing["workflows"]], ["ci"])
        [error] = listing["errors"]
        self.assertEqual(error["at"]["path"], ".plue/workflows/link.py")

    def test_a_folder_that_leads_out_is_refused(self):
        (self.top / "elsewhere").mkdir()
        (self.top / "elsewhere/x.py").write_text("def f(): return 1\n")
        self.workflow("from plue.lib.x import f\n" + WORKFLOW)
        (self.repo / ".plue/lib").symlink_to(self.top / "elsewhere")
        self.assertRegex(self.plue("workflow", "plan", "ci", expect=2).err, r"ci\.py:1:\d+: error: ")

    def test_links_in_the_tree_stay_links_and_none_leads_out(self):
        self.write("folder/file", "inside\n")
        (self.repo / "link").symlink_to("folder/file")
        self.steps_workflow("""ctx.run(name="a", cmd="test -L link && cat link")""")
        self.run_ci()
        self.assertEqual(self.log(), "inside\n")
        (self.top / "private").write_text("outside")
        (self.repo / "out").symlink_to(self.top / "private")
        run = self.run_ci(expect=1)
        self.assertEqual(run["error"]["code"], "workspace_link")
        self.assertIn("out", run["error"]["message"])

    def test_text_that_is_no_utf8_has_its_place(self):
        self.workflow(WORKFLOW)
        self.write(".plue/workflows/bad.py", b"x = 1\n# \xff\n")
        [error] = self.plue("workflow", "list", "--json").json["errors"]
        self.assertEqual(error["at"], {"path": ".plue/workflows/bad.py", "line": 2, "column": 3})

    def test_names_with_spaces_and_letters_of_all_kinds(self):
        self.write("with space/naïve 'q' $x.txt", "content\n")
        self.steps_workflow("""ctx.run(name="a", cmd="cat 'with space'/*")""")
        self.run_ci()
        self.assertEqual(self.log(), "content\n")

    def test_no_right_to_a_file_of_the_tree_is_an_error(self):
        self.steps_workflow("""ctx.run(name="a", cmd="ls -l x; cat x")""")
        self.write("x", "text", mode=0o600)
        self.run_ci()
        self.assertIn("text", self.log())


class Data(PlueTest):
    def setUp(self):
        super().setUp()
        self.workflow(WORKFLOW)

    def test_a_newer_database_is_refused_and_left_alone(self):
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("insert into schema_migrations select 99999" + ", 0" * (len(
                db.execute("pragma table_info(schema_migrations)").fetchall()) - 1))
            db.commit()
            before = db.execute("select count(*) from workflow_runs").fetchone()
        for command in (("run", "list"), ("workflow", "run", "ci")):
            result = self.plue(*command)
            self.assertIn(result.status, (2, 4), str(result))
            self.assertRegex(result.err, "newer")
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("select count(*) from workflow_runs").fetchone(), before)

    def test_a_file_that_is_no_database_is_refused_and_left_alone(self):
        self.data.mkdir()
        (self.data / "plue.db").write_text("precious text, not a database" * 100)
        result = self.plue("run", "list")
        self.assertIn(result.status, (2, 4), str(result))
        self.assertIn("plue.db", result.err)
        self.assertEqual((self.data / "plue.db").read_text(), "precious text, not a database" * 100)

    def test_a_read_only_database_is_named(self):
        self.run_ci()
        below = ()
        if os.getuid() == 0:  # root may write to any file, but not on a read-only mount
            script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
            below = ("unshare", "--mount", "sh", "-c", script, self.data)
        else:
            os.chmod(self.data / "plue.db", 0o400)
            os.chmod(self.data, 0o500)
        result = self.plue("workflow", "run", "ci", expect=4, below=below)
        self.assertEqual(result.err, f"error: the database {self.data}/plue.db cannot be written\n"
                         "  hint: make the file and its folder writable for this user, or choose another folder "
                         "with --data-dir\n")

    def test_a_data_folder_that_is_a_file_is_named(self):
        self.data.write_text("x")
        result = self.plue("workflow", "run", "ci")
        self.assertIn(result.status, (2, 4), str(result))
        self.assertIn(str(self.data), result.err)

    def test_private_folders_above_do_not_matter(self):
        os.chmod(self.top, 0o700)
        os.chmod(self.home, 0o700)
        self.run_ci()
        self.assertEqual(stat.S_IMODE(self.top.stat().st_mode), 0o700)

    def test_data_dir_can_be_given_on_the_command_line(self):
        self.plue("workflow", "run", "ci", "--data-dir", self.top / "other", env={"PLUE_DATA_DIR": ""}, expect=0)
        self.assertTrue((self.top / "other/plue.db").is_file())

    def test_a_data_folder_in_the_repository_is_no_part_of_the_workspace(self):
        self.steps_workflow("""ctx.run(name="a", cmd="ls")""")
        self.write("seen", "x")
        for commit in (False, True):
            if commit:
                self.commit()
            self.plue("workflow", "run", "ci", env={"PLUE_DATA_DIR": "kept/data"}, expect=0)
            out = self.plue("run", "view", "1", "--step", "a", env={"PLUE_DATA_DIR": "kept/data"}, expect=0).out
            self.assertEqual(out, "kept\nseen\n" if not commit else "seen\n")
            self.plue("run", "list", env={"PLUE_DATA_DIR": "kept/data"}, expect=0)
            remove_tree(self.repo / "kept")

    def test_the_default_is_below_xdg_data_home(self):
        self.plue("workflow", "run", "ci", env={"PLUE_DATA_DIR": "", "XDG_DATA_HOME": str(self.top / "xdg")}, expect=0)
        self.assertTrue((self.top / "xdg/plue/plue.db").is_file())


class Sandbox(PlueTest):
    def setUp(self):
        super().setUp()
        self.workflow(WORKFLOW)

    def bwrap(self, script=None):
        """The environment in which bwrap is this script, or is missing."""
        path = self.top / "bwrap"
        if script is not None:
            path.write_text(script)
            path.chmod(0o755)
        return {"PLUE_BWRAP": str(path)}

    def test_bwrap_missing_is_said_with_the_way_out(self):
        env = self.bwrap()
        result = self.plue("workflow", "run", "ci", env=env)
        self.assertIn(result.status, (2, 4), str(result))
        self.assertIn("bubblewrap", result.err)
        self.assertRegex(result.err, r"apt-get install|apt install|--sandbox")

    def test_a_bwrap_that_does_not_work_is_named(self):
        result = self.plue("workflow", "run", "ci", env=self.bwrap("no program"))
        self.assertNotEqual(result.status, 0, str(result))
        self.assertIn(str(self.top / "bwrap"), result.out + result.err)

    def run_with_bwrap(self, script):
        """Runs the workflow where /usr/bin/bwrap is this script, and starts every step."""
        if os.getuid() != 0:
            self.skipTest("only root can put another file over /usr/bin/bwrap")
        fake = self.top / "bwrap"
        fake.write_text(script)
        fake.chmod(0o755)
        command = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /usr/bin/bwrap && exec "$@"', str(fake), harness.PLUE,
                   "workflow", "run", "ci"]
        env = dict(self.env, PLUE_BWRAP="/usr/bin/bwrap")
        done = subprocess.run(command, cwd=self.repo, env=env, capture_output=True, text=True, timeout=harness.SECONDS)
        return harness.Result(command, done.returncode, done.stdout, done.stderr)

    def test_forbidden_namespaces_are_said(self):
        result = self.run_with_bwrap("#!/bin/sh\necho 'bwrap: No permissions to create new namespace, likely because the kernel "
                                     "does not allow non-privileged user namespaces.' >&2\nexit 1\n")
        self.assertIn(result.status, (1, 2, 4), str(result))
        self.assertIn("namespace", result.out + result.err)

    def test_an_image_is_refused_with_a_hint(self):
        self.workflow(WORKFLOW.replace("triggers=[manual()]", "triggers=[manual()], image='node:22'"))
        result = self.plue("workflow", "run", "ci")
        self.assertNotEqual(result.status, 0, str(result))
        self.assertIn("node:22", result.err + result.out)

    def test_an_unknown_sandbox_is_a_usage_error(self):
        result = self.plue("workflow", "run", "ci", "--sandbox", "bubblewarp", expect=2)
        self.assertIn("bubblewrap", result.err)

    def test_none_prints_a_warning(self):
        result = self.plue("workflow", "run", "ci", "--sandbox", "none", expect=0)
        self.assertIn("warning", result.err.lower())


class CommandLine(PlueTest):
    def test_an_unknown_command_has_a_suggestion_and_status_2(self):
        for args, hint in ((("workflo",), "workflow"), (("run", "lst"), "list"), (("workflow", "lnit"), "lint"),
                           (("version", "--jsn"), "--json"), (("workflow", "run", "ci", "--inptu", "a=b"), "--input")):
            with self.subTest(args=args):
                result = self.plue(*args, expect=2)
                self.assertIn(hint, result.err)
                self.assertEqual(result.out, "")

    def test_every_command_has_help_with_an_example(self):
        for command in ((), ("init",), ("workflow",), ("workflow", "list"), ("workflow", "lint"), ("workflow", "plan"),
                        ("workflow", "run"), ("run",), ("run", "list"), ("run", "view"), ("run", "watch"), ("run", "cancel"),
                        ("eval",), ("doctor",), ("version",)):
            with self.subTest(command=command):
                result = self.plue(*command, "--help", expect=0)
                self.assertIn("plue " + " ".join(command), result.out)
                self.assertEqual(result.err, "")

    def test_no_command_shows_the_help(self):
        result = self.plue()
        self.assertIn(result.status, (0, 2))
        self.assertIn("workflow", result.out + result.err)

    def test_version(self):
        self.assertRegex(self.plue("version", expect=0).out, r"^plue \d+\.\d+\.\d+")
        self.assertIn("version", self.plue("version", "--json", expect=0).json)

    def test_errors_as_json_are_one_document(self):
        error = self.plue("workflow", "plan", "nowhere", "--json", expect=2).json["error"]
        self.assertEqual(list(error), ["code", "message", "hint", "at", "details"])

    def test_an_option_without_its_value(self):
        self.assertIn("--input", self.plue("workflow", "run", "ci", "--input", expect=2).err)

    def test_an_input_without_an_equals_sign(self):
        self.workflow(WORKFLOW)
        self.assertIn("--input", self.plue("workflow", "run", "ci", "--input", "level", expect=2).err)

    def test_too_many_arguments(self):
        self.plue("workflow", "run", "ci", "other", expect=2)
        self.plue("version", "x", expect=2)

    def test_doctor_says_what_holds_here(self):
        result = self.plue("doctor")
        self.assertIn("bubblewrap", result.out)
        report = self.plue("doctor", "--json").json
        promised = {(row["backend"], row["promise"]): row["tested"] for row in report["promises"] if row["level"] != "absent"}
        self.assertEqual([names for names, tested in promised.items() if not tested], [])
        held = {(row["backend"], row["promise"]): row["held"] for row in report["promises"]}
        self.assertEqual([held["bubblewrap", "time"], held["none", "time"], held["bubblewrap", "workspace_size"]], [True] * 3, report)

    def test_init_makes_a_workflow_that_lints_and_runs(self):
        result = self.plue("init", expect=0)
        self.assertIn(".plue/workflows", result.out)
        listing = self.plue("workflow", "list", "--json", expect=0).json
        self.assertEqual((len(listing["workflows"]), listing["errors"]), (1, []))
        self.assertEqual(self.plue("workflow", "lint", "--json", expect=0).json["problems"], [])
        self.plue("workflow", "run", listing["workflows"][0]["name"], expect=0)

    def test_init_never_overwrites(self):
        self.workflow(WORKFLOW)
        before = sorted((p, p.read_text()) for p in self.repo.rglob("*.py"))
        self.plue("init")
        self.assertEqual([(p, t) for p, t in sorted((p, p.read_text()) for p in self.repo.rglob("*.py")) if (p, t) in before],
                         before)

    def test_a_working_folder_that_is_gone(self):
        gone = self.top / "gone"
        gone.mkdir()
        done = subprocess.run(["sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "{harness.PLUE}" workflow list'],
                              env=self.env, capture_output=True, text=True)
        self.assertIn(done.returncode, (2, 4))
        self.assertTrue(done.stderr)
        shutil.rmtree(gone, ignore_errors=True)


class Inputs(PlueTest):
    def test_a_missing_input_says_how_to_give_it(self):
        self.steps_workflow("ctx.run(name='a', cmd='true')", decorator="@workflow(triggers=[manual(inputs={'level': enum('a', 'b')})])")
        result = self.plue("workflow", "run", "ci", expect=2)
        self.assertEqual(result.err, 'error: input /level: expected enum("a", "b"), found nothing\n'
                                     "  hint: give it as --input NAME=VALUE\n")
