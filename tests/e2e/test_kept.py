"""What runs keep: artifacts, caches, and what people decide."""
import json
import os
import signal
import sqlite3
from pathlib import Path

from harness import PlueTest


class Artifacts(PlueTest):
    def test_files_are_kept_and_downloaded(self):
        self.steps_workflow("""
            ctx.run(name="build", cmd="mkdir -p out/sub; echo one > out/a.txt; echo two > out/sub/b.bin; chmod 755 out/a.txt; ln -s a.txt out/link; echo no > other",
                    artifacts=["out", "!out/**/*.none"])
            ctx.artifact("report page", ["**/*.bin"])
            """)
        run = self.run_ci()
        self.assertEqual(self.outcomes(run), {"build": "success", "report-page": "success"})
        listed = self.plue("run", "download", 1, "--list", "--json", expect=0).json["artifacts"]
        self.assertEqual([(a["name"], a["step"], a["files"]) for a in listed], [("build", "build", 3), ("report page", "report-page", 1)])
        self.plue("run", "download", 1, "--dir", self.top / "all", expect=0)
        found = sorted(str(p.relative_to(self.top / "all")) for p in (self.top / "all").rglob("*") if p.is_file())
        self.assertEqual(found, ["build/out/a.txt", "build/out/link", "build/out/sub/b.bin", "report page/out/sub/b.bin"])
        self.assertEqual((self.top / "all/build/out/a.txt").stat().st_mode & 0o777, 0o755)
        self.assertEqual((self.top / "all/build/out/link").read_text(), "one\n")
        self.assertFalse((self.top / "all/build/out/link").is_symlink())
        self.plue("run", "download", 1, "build", "--dir", self.top / "one", expect=0)
        self.assertEqual((self.top / "one/out/sub/b.bin").read_text(), "two\n")

    def test_nothing_is_replaced_and_unknown_names_are_said(self):
        self.steps_workflow('ctx.run(name="build", cmd="echo one > a", artifacts=["a"])')
        self.run_ci()
        (self.top / "out").mkdir()
        (self.top / "out/a").write_text("mine")
        result = self.plue("run", "download", 1, "build", "--dir", self.top / "out", "--json", expect=2)
        self.assertEqual(result.json["error"]["code"], "file_exists")
        self.assertEqual((self.top / "out/a").read_text(), "mine")
        self.assertEqual(self.plue("run", "download", 1, "nope", "--json", expect=2).json["error"]["code"], "artifact_unknown")
        self.assertEqual(list((self.top / "out").iterdir()), [self.top / "out/a"])

    def test_a_link_out_of_the_workspace_is_not_followed(self):
        (self.top / "secret").write_text("SECRET")
        self.steps_workflow(f"""
            ctx.run(name="build", cmd="mkdir out; ln -s {self.top}/secret out/s; ln -s /etc out/etc; mkfifo out/pipe; echo x > out/x", artifacts=["out"])
            """)
        self.run_ci()
        self.assertEqual(self.plue("run", "download", 1, "--list", "--json", expect=0).json["artifacts"][0]["files"], 1)

    def test_damage_is_found(self):
        self.steps_workflow('ctx.run(name="build", cmd="seq 100000 > a", artifacts=["a"])')
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            [(sha,)] = db.execute("SELECT sha256 FROM artifacts")
        db.close()
        blob = self.data / "blobs" / sha[:2] / sha[2:]
        whole = blob.read_bytes()
        for bytes_ in (whole[:1000], whole[:-1], whole[:5000] + b"x" + whole[5001:], b"", b"garbage"):
            blob.write_bytes(bytes_)
            error = self.plue("run", "download", 1, "--dir", self.top / "x", "--json", expect=4).json["error"]
            self.assertEqual(error["code"], "blob_damaged")
            self.assertFalse((self.top / "x/build/a").exists())

    def blobs(self):
        """Of artifacts and caches: what is there but no snapshot's."""
        with sqlite3.connect(self.data / "plue.db") as db:
            snapshots = {sha[2:] for sha, in db.execute("SELECT sha256 FROM workspace_snapshots")}
        db.close()
        return sorted(p.name for p in (self.data / "blobs").rglob("*") if p.is_file() and p.name not in snapshots)

    def test_prune_removes_bytes_that_nothing_refers_to(self):
        self.steps_workflow("""
            ctx.run(name="same", cmd="echo same > a", artifacts=["a"])
            ctx.run(name="own", cmd="date +%s%N > b", artifacts=["b"], cache=None)
            """)
        self.run_ci()
        self.run_ci()
        self.assertEqual(len(self.blobs()), 3)
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workflow_runs SET completed_at = 1 WHERE id = 1")
        db.close()
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(len(self.blobs()), 2)
        self.plue("run", "download", 2, "--dir", self.top / "two", expect=0)
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workflow_runs SET completed_at = 1 WHERE id = 2")
        db.close()
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(self.blobs(), [])

    def test_all_artifacts_together_have_a_limit(self):
        self.steps_workflow('ctx.run(name="build", cmd="echo one > a", artifacts=["a"])')
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE artifacts SET stored_bytes = 1 << 40")
        db.close()
        self.run_ci()       # equal bytes take no more room
        self.steps_workflow('ctx.run(name="build", cmd="echo two > a", artifacts=["a"])')
        before = self.blobs()
        error = self.step(self.run_ci(expect=1), "build")["error"]
        self.assertEqual((error["code"], error["message"], error["hint"]),
                         ("artifacts_full", "all artifacts together would take more than 50 GiB",
                          "plue db prune --older-than 30d removes old runs with theirs"))
        # Another run may just have written the same bytes: they stay for a day.
        [left] = set(self.blobs()) - set(before)
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(self.blobs(), sorted([*before, left]))
        for blob in (self.data / "blobs").rglob("*"):
            if blob.is_file():
                os.utime(blob, (1, 1))
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(self.blobs(), before)

    def test_the_limit_of_artifacts_is_the_configuration_s(self):
        self.write(".plue/config.yaml", "limits: {artifacts: 300KiB}\n")
        self.steps_workflow('ctx.run(name="build", cmd="head -c 200K /dev/urandom > a", artifacts=["a"])')
        self.run_ci()
        self.assertEqual(self.step(self.run_ci(expect=1), "build")["error"]["message"],
                         "all artifacts together would take more than 300 KiB")

    def test_links_that_change_while_artifacts_are_collected_lead_nowhere(self):
        (self.top / "secret").mkdir()
        (self.top / "secret/f").write_text("SECRET")
        race = (f"import os\nos.mkdir('real')\nopen('real/f', 'w').write('fine\\n')\nfor target in 20000 * ['{self.top}/secret', 'real']:\n"
                "    os.symlink(target, 'y')\n    os.replace('y', 'x')\n")
        self.steps_workflow(f"""
            ctx.parallel([
                ctx.run(name="race", cmd={race!r}, shell="python3"),
                ctx.run(name="keep", cmd="true", artifacts=["**/f"]),
                ctx.run(name="keep2", cmd="true", artifacts=["x", "real"]),
            ])
            ctx.run(name="keep3", cmd="ln -sfn {self.top}/secret x", artifacts=["**"])
            """)
        self.run_ci()
        self.plue("run", "download", 1, "--dir", self.top / "all", expect=0)
        found = {p.read_text() for p in (self.top / "all").rglob("f")}
        self.assertEqual(found, {"fine\n"})

    def test_what_cannot_be_kept_is_said(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="mkdir d; echo x > d/f; cd d; ln -s f in; ln -s /etc/passwd out; ln -s nowhere lost; mkfifo pipe; ln -s . dir",
                    artifacts=["d/**"])
            """)
        self.run_ci()
        self.assertEqual(self.plue("run", "view", 1, "--log", "--step", "a").out,
                         "of artifact 'a' 4 are left out: pipes, sockets, and links that lead to no file of the workspace; the first is 'd/dir'\n")
        self.plue("run", "download", 1, "--dir", self.top / "x", expect=0)
        self.assertEqual(sorted(p.name for p in (self.top / "x").rglob("*") if p.is_file()), ["f", "in"])

    def test_no_match_is_said_and_failed_steps_keep_theirs(self):
        self.steps_workflow("""
            ctx.run(name="none", cmd="true", artifacts=["nothing/*"])
            ctx.run(name="bad", cmd="echo log > log; exit 3", artifacts=["log"])
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(self.step(run, "bad")["exit_code"], 3)
        self.assertEqual([a["name"] for a in self.plue("run", "download", 1, "--list", "--json").json["artifacts"]], ["bad"])
        self.assertIn("no file matches", self.plue("run", "view", 1, "--log").out)


