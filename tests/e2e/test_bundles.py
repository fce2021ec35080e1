"""Runs as one file: out of one data directory, into another."""
import base64
import hashlib
import json
import re
import shutil
import sqlite3
import struct
import subprocess
import urllib.parse
from pathlib import Path

from harness import PlueTest, ROOT

LINE = b"plue-bundle 1\n"


def unpack(path):
    """The records of a bundle: [(kind, payload), ...]"""
    data = Path(path).read_bytes()
    assert data.startswith(LINE)
    stream = subprocess.run(["zstd", "-dc"], input=data[len(LINE):], capture_output=True, check=True).stdout
    records, at = [], 0
    while at < len(stream):
        kind, n = stream[at:at + 1].decode(), struct.unpack(">Q", stream[at + 1:at + 9])[0]
        records.append((kind, stream[at + 9:at + 9 + n]))
        at += 9 + n
    return records


def pack(records, line=LINE):
    """A bundle of these records with a true end."""
    stream = b"".join(k.encode() + struct.pack(">Q", len(p)) + p for k, p in records if k != "E")
    end = hashlib.sha256(stream).hexdigest().encode()
    stream += b"E" + struct.pack(">Q", len(end)) + end
    return line + subprocess.run(["zstd", "-c"], input=stream, capture_output=True, check=True).stdout


