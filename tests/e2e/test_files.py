"""Steps that read and write files, and the repository: ctx.read and its kin, hash_files, ctx.git."""
import hashlib

from harness import PlueTest


class Files(PlueTest):
    def value(self, body, **more):
        self.steps_workflow(body)
        return self.run_ci(**more)

    def test_a_file_is_what_it_is_when_the_run_reaches_the_line(self):
        self.write("note.txt", "é old\n")
        run = self.value("""
            before = ctx.read("note.txt")
            ctx.run(cmd="printf new > note.txt")
            after = ctx.read("note.txt")
            ctx.write("made/below/out.txt", f"{before}|{after}")
            ctx.write("data.json", {"a": [1, None]})
            ctx.run(name="show", cmd="cat made/below/out.txt data.json; stat -c %u:%a made/below/out.txt; id -u")
            return ctx.success(before=before, after=after, there=ctx.exists("made/below"), gone=ctx.exists("nope"))
            """)
        self.assertEqual(run["outputs"], {"before": "é old\n", "after": "new", "there": True, "gone": False})
        self.assertEqual(self.log(step="show"), 'é old\n|new{\n  "a": [\n    1,\n    null\n  ]\n}1000:644\n1000\n')
        self.assertEqual((self.repo / "note.txt").read_text(), "é old\n")

    def test_code_decides_on_what_is_there(self):
        self.write("a.txt", "1\n")
        self.write("sub/b.txt", "2\n")
        self.write("sub/deep/c.txt", "3\n")
        run = self.value("""
            if ctx.exists("a.txt") and not ctx.exists("sub/none"):
                for path in ctx.glob("**/*.txt"):
                    ctx.run(name=path, cmd=f"cat {path}")
            return ctx.success(top=ctx.glob("*.txt"), below=ctx.glob("sub/*"), set=ctx.glob("sub/**/[a-c].tx?"), none=ctx.glob("*.none"))
            """)
        self.assertEqual(self.log(), "1\n2\n3\n")
        self.assertEqual(run["outputs"], {"top": ["a.txt"], "below": ["sub/b.txt"],
                                          "set": ["sub/b.txt", "sub/deep/c.txt"], "none": []})

    def test_paths_do_not_leave_the_workspace(self):
        secret = self.top / "secret"
        secret.write_text("SECRET")
        for n, call in enumerate([f'ctx.read("{secret}")', 'ctx.read("../secret")', 'ctx.read("link")', 'ctx.exists("link")',
                                  'ctx.read("folder/passwd")', 'ctx.write("../out", "x")', 'ctx.write("folder/x", "x")',
                                  f'ctx.write("{self.top}/out", "x")', 'ctx.read("sub/../../secret")']):
            self.steps_workflow(f"""
                ctx.run(name="links", cmd="mkdir sub; ln -s {secret} link; ln -s /etc folder")
                {call}
                """)
            run = self.run_ci(expect=1)
            self.assertEqual(run["steps"][1]["error"]["code"], "path_outside", (call, run["steps"][1]["error"]))
            self.assertNotIn("SECRET", str(run))
        self.assertFalse((self.top / "out").exists())

    def test_what_cannot_be_read_says_why(self):
        self.write("bin", b"\xff\xfe")
        self.write("nul", b"a\0b")
        for path, code in (("bin", "file_not_text"), ("nul", "file_not_text"), ("none", "file_missing"),
                           (".plue", "file_is_folder"), ("big", "file_too_large"), ("pipe", "file_access")):
            run = self.value(f"""
                ctx.run(name="make", cmd="head -c 2000000 /dev/zero > big; mkfifo pipe")
                ctx.read("{path}")
                """, expect=1)
            self.assertEqual(run["steps"][1]["error"]["code"], code)
            self.assertIn(path, run["steps"][1]["error"]["message"])

    def test_a_secret_that_is_read_back_is_masked(self):
        run = self.value("""
            ctx.run(name="leak", cmd="printf %s $T > leak", env={"T": ctx.secrets.TOKEN})
            return ctx.success(text=ctx.read("leak"))
            """, env={"PLUE_SECRET_TOKEN": "hunter2hunter2"})
        self.assertEqual(run["outputs"], {"text": "***"})

    def test_hash_files_is_of_the_contents_when_the_step_starts(self):
        self.write("a.lock", "one")
        self.write("sub/b.lock", "two")
        self.write("other", "x")
        run = self.value("""
            h = hash_files("**/*.lock")
            first = ctx.run(name="first", cmd="printf %s $H; echo more >> a.lock", env={"H": h})
            second = ctx.run(name="second", cmd=f"printf %s {h}")
            none = ctx.run(name="none", cmd="printf '<%s>' $H", env={"H": hash_files("*.nothing")})
            return ctx.success(first=first.stdout, second=second.stdout, none=none.stdout)
            """)
        def of(*texts):
            return hashlib.sha256(b"".join(hashlib.sha256(t.encode()).digest() for t in texts)).hexdigest()
        self.assertEqual(run["outputs"], {"first": of("one", "two"), "second": of("onemore\n", "two"), "none": "<>"})