class Caches(PlueTest):
    CACHED = """
        import_deps = ctx.run(name="deps", cmd='''
            ls deps 2>/dev/null || true
            mkdir -p deps; date +%N > deps/made; echo v=1 >> $PLUE_OUTPUT; echo MORE=yes >> $PLUE_ENV; echo out
            ''', cache=cache("deps-" + hash_files("lock"), paths=["deps"], restore_keys=["deps-"]))
        use = ctx.run(name="use", cmd="cat deps/made; echo $MORE")
        return ctx.success(made=use.stdout, v=import_deps.outputs.v, out=import_deps.stdout)
        """

    def event_of(self, ref, sha, pull=None):
        event = {"type": "push", "ref": ref, "sha": sha, "branch": ref.split("/")[-1]}
        if pull:
            event.update(type="pull_request", action="opened", ref="refs/heads/main",
                         pull_request={"number": pull, "title": "", "body": "", "base": sha, "head": sha, "base_ref": "main", "head_ref": "main"})
        return self.event(event)

    def test_an_exact_hit_stands_for_the_step(self):
        self.write("lock", "1")
        self.steps_workflow(self.CACHED)
        first = self.run_ci()
        second = self.run_ci()
        self.assertEqual(self.outcomes(first), {"deps": "success", "use": "success"})
        self.assertEqual(self.outcomes(second), {"deps": "cached", "use": "success"})
        self.assertEqual((self.step(second, "deps")["status"], self.step(second, "deps")["conclusion"]), ("cached", "success"))
        self.assertEqual(first["outputs"], second["outputs"])
        self.assertEqual(second["outputs"]["v"], "1")
        self.assertTrue(second["outputs"]["made"].endswith("\nyes\n"))

    def test_a_hit_by_prefix_restores_and_runs(self):
        self.write("lock", "1")
        self.steps_workflow(self.CACHED)
        self.run_ci()
        self.write("lock", "2")
        run = self.run_ci()
        self.assertEqual(self.outcomes(run)["deps"], "success")
        self.assertEqual(run["outputs"]["out"], "made\nout\n")
        self.assertEqual(self.outcomes(self.run_ci())["deps"], "cached")

    def test_a_bare_key_keeps_what_the_step_changed(self):
        self.write("kept", "old")
        self.write("other", "old")
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo new > kept; mkdir -p d; echo made > d/made; ln -s made d/l", cache="k")
            ctx.run(name="b", cmd="cat kept d/made d/l other")
            """)
        self.run_ci()
        self.write("other", "edited")
        run = self.run_ci()
        self.assertEqual(self.outcomes(run)["a"], "cached")
        self.assertEqual(self.log(run=2, step="b"), "new\nmade\nmade\nedited\n")

    def test_a_failed_step_saves_nothing(self):
        self.steps_workflow('ctx.run(name="a", cmd="echo x > f; exit 1", cache=cache("k", paths=["f"]))')
        self.run_ci(expect=1)
        self.assertEqual(self.outcomes(self.run_ci(expect=1)), {"a": "failed"})

    def test_a_pull_request_reads_the_default_branch_s_cache_and_never_writes_it(self):
        self.write("lock", "1")
        sha = self.commit()
        self.steps_workflow("""
            a = ctx.run(name="a", cmd=f"echo {ctx.event.type} > f", cache=cache("k", paths=["f"]))
            return ctx.success(f=ctx.run(name="b", cmd="cat f").stdout)
            """, decorator="@workflow(triggers=[push(), pull_request()])")
        pull = self.event_of("", sha, pull=7)
        self.assertEqual(self.run_ci("--event", pull)["outputs"], {"f": "pull_request\n"})
        self.assertEqual(self.outcomes(self.run_ci("--event", pull))["a"], "cached")
        main = self.event_of("refs/heads/main", sha)
        self.assertEqual(self.run_ci("--event", main)["outputs"], {"f": "push\n"}, "what a pull request kept is not main's")
        other = self.event_of("", sha, pull=8)
        self.assertEqual(self.run_ci("--event", other)["outputs"], {"f": "push\n"}, "a pull request reads main's")
        side = self.event_of("refs/heads/side", sha)
        self.assertEqual(self.outcomes(self.run_ci("--event", side))["a"], "cached")

    def test_a_damaged_cache_is_a_miss_that_says_so(self):
        self.steps_workflow('ctx.run(name="a", cmd="seq 50000 > f", cache=cache("k", paths=["f"]))\nctx.run(name="b", cmd="tail -1 f")')
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            [(sha,)] = db.execute("SELECT sha256 FROM cache_entries")
        db.close()
        blob = self.data / "blobs" / sha[:2] / sha[2:]
        blob.write_bytes(blob.read_bytes()[:3000])
        run = self.run_ci()
        self.assertEqual(self.outcomes(run), {"a": "success", "b": "success"})
        self.assertIn("damaged", self.plue("run", "view", 2, "--log").out)
        self.assertEqual(self.outcomes(self.run_ci())["a"], "cached")
        self.assertEqual(self.log(run=3, step="b"), "50000\n")

    # -- room

    def keyed(self, *keys):
        """Runs a workflow that saves 100 KiB of random bytes below each key, one after the other."""
        self.steps_workflow("\n".join(f"""ctx.run(name="{key}", cmd="head -c 100K /dev/urandom > {key}", cache=cache("{key}", paths=["{key}"]))"""
                                      for key in keys))
        return self.outcomes(self.run_ci())

    def keys(self):
        with sqlite3.connect(self.data / "plue.db") as db:
            rows = dict(db.execute("SELECT cache_key, sha256 FROM cache_entries ORDER BY id"))
        db.close()
        return rows

    def is_there(self, sha):
        return (self.data / "blobs" / sha[:2] / sha[2:]).exists()

    def test_what_was_used_longest_ago_makes_room(self):
        self.write(".plue/config.yaml", "limits: {caches: 350KiB}\n")
        self.keyed("one", "two", "three")
        kept = self.keys()
        self.assertEqual(list(kept), ["one", "two", "three"])
        self.assertEqual(self.keyed("one"), {"one": "cached"})      # used since, so it stays
        os.utime(self.data / "blobs" / kept["two"][:2] / kept["two"][2:], (1, 1))
        self.keyed("four")
        self.assertEqual(list(self.keys()), ["one", "three", "four"])
        self.assertFalse(self.is_there(kept["two"]))

    def test_bytes_that_were_just_written_stay_when_their_cache_makes_room(self):
        """Another run may have written the same ones, and be about to record them."""
        self.write(".plue/config.yaml", "limits: {caches: 250KiB}\n")
        self.keyed("one", "two")
        kept = self.keys()
        self.keyed("three")
        self.assertEqual(list(self.keys()), ["two", "three"])
        self.assertTrue(self.is_there(kept["one"]))

    def test_a_cache_that_would_take_more_than_half_is_not_saved(self):
        self.write(".plue/config.yaml", "limits: {caches: 199KiB}\n")
        self.assertEqual(self.keyed("one"), {"one": "success"})
        self.assertEqual(self.keys(), {})
        self.assertIn("the cache was not saved: it takes more than half of all caches' room\n", self.plue("run", "view", 1, "--log").out)

    def test_the_newest_of_several_prefixed_keys_is_restored(self):
        for i in range(3):
            self.steps_workflow(f"""ctx.run(name="a", cmd="cat f; echo {i} > f", cache=cache("k-{i}", paths=["f"], restore_keys=["k-"]), shell="sh")""")
            self.write("f", "none\n")
            self.run_ci()
        self.assertEqual([self.plue("run", "view", run, "--log", "--step", "a").out for run in (1, 2, 3)],
                         ["none\ncache 'k-0' saved: 1 files\n",
                          "cache 'k-0' restored: 1 files\n0\ncache 'k-1' saved: 1 files\n",
                          "cache 'k-1' restored: 1 files\n1\ncache 'k-2' saved: 1 files\n"])

    def test_what_a_step_did_with_its_cache_is_shown(self):
        step = """ctx.run(name="a", cmd="echo x > f", cache=cache("%s", paths=["f"], restore_keys=["k-"]))"""
        shown = []
        for key in ("k-1", "k-1", "k-2"):
            self.steps_workflow(step % key)
            shown.append(self.step(self.run_ci(), "a")["cache"])
        self.assertEqual(shown, [{"key": "k-1", "found": None, "exact": False, "saved": True, "files": 1},
                                 {"key": "k-1", "found": "k-1", "exact": True, "saved": False, "files": None},
                                 {"key": "k-2", "found": "k-1", "exact": False, "saved": True, "files": 1}])

    def test_nothing_is_saved_where_no_file_matches(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x > made", cache=cache("k", paths=["mde", "out/**"]))""")
        for run in (1, 2):
            self.assertEqual(self.outcomes(self.run_ci()), {"a": "success"})
            self.assertIn("the cache was not saved: no file matches the paths of cache 'k'\n", self.plue("run", "view", run, "--log").out)
        self.assertEqual(self.keys(), {})

    def test_a_bare_key_stands_for_a_step_that_changes_nothing(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true", cache="k")""")
        self.assertEqual([self.outcomes(self.run_ci())["a"] for _ in (1, 2)], ["success", "cached"])