class Bundles(PlueTest):
    BODY = """
        a = ctx.run(name="a", cmd="cat f; echo made > made; echo x=1 >> $PLUE_OUTPUT", artifacts=["made"])
        b = ctx.run(name="b", cmd="cat made f; echo b >> made; [ $(grep -c b made) -gt 1 ]", depends_on=[a])
        c = ctx.run(name="c", cmd=f"echo {a.outputs.x}; cat made", depends_on=[b])
        """

    def setUp(self):
        super().setUp()
        self.file = self.top / "run.plue"
        self.laptop = self.top / "laptop"
        self.laptop.mkdir()
        self.there = {"PLUE_DATA_DIR": str(self.laptop / "data"), "HOME": str(self.laptop)}

    def failed_run(self):
        self.write("f", "given\n")
        self.steps_workflow(self.BODY)
        self.run_ci(expect=1)
        self.plue("run", "export", 1, self.file, expect=0)

    def over_there(self, *args, expect=0):
        return self.plue(*args, cwd=self.laptop, env=self.there, expect=expect)

    def import_it(self, expect=0):
        return self.over_there("run", "import", self.file, "--json", expect=expect)

    # -- what a run is there

    def test_a_run_is_the_same_there(self):
        self.failed_run()
        # It has an id of its own, and nothing of its first home is needed.
        here = {args: self.plue(*args, expect=0 if "view" in args[1] or args[0] != "run" else None)
                for args in (("run", "view", "1", "--json"), ("run", "view", "1", "--log"), ("verify", "1"), ("run", "watch", "1", "--json"))}
        self.assertEqual(self.import_it().json, {"run": 1, "origin_run": 1, "workflow": "ci"})
        repo = str(self.repo)
        shutil.rmtree(self.repo)
        shutil.rmtree(self.data)
        self.repo.mkdir()
        self.assertEqual(self.import_it().json, {"run": 2, "origin_run": 1, "workflow": "ci"})
        for args, before in here.items():
            args = tuple("2" if a == "1" else a for a in args)
            after = self.over_there(*args, expect=before.status)
            if args == ("run", "view", "2", "--json"):
                a, b = before.json, after.json
                origin = b.pop("origin")
                self.assertEqual((origin["run"], origin["repository"], b["repository"]), (1, repo, "import:" + repo))
                self.assertEqual(dict(b, id=1, repository=repo), a)
            elif args[1] == "watch":
                self.assertEqual([dict(e, run_id=1) for e in after.json_lines], [dict(e, run_id=1) for e in before.json_lines])
            else:
                self.assertEqual(after.out.replace("run 2", "run 1"), before.out)
        self.assertIn(f"  origin     imported: run 1 of {repo}\n", self.over_there("run", "view", 2).out)
        self.assertIn("Failed: 'b'.", self.over_there("why", 2).out)
        self.over_there("run", "download", 2, "--dir", self.laptop / "got")
        self.assertEqual((self.laptop / "got/a/made").read_text(), "made\n")

    def test_from_a_step_it_goes_on_in_the_sandbox(self):
        self.failed_run()
        self.import_it()
        shutil.rmtree(self.repo)
        shutil.rmtree(self.data)
        self.repo.mkdir()
        result = self.over_there("run", "rerun", 1, "--from", "b", "--json")
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: a\n  runs: b, c\n  files: as they were when attempt 1 ended, after a\n")
        self.assertEqual(self.outcomes(result.json), {"a": "success", "b": "success", "c": "success"})
        self.assertEqual(self.over_there("run", "view", 1, "--log").out, "a | given\nb | made\nb | b\nb | given\nc | 1\nc | made\nc | b\nc | b\n")
        # All of it, in the files that it began with there.
        self.over_there("run", "rerun", 1, expect=1)
        # And out of the second home into a third.
        self.over_there("run", "export", 1, self.top / "again.plue")
        self.plue("run", "import", self.top / "again.plue", env={"PLUE_DATA_DIR": str(self.top / "third")}, expect=0)
        again = self.plue("run", "view", 1, "--json", env={"PLUE_DATA_DIR": str(self.top / "third")}, expect=0).json
        self.assertEqual((again["attempt"], again["status"]), (3, "failed"))

    def test_the_present_files_of_an_imported_run_are_none(self):
        self.failed_run()
        self.import_it()
        for option in (["--working-tree"], ["--ref", "main"]):
            self.assertIn("run 1 was imported: its repository is elsewhere", self.over_there("run", "rerun", 1, *option, expect=2).err)

    def test_a_run_of_a_commit_brings_its_files_along(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="a", cmd="cat f; git log --format=%s")')
        self.commit()
        self.run_ci("--ref", "HEAD")
        self.write("f", "two\n")
        self.commit()
        before = self.log(step="a")
        self.plue("run", "export", 1, self.file, expect=0)
        self.assertEqual(list((self.data / "workspaces").glob("*")), [])
        self.import_it()
        shutil.rmtree(self.repo)
        self.repo.mkdir()
        result = self.over_there("run", "rerun", 1, "--json")
        self.assertEqual(result.err, "run 1, attempt 2\n  runs: a\n  files: those that the run began with\n")
        self.assertEqual(self.over_there("run", "view", 1, "--log", "--step", "a").out, before)
        # What was made for the bundle alone is gone here.
        self.assertEqual(len(list((self.data / "blobs").glob("*/*"))), 1)

    # What is none of a run's history, or not for other eyes.
    LEFT_OUT = {"leases", "run_commands", "run_masks"}
    OWN = {"id", "run_id"}
    OF_HERE = {"workflow_runs": {"repository_id", "deadline_at", "concurrency_group", "concurrency_policy", "priority", "holds_group"}}

    def test_every_table_of_a_run_is_in_a_bundle_with_every_column(self):
        self.failed_run()
        text = (ROOT / "src/store/transfer.c").read_text()
        lists = {name: set(re.findall(r"C\((\w+), \w+\)", body))
                 for name, body in re.findall(r"store_move_column (\w+)\[\] = \{(.*?)\};", text, re.S)}
        moved = {table: lists[columns] for table, columns in re.findall(r'TABLE\("(\w+)", (\w+),', text)}
        with sqlite3.connect(self.data / "plue.db") as db:
            tables = {t: {c[1] for c in db.execute(f"PRAGMA table_info({t})")} for t, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        of_runs = {t for t, columns in tables.items() if "run_id" in columns or t == "workflow_runs"} - {"model_answers"}
        self.assertEqual(of_runs - set(moved), self.LEFT_OUT)
        for table, columns in moved.items():
            self.assertEqual(tables[table] - columns - self.OF_HERE.get(table, set()), self.OWN & tables[table] - columns, table)

    # -- what is no bundle, or not yet

    def test_a_run_that_has_not_ended_is_refused(self):
        self.steps_workflow('ctx.run(name="a", cmd="sleep NAP")')
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        result = self.plue("run", "export", 1, self.file, expect=2)
        self.assertEqual(result.err, "error: run 1 has not ended: it is running\n  hint: plue run watch 1 waits for its end\n")
        self.assertEqual([p.name for p in self.top.glob("run.plue*")], [])
        process.terminate()
        self.finish(process, expect=3)

    def test_nothing_is_replaced(self):
        self.failed_run()
        before = self.file.read_bytes()
        self.assertIn("is there already", self.plue("run", "export", 1, self.file, expect=2).err)
        self.assertEqual(self.file.read_bytes(), before)

    def refused(self, data, code):
        self.file.write_bytes(data)
        error = self.import_it(expect=2).json["error"]
        self.assertEqual(error["code"], code, error)
        self.assertEqual(self.over_there("run", "list", "--json").json["runs"], [])
        self.assertEqual([p for p in (self.laptop / "data/blobs").glob("*/*")], [])
        return error["message"]

    def test_what_is_damaged_is_refused_wherever_it_is(self):
        self.failed_run()
        whole = self.file.read_bytes()
        codes = ("bundle_damaged", "bundle_foreign")
        places = sorted({i * (len(whole) - 1) // 60 for i in range(61)} | set(range(len(LINE) + 2)))
        for at in places:
            with self.subTest(at):
                data = bytearray(whole)
                data[at] ^= 0x20
                self.refused(data, codes[1] if at < len(LINE) else codes[0])
        for n in [0, 5, len(LINE), len(LINE) + 1, *range(40, len(whole), len(whole) // 12), len(whole) - 1]:
            with self.subTest(cut=n):
                self.refused(whole[:n], codes[1] if n < len(LINE) - 1 else codes[0])
        self.refused(whole + b"x", codes[0])
        self.refused(whole + whole[len(LINE):], codes[0])

    def test_a_newer_version_is_refused(self):
        self.failed_run()
        message = self.refused(b"plue-bundle 2\n" + self.file.read_bytes()[len(LINE):], "bundle_newer")
        self.assertEqual(message, "the bundle has version 2, and this program knows versions up to 1")

    def test_records_that_are_a_lie_are_refused(self):
        self.failed_run()
        records = unpack(self.file)
        self.assertEqual(pack(records)[:len(LINE)], LINE)

        def changed(table, change):
            out = []
            for kind, payload in records:
                row = json.loads(payload) if kind == "R" else None
                if row and row[0] == table:
                    row = change(row)
                    if row is None:
                        continue
                    payload = json.dumps(row).encode()
                out.append((kind, payload))
            return pack(out)

        def put(i, value):
            return lambda row: row[:i] + [value] + row[i + 1:]
        cases = {
            "a run that goes on": changed("workflow_runs", put(2, "running")),
            "an unknown word": changed("workflow_steps", put(9, "sleeping")),
            "another type": changed("workflow_steps", put(5, "x")),
            "dependencies that are numbers": changed("workflow_steps", put(28, "[1]")),
            "a config that is none": changed("workflow_steps", put(29, "nothing")),
            "a null": changed("workflow_steps", put(3, None)),
            "no run": changed("workflow_runs", lambda row: None),
            "two of one step": changed("workflow_steps", lambda row: row[:3] + ["a"] + row[4:]),
            "lines of another run's step": changed("workflow_logs", put(1, 99)),
            "an unknown table": changed("workflow_logs", put(0, "secrets")),
            "a text under another's hash": changed("source_texts", put(2, "evil")),
            "too few values": changed("workflow_logs", lambda row: row[:-1]),
            "bytes that are not there": pack([r for r in records if r[0] not in "BD"]),
            "bytes under another's name": pack([(k, b"a" * 64 if k == "B" else p) for k, p in records]),
            "a path for a name": pack([(k, b"../../../../etc/passwd" if k == "B" else p) for k, p in records]),
            "rows before the header": pack(records[1:]),
            "two runs": pack([r for r in records for _ in (0, 1) if r[0] != "H" or _ == 0]),
            "a table twice": pack(records[:-1] + [r for r in records if r[0] == "R"][:1] + records[-1:]),
            "no rows": pack([r for r in records if r[0] == "H"]),
            "nothing": pack([]),
            "a header that is none": pack([("H", b"[]")] + records[1:]),
            "not JSON": pack([(k, b"[" * 5000 if k == "R" else p) for k, p in records]),
        }
        for name, data in cases.items():
            with self.subTest(name):
                self.refused(data, "bundle_damaged")
        # What is not changed is taken: the cases fail for what they are called.
        self.file.write_bytes(pack(records))
        self.import_it()

    def test_a_length_that_is_a_lie_costs_no_memory(self):
        stream = b"H" + struct.pack(">Q", 1 << 62) + b"{}"
        for n in (1 << 62, (64 << 20) - 1):
            stream = b"H" + struct.pack(">Q", n) + b"{}"
            data = LINE + subprocess.run(["zstd", "-c"], input=stream, capture_output=True, check=True).stdout
            self.refused(data, "bundle_damaged")

    def test_what_a_bundle_says_of_its_machine_does_not_count(self):
        self.failed_run()
        records = unpack(self.file)
        out = []
        for kind, payload in records:
            row = json.loads(payload) if kind == "R" else [None]
            if row[0] == "workflow_runs":
                kept = json.loads(row[23])
                self.assertIn("sandbox", kept)
                kept.update(sandbox="none", source=str(self.home), commit="HEAD", replay_of=7, replay_file="/etc/passwd")
                row[23] = json.dumps(kept)
                payload = json.dumps(row).encode()
            out.append((kind, payload))
        self.file.write_bytes(pack(out))
        self.import_it()
        with sqlite3.connect(self.laptop / "data/plue.db") as db:
            (plan,), = db.execute("SELECT plan FROM workflow_runs")
        kept = json.loads(plan)
        self.assertEqual((kept["source"], kept["commit"]), ("", "HEAD"))
        self.assertEqual({"sandbox", "replay_of", "replay_file"} & set(kept), set())

    def test_files_that_lead_out_of_the_workspace_are_not_unpacked(self):
        self.failed_run()
        evil = b"plue-pack 2\nF 644 4 10\n../../evilevilE\n"
        sha = hashlib.sha256(evil).hexdigest()
        names = {p.decode() for k, p in unpack(self.file) if k == "B"}
        out, rows = [], []
        for kind, payload in unpack(self.file):
            if kind == "R":
                for name in names:
                    payload = payload.replace(name.encode(), sha.encode())
                rows.append((kind, payload))
            elif kind == "H":
                out.append((kind, payload))
        self.file.write_bytes(pack(out + [("B", sha.encode()), ("D", evil)] + rows))
        self.import_it()
        self.over_there("run", "rerun", 1, expect=1)
        self.assertIn("'../../evil' leads out of the folder", self.over_there("run", "view", 1, "--json").json["error"]["message"])
        self.assertEqual(list(self.top.rglob("evil")), [])

    # -- secrets

    SECRET = 's3cret/"väl ue"+42'

    def forms(self):
        raw = self.SECRET.encode()
        yield raw
        yield from (base64.b64encode(b"x" * skew + raw)[4 if skew else 0:-4] for skew in (0, 1, 2))
        yield urllib.parse.quote(self.SECRET, safe="").encode()
        yield json.dumps(self.SECRET)[1:-1].encode()
        yield json.dumps(self.SECRET, ensure_ascii=False)[1:-1].encode()

    def secret_run(self, *options):
        self.steps_workflow("""
            s = ctx.secrets.TOKEN
            a = ctx.run(name="a", cmd="echo $T; printf '%s' \\"$T\\" | base64 -w0 | tee made; echo k=$T >> $PLUE_OUTPUT", env={"T": s}, artifacts=["made"])
            ok = ctx.run(name="ok", cmd="echo fine > fine", artifacts=["fine"])
            b = ctx.run(name="b", cmd="exit 1", depends_on=[a, ok])
            """)
        (self.top / "secrets").write_text(f"TOKEN={self.SECRET}\n")
        (self.top / "secrets").chmod(0o600)
        self.run_ci(*options, expect=1)

    def check_no_secret(self):
        result = self.plue("run", "export", 1, self.file, "--json", expect=0).json
        stream = b"".join(p for _, p in unpack(self.file))
        self.assertIn(b"***", stream)
        for form in self.forms():
            self.assertNotIn(form, stream)
        self.assertEqual(result["left_out"], ["the files of attempt 1 as it was failed: a secret stands in it",
                                              "artifact 'a' of attempt 1: a secret stands in it"])
        self.import_it()
        self.over_there("run", "download", 1, "--dir", self.laptop / "got")
        self.assertEqual([p.name for p in (self.laptop / "got").rglob("*") if p.is_file()], ["fine"])

    def test_no_secret_is_in_a_bundle(self):
        self.plue("secret", "set", "TOKEN", stdin=self.SECRET, expect=0)
        self.secret_run()
        self.check_no_secret()

    def test_nor_is_one_that_is_known_no_more(self):
        self.secret_run("--secret-file", self.top / "secrets")
        self.check_no_secret()

    def test_a_secret_in_the_record_refuses_it(self):
        self.workflow("""
            @workflow(triggers=[manual(inputs={"word": str})])
            def ci(ctx):
                ctx.run(name="a", cmd="true")
            """)
        self.run_ci("--input", f"word={self.SECRET}")
        self.plue("run", "export", 1, self.top / "before.plue", expect=0)
        self.plue("secret", "set", "TOKEN", stdin=self.SECRET, expect=0)
        result = self.plue("run", "export", 1, self.file, expect=2)
        self.assertRegex(result.err, r"^error: a secret stands in the record of run 1 \(workflow_runs\.[a-z_]+\)\n  hint: nothing was written")
        self.assertFalse(self.file.exists())
        self.assertEqual(self.plue("run", "export", 1, self.file, expect=2).out, "")