class Git(PlueTest):
    def setUp(self):
        super().setUp()
        self.write("keep.txt", "keep\n")
        self.write("a.txt", "1\n")
        self.first = self.commit("first")
        self.write("a.txt", "2\n")
        self.write("ü b.txt", "new\n")
        self.second = self.commit("second\n\nwith a body")

    def outputs(self, body, *args, **more):
        self.steps_workflow(body)
        return self.run_ci(*args, **more)["outputs"]

    def test_diff_log_and_changed_files_of_the_last_commit(self):
        self.write("a.txt", "uncommitted\n")
        out = self.outputs("""
            return ctx.success(diff=ctx.git.diff(paths=["a.txt"]), files=ctx.git.changed_files(), log=ctx.git.log(n=2))
            """)
        self.assertEqual(out["diff"], self.git("diff", self.first, self.second, "--", "a.txt"))
        self.assertEqual(out["files"], ["a.txt", "ü b.txt"])
        self.assertEqual([(c["sha"], c["subject"], c["body"], c["author"]) for c in out["log"]],
                         [(self.second, "second", "with a body", "A"), (self.first, "first", "", "A")])

    def test_commits_by_name(self):
        self.git("tag", "v1", self.first)
        out = self.outputs("""
            return ctx.success(back=ctx.git.diff(base="HEAD", head="v1"), none=ctx.git.diff("HEAD", "HEAD"),
                               files=ctx.git.changed_files(base="v1"))
            """)
        self.assertEqual(out, {"back": self.git("diff", "HEAD", "v1"), "none": "", "files": ["a.txt", "ü b.txt"]})

    def test_the_first_commit_is_compared_with_nothing(self):
        event = self.event({"type": "manual", "ref": "refs/heads/main", "sha": self.first})
        out = self.outputs('return ctx.success(files=ctx.git.changed_files())', "--event", event)
        self.assertEqual(out, {"files": ["a.txt", "keep.txt"]})

    def test_a_pull_request_is_compared_with_its_base(self):
        self.write("c.txt", "3\n")
        third = self.commit("third")
        event = self.event({"type": "pull_request", "action": "opened", "ref": "refs/pull/1/merge", "sha": third,
                            "pull_request": {"number": 1, "title": "t", "body": "", "base": self.first, "head": third,
                                             "base_ref": "main", "head_ref": "x"}})
        out = self.outputs('return ctx.success(files=ctx.git.changed_files())', "--event", event)
        self.assertEqual(out, {"files": ["a.txt", "c.txt", "ü b.txt"]})

    def test_what_names_no_commit_is_an_error_and_never_an_option(self):
        for ref in ("nope", "--output=/tmp/owned", "-p", "HEAD:a.txt", "a b"):
            self.steps_workflow(f"ctx.git.diff(base={ref!r})")
            run = self.run_ci(expect=1)
            self.assertEqual(run["steps"][0]["error"]["code"], "git_ref_unknown", run["steps"][0])

    def test_the_repository_s_own_programs_are_not_run(self):
        self.git("config", "diff.external", f"touch {self.top}/owned;")
        self.git("config", "core.fsmonitor", f"touch {self.top}/owned;")
        self.git("config", "diff.x.textconv", f"touch {self.top}/owned; cat")
        self.write(".git/info/attributes", "* diff=x\n")
        self.assertIn("+2", self.outputs("return ctx.success(d=ctx.git.diff())")["d"])
        self.assertFalse((self.top / "owned").exists())

    def test_no_repository_is_said(self):
        import shutil
        shutil.rmtree(self.repo / ".git")
        self.steps_workflow("ctx.git.diff()")
        self.assertEqual(self.run_ci(expect=1)["steps"][0]["error"]["code"], "git_no_repository")