class Approvals(PlueTest):
    BODY = """
        sign = ctx.approval("sign off", reviewers=["team"]{})
        if sign.failed:
            return ctx.success(done="rejected")
        ctx.run(name="after", cmd="echo after")
        return ctx.success(done="approved")
        """

    def waiting(self):
        run = self.start("workflow", "run", "ci", "--json")
        view = self.wait_for(lambda: (seen := self.try_view()) and seen["status"] == "waiting" and seen, "the run waits")
        self.assertEqual((self.step(view, "sign-off")["status"], view["reason"]["code"]), ("waiting", "waiting_for_approval"))
        self.wait_for_question()
        return run

    def test_another_process_approves(self):
        self.steps_workflow(self.BODY.format(""))
        run = self.waiting()
        said = self.plue("run", "approve", 1, "--comment", "fine", "--json", expect=0).json
        self.assertEqual((said["step"], said["decision"], said["comment"]), ("sign-off", "approved", "fine"))
        done = self.finish(run, expect=0).json
        self.assertEqual(done["outputs"], {"done": "approved"})
        self.assertEqual(self.plue("run", "approve", 1, "--json", expect=2).json["error"]["code"], "approval_decided")

    def test_a_rejection_fails_the_step(self):
        self.steps_workflow(self.BODY.format(""))
        run = self.waiting()
        self.plue("run", "approve", 1, "sign-off", "--reject", "--comment", "not today", expect=0)
        done = self.finish(run, expect=0).json
        self.assertEqual(done["outputs"], {"done": "rejected"})
        self.assertIn("not today", done["steps"][0]["error"]["message"])
        self.assertEqual(done["steps"][0]["reason"]["code"], "approval_rejected")

    def test_it_passes_its_time(self):
        self.steps_workflow(self.BODY.format(', timeout="1s"'))
        done = self.run_ci()
        self.assertEqual(done["outputs"], {"done": "rejected"})
        self.assertEqual(self.outcomes(done)["sign-off"], "timed_out")

    def test_what_was_decided_while_nothing_drove_the_run_counts(self):
        self.steps_workflow(self.BODY.format(', timeout="2d"'))
        run = self.waiting()
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        self.assertEqual(self.view()["status"], "waiting")
        self.plue("run", "approve", 1, expect=0)
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.view()["outputs"], {"done": "approved"})
        self.assertEqual(self.outcomes(self.view()), {"sign-off": "success", "after": "success"})

    def test_a_resumed_run_waits_on(self):
        self.steps_workflow(self.BODY.format(""))
        run = self.waiting()
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        again = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "approve", 1).status == 0, "the approval is taken")
        self.finish(again, expect=0)
        self.assertEqual(self.view()["outputs"], {"done": "approved"})

    def test_others_work_meanwhile_and_cancel_ends_it(self):
        self.steps_workflow("""
            ctx.parallel([ctx.approval("a"), ctx.approval("b"), ctx.run(name="work", cmd="echo work")])
            """)
        run = self.start("workflow", "run", "ci", "--json", "--slots", "1")
        self.wait_for_step("work", "success")
        self.assertEqual(self.plue("run", "approve", 1, "--json", expect=2).json["error"]["code"], "approval_ambiguous")
        self.plue("run", "approve", 1, "a", expect=0)
        self.wait_for_step("a", "success")
        self.plue("run", "cancel", 1)
        self.finish(run, expect=3)
        self.assertEqual(self.outcomes(self.view())["b"], "cancelled")

    def test_the_run_s_time_stands_still(self):
        self.steps_workflow(self.BODY.format(""), decorator='@workflow(triggers=[manual()], timeout="5s")')
        run = self.waiting()
        import time
        time.sleep(6)           # longer than the run may take: only the waiting is long
        self.plue("run", "approve", 1, expect=0)
        self.finish(run, expect=0)
