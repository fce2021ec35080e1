"""The encrypted store of secrets."""
import os
import pty
import subprocess

import harness
from harness import PlueTest


class Store(PlueTest):
    WORKFLOW = """ctx.run(name="a", cmd="printf %s $T | rev; echo $T", env={"T": ctx.secrets.TOKEN})"""

    def test_a_kept_secret_reaches_a_step_and_is_masked(self):
        self.plue("secret", "set", "TOKEN", stdin="hunter2-kept\n", expect=0)
        self.steps_workflow(self.WORKFLOW)
        self.run_ci()
        self.assertEqual(self.log(), "tpek-2retnuh***\n")

    def test_the_environment_wins_over_the_store_and_a_file_over_both(self):
        self.plue("secret", "set", "TOKEN", stdin="aaaa1", expect=0)
        self.steps_workflow(self.WORKFLOW)
        self.run_ci(env={"PLUE_SECRET_TOKEN": "bbbb2"})
        self.assertEqual(self.log(1), "2bbbb***\n")
        file = self.top / "secrets"
        file.write_text("TOKEN=cccc3\n")
        file.chmod(0o600)
        self.run_ci("--secret-file", file, env={"PLUE_SECRET_TOKEN": "bbbb2"})
        self.assertEqual(self.log(2), "3cccc***\n")

    def test_neither_database_nor_key_shows_it_to_others(self):
        self.plue("secret", "set", "TOKEN", stdin="hunter2-kept", expect=0)
        self.assertEqual((self.data / "secret.key").stat().st_mode & 0o777, 0o600)
        held = b"".join(p.read_bytes() for p in self.data.iterdir() if p.is_file())
        self.assertNotIn(b"hunter2-kept", held)

    def test_names_are_listed_and_deleted(self):
        self.assertEqual(self.plue("secret", "list", "--json", expect=0).json, {"secrets": []})
        for name in ("B", "A", "B"):
            self.plue("secret", "set", name, stdin="value", expect=0)
        self.assertEqual([s["name"] for s in self.plue("secret", "list", "--json", expect=0).json["secrets"]], ["A", "B"])
        self.plue("secret", "delete", "A", expect=0)
        self.assertIn("there is no secret A", self.plue("secret", "delete", "A", expect=2).err)
        self.assertEqual(self.plue("secret", "list", expect=0).out.split()[0], "B")

    def test_bad_names_and_empty_values_are_refused(self):
        self.assertIn("is no name of a secret", self.plue("secret", "set", "no-name", stdin="x", expect=2).err)
        self.assertIn("the value is empty", self.plue("secret", "set", "A", stdin="\n", expect=2).err)
        self.assertIn("at most 64 KiB", self.plue("secret", "set", "A", stdin="x" * 70000, expect=2).err)

    def test_on_a_terminal_it_is_asked_for_and_not_shown(self):
        parent, child = pty.openpty()
        process = subprocess.Popen([harness.PLUE, "secret", "set", "TOKEN"], stdin=child, stdout=child, stderr=child,
                                   env=self.env, cwd=self.repo)
        seen = b""
        while b"(not shown): " not in seen:
            seen += os.read(parent, 1000)
        os.write(parent, b"typed-secret\n")
        self.assertEqual(process.wait(60), 0)
        while b"is kept" not in seen:
            seen += os.read(parent, 1000)
        os.close(parent)
        os.close(child)
        self.assertNotIn(b"typed-secret", seen)

    def test_a_lost_or_open_key_is_said_and_runs_go_on_without(self):
        self.plue("secret", "set", "TOKEN", stdin="value", expect=0)
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        (self.data / "secret.key").chmod(0o644)
        self.assertIn("can be read by other users", self.plue("workflow", "run", "ci", expect=0).err)
        (self.data / "secret.key").write_bytes(bytes(32))
        (self.data / "secret.key").chmod(0o600)
        self.assertIn("the stored secret TOKEN cannot be read with this key", self.plue("workflow", "run", "ci", expect=0).err)
        (self.data / "secret.key").unlink()
        self.assertIn("cannot be opened", self.plue("workflow", "run", "ci", expect=0).err)
