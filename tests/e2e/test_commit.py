"""Files of commits: --ref, ctx.git.checkout; what a repository holds back; comments without a forge."""
import json

from harness import PlueTest, remove_tree

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a" * 16 + "\nsize 12345\n"


class Ref(PlueTest):
    def two_commits(self, show="cat v; ls; git status --short"):
        self.steps_workflow(f'ctx.run(name="show", cmd="echo old; {show}")')
        self.write("v", "one\n")
        self.write("gone", "gone\n")
        old = self.commit("one")
        self.git("tag", "v1")
        self.steps_workflow(f'ctx.run(name="show", cmd="echo new; {show}")')
        self.write("v", "two\n")
        self.git("rm", "-q", "gone")
        new = self.commit("two")
        self.write("v", "dirty\n")
        return old, new

    def test_a_tag_gives_files_and_workflow_of_its_commit(self):
        old, _ = self.two_commits()
        run = self.run_ci("--ref", "v1")
        self.assertEqual(self.log(step="show"), "old\none\ngone\nv\n")
        self.assertEqual((run["sha"], run["ref"], run["event"]["sha"]), (old, "refs/tags/v1", old))
        self.assertIn(f"files      {old}\n", self.plue("run", "view", 1, expect=0).out)
        self.plue("verify", 1, expect=0)

    def test_a_branch_and_an_id_name_commits_too(self):
        old, new = self.two_commits()
        run = self.run_ci("--ref", "main")
        self.assertEqual((self.log(step="show"), run["ref"], run["sha"]), ("new\ntwo\nv\n", "refs/heads/main", new))
        run = self.run_ci("--ref", old[:10])
        self.assertEqual((self.log(run=2, step="show"), run["ref"], run["sha"]), ("old\none\ngone\nv\n", None, old))

    def test_what_is_no_commit_is_refused_before_anything_runs(self):
        self.two_commits()
        for ref in ("nope", "--upload-pack=x", "HEAD:v", ""):
            error = self.plue("workflow", "run", "ci", f"--ref={ref}", "--json", expect=2).json["error"]
            self.assertEqual(error["code"], "git_ref_unknown", ref)
        self.assertEqual(self.plue("run", "list", "--json", expect=0).json["runs"], [])

    def test_neither_filters_nor_hooks_of_the_repository_run(self):
        self.write(".gitattributes", "v filter=evil\n")
        self.two_commits()
        self.git("config", "filter.evil.smudge", f"touch {self.top}/evil; cat")
        self.git("config", "filter.evil.required", "true")
        hook = self.write(".git/hooks/post-checkout", f"#!/bin/sh\ntouch {self.top}/evil\n", mode=0o755)
        self.assertTrue(hook.exists())
        self.run_ci("--ref", "v1")
        self.assertFalse((self.top / "evil").exists())

    def test_a_workspace_has_none_of_the_repositorys_other_objects(self):
        old, _ = self.two_commits(show=f"git rev-list --all --count; cat .git/objects/info/alternates 2>/dev/null || true; git remote")
        self.run_ci("--ref", "v1")
        self.assertEqual(self.log(step="show"), "old\n1\n")

    def test_a_rerun_has_the_files_of_the_runs_commit(self):
        self.two_commits()
        self.run_ci("--ref", "v1")
        self.plue("run", "rerun", 1, expect=0)
        self.assertEqual(self.log(step="show"), "old\none\ngone\nv\n")

    def test_a_rerun_of_another_commit_takes_its_workflow_and_files(self):
        old, _ = self.two_commits()
        self.run_ci()
        self.assertEqual(self.log(step="show"), "new\ndirty\nv\n")
        shown = self.plue("run", "rerun", 1, "--ref", "v1", "--json", expect=0)
        self.assertEqual(shown.err, f"run 1, attempt 2\n  runs: show (changed)\n  files: those of the commit {old}\n")
        self.assertEqual(self.log(step="show"), "old\none\ngone\nv\n")
        self.assertIn(f"files      {old}\n", self.plue("run", "view", 1, expect=0).out)
        self.plue("verify", 1, expect=0)
        self.plue("run", "rerun", 1, "--ref", "v1", "--working-tree", expect=2)

    def test_steps_of_another_commits_files_are_not_kept(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="cat v > made")
            ctx.run(name="b", cmd="cat made; grep one made")
            """)
        self.write("v", "one\n")
        self.commit()
        self.git("tag", "v1")
        self.write("v", "two\n")
        self.run_ci(expect=1)
        self.plue("run", "rerun", 1, "--failed", "--ref", "v1", expect=0)
        self.assertEqual(self.log(step="b"), "one\none\n")

    def test_a_link_out_of_the_repository_is_refused(self):
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        (self.repo / "out").symlink_to("../../etc")
        self.commit()
        (self.repo / "out").unlink()
        run = self.run_ci("--ref", "main", expect=1)
        self.assertEqual(self.step(run, "a")["error"]["code"], "workspace_link")


class Checkout(PlueTest):
    def commits(self):
        self.write("v", "one\n")
        self.write("deep/er/gone", "gone\n")
        self.write("kind", "file\n")
        self.write("run.sh", "echo ran\n", mode=0o755)
        old = self.commit()
        self.git("tag", "v1")
        self.write("v", "two\n")
        self.write("added/more", "added\n")
        self.git("rm", "-q", "-r", "deep", "kind")
        self.write("kind/inner", "folder\n")
        self.commit()
        return old

    def test_files_of_the_commit_take_the_place_of_the_runs(self):
        old = self.commits()
        self.steps_workflow("""
            ctx.run(name="before", cmd="cat v; find * -type f | sort; echo mine > made; echo changed > v; rm run.sh")
            back = ctx.git.checkout("v1")
            ctx.run(name="after", cmd="cat v kind deep/er/gone; ./run.sh; find * | sort; git status --short; git log --oneline | wc -l")
            ctx.git.checkout("main")
            ctx.run(name="again", cmd="cat v; find * | sort; git status --short")
            """)
        run = self.run_ci()
        self.assertEqual(self.log(step="before"), "two\nadded/more\nkind/inner\nrun.sh\nv\n")
        self.assertEqual(self.log(step="after"), "one\nfile\ngone\nran\ndeep\ndeep/er\ndeep/er/gone\nkind\nmade\nrun.sh\nv\n?? made\n1\n")
        self.assertEqual(self.log(step="again"), "two\nadded\nadded/more\nkind\nkind/inner\nmade\nrun.sh\nv\n?? made\n")
        self.assertEqual(self.step(run, "git-checkout")["output"], {"sha": old})
        self.assertEqual(self.log(step="git-checkout", stream="system"), f"the workspace has the files of commit {old}\n")

    def test_links_that_a_step_left_lead_nowhere(self):
        outside = self.top / "outside"
        outside.mkdir()
        (outside / "gone").write_text("mine")
        self.commits()
        self.steps_workflow(f"""
            ctx.run(name="trap", cmd="rm -rf v added kind .git; ln -s {outside} added; ln -s {outside} kind; ln -s {outside}/v v; ln -s {outside} deep; ln -s {outside} .git")
            ctx.git.checkout("v1")
            ctx.run(name="trap 2", cmd="rm -rf deep/er; ln -s {outside} deep/er")
            ctx.git.checkout("main")
            ctx.run(name="show", cmd="cat v added/more kind/inner; git status --short")
            """)
        self.run_ci()
        self.assertEqual(self.log(step="show"), "two\nadded\nfolder\n?? deep/\n")
        self.assertEqual([(p.name, p.read_text()) for p in outside.iterdir()], [("gone", "mine")])

    def test_a_commit_that_is_not_there_fails_the_step(self):
        self.commits()
        self.steps_workflow('ctx.git.checkout("v9")\nctx.run(name="a", cmd="true")')
        run = self.run_ci(expect=1)
        error = self.step(run, "git-checkout")["error"]
        self.assertEqual((error["code"], error["hint"]), ("git_ref_unknown", "fetch it first: nothing is fetched while a workflow runs"))

    def test_a_rerun_keeps_a_checkout_only_with_its_files(self):
        self.commits()
        self.steps_workflow("""
            ctx.git.checkout("v1")
            ctx.run(name="a", cmd="cat v; echo x >> n; [ $(wc -l < n) = 2 ]")
            """)
        self.run_ci(expect=1)
        result = self.plue("run", "rerun", 1, "--failed", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: git-checkout\n  runs: a\n  files: as attempt 1 left them\n")
        self.assertEqual(self.log(step="a"), "one\n")
        result = self.plue("run", "rerun", 1, "--from", "a", "--dry-run", expect=0)
        self.assertEqual(result.out, "run 1, attempt 3\n  kept: git-checkout\n  runs: a\n"
                         "  files: as they were when attempt 1 ended, after git-checkout\n")


class HeldBack(PlueTest):
    def test_pointers_and_submodules_without_files_are_said(self):
        self.steps_workflow('ctx.run(name="a", cmd="ls")')
        self.write("big.bin", POINTER)
        self.write("big2.bin", POINTER)
        self.commit()
        self.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub")
        (self.repo / "sub").mkdir()
        self.git("commit", "-q", "-m", "sub")
        said = ("a submodule has no files here: sub; a run takes along what git submodule update --init has put into the working tree\n"
                "a Git LFS pointer stands where a file should: big.bin (and 1 more); git lfs pull fetches the files, and a run of the"
                " working tree takes them along then\n")
        for run, args in ((1, []), (2, ["--ref", "HEAD"])):
            result = self.plue("workflow", "run", "ci", *args, expect=0)
            self.assertEqual(self.log(run=run, step="a", stream="system"), said)
            self.assertIn("a submodule has no files here: sub;", result.err)


class Outside(PlueTest):
    def test_a_data_directory_in_the_folder_is_none_of_its_files(self):
        self.steps_workflow('ctx.run(name="a", cmd="ls -A")')
        self.write("inner/v", "v\n")
        inner = {"PLUE_DATA_DIR": str(self.repo / "inner/data")}
        for git in (False, True):
            if git:
                self.commit()
            self.plue("workflow", "run", "ci", expect=0, env=inner)
            self.steps_workflow('ctx.run(name="a", cmd="find inner | sort")')
            run = self.plue("workflow", "run", "ci", "--json", expect=0, env=inner).json
            shown = self.plue("run", "view", run["id"], "--log", "--json", expect=0, env=inner).json["lines"]
            self.assertEqual([line["line"] for line in shown], ["inner", "inner/v"])

    def test_a_workspace_that_is_deleted_under_its_run_fails_a_step_and_ends_the_run(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="test $(wc -l < v) = 2 || { touch here; while [ -e here ]; do sleep 0.1; done; }")
            ctx.run(name="b", cmd="cat v", retries=3)
            """)
        self.write("v", "one\n")
        process = self.start("workflow", "run", "ci", "--json")
        workspace = self.data / "workspaces/1/workspace"
        self.wait_for(lambda: (workspace / "here").exists(), "the step is there")
        remove_tree(workspace)
        run = self.finish(process, expect=1).json
        a, b = self.step(run, "a"), self.step(run, "b")
        self.assertEqual((run["status"], a["outcome"], b["outcome"], b["reason"]["code"], b["attempts"]), ("failed", "success", "failed", "workspace_lost", 1))
        self.assertEqual((b["error"]["code"], b["error"]["message"]),
                         ("workspace_lost", f"the files of the run are gone: {workspace} was removed while it ran"))
        self.write("v", "one\ntwo\n")
        self.assertEqual(self.outcomes(self.plue("run", "rerun", 1, "--working-tree", "--json", expect=0).json), {"a": "success", "b": "success"})


class Repository(PlueTest):
    """The workspace's own .git."""
    SHOW = """ctx.run(name="a", cmd="git fsck --full --strict; git status --short; git ls-files -s; git log --format='%an %ae %ad %s' --date=iso; git checkout -q . ; git gc -q; git fsck --full")"""

    def test_it_is_one_commit_of_all_kinds_of_files(self):
        self.steps_workflow(self.SHOW)
        for path, text in (("a/x", "1"), ("a.b", ""), ("a-b", "22"), ("same", "1"), ("big", "0123456789abcdef" * 20000), ("n\u00e4me with space", "n")):
            self.write(path, text)
        self.write("run.sh", "true\n", mode=0o755)
        (self.repo / "link").symlink_to("a.b")
        (self.repo / "a/empty").mkdir()
        self.commit()
        expected = self.git("-c", "core.quotePath=true", "ls-files", "-s")
        self.run_ci()
        self.assertEqual(self.log(step="a", stream="stdout"), expected + "Plue plue@localhost 2000-01-01 00:00:00 +0000 Workspace of this run\n")

    def test_attributes_that_change_files_are_heeded(self):
        self.steps_workflow(self.SHOW)
        self.write(".gitattributes", "*.txt text eol=crlf\n")
        self.write("a.txt", "one\r\ntwo\r\n")
        self.commit()
        expected = self.git("ls-files", "-s")
        self.run_ci()
        self.assertEqual(self.log(step="a", stream="stdout"), expected + "Plue plue@localhost 2000-01-01 00:00:00 +0000 Workspace of this run\n")

    def test_an_empty_workspace_has_an_empty_commit(self):
        self.steps_workflow('ctx.run(name="a", cmd="git fsck --full; git status --short; git rev-list --count HEAD")')
        self.write(".gitignore", "*\n")
        self.git("init", "-q")
        self.run_ci()
        self.assertEqual(self.log(step="a", stream="stdout"), "1\n")


class Comments(PlueTest):
    def test_what_would_be_sent_is_recorded_and_shown_masked(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo found $TOKEN; exit 1", env={"TOKEN": ctx.secrets.TOKEN}, continue_on_error=True)
            c = ctx.comment(f"## Result\\n{a.stdout}")
            ctx.review_comment("src/a.c", 3, "an \x1b[31modd name")
            ctx.request_changes("mend it")
            ctx.approve()
            ctx.issue.comment("thanks")
            ctx.log(f"{c.ok} {c.failed}")
            """)
        env = {"PLUE_SECRET_TOKEN": "s3cretvalue"}
        run = self.run_ci(env=env)
        self.assertNotIn("s3cretvalue", json.dumps(run))
        self.assertEqual(self.log(step="log", stream="system"), "True False\n")
        kept = [(s["id"], s["status"], s["outcome"], s["conclusion"], s["output"]) for s in run["steps"] if s["type"] == "comment"]
        self.assertEqual(kept, [
            ("comment", "success", "recorded", "success", {"op": "comment", "body": "## Result\nfound ***\n"}),
            ("review-comment", "success", "recorded", "success", {"op": "review-comment", "path": "src/a.c", "line": 3, "body": "an \x1b[31modd name"}),
            ("request-changes", "success", "recorded", "success", {"op": "request-changes", "body": "mend it"}),
            ("approve", "success", "recorded", "success", {"op": "approve", "body": None}),
            ("issue-comment", "success", "recorded", "success", {"op": "issue-comment", "body": "thanks"})])
        shown = self.plue("run", "view", 1, expect=0).out
        self.assertNotIn("\x1b", shown)
        self.assertIn("\nrecorded, not sent: no forge is configured\n  comment\n    ## Result\n    found ***\n  review-comment src/a.c:3\n", shown)
        self.plue("verify", 1, expect=0)


class Acceptance(PlueTest):
    """The workflows that need no model, from their first step to their last."""

    def test_ci_builds_tests_and_packages(self):
        self.copy_acceptance()
        sha = self.commit()
        event = self.event({"type": "push", "ref": "refs/heads/main", "sha": sha})
        run = self.run_ci("--event", event)
        self.assertEqual((run["outputs"]["linted"], [a["name"] for a in run["artifacts"]]), (True, ["package"]))
        self.assertEqual(run["artifacts"], self.step(run, "package")["artifacts"])
        self.assertIn("\nartifacts\n  package: 1 file, ", self.plue("run", "view", 1, expect=0).out)

    def test_release_waits_for_a_person_and_publishes(self):
        self.copy_acceptance()
        self.commit()
        secret = self.top / "secrets"
        secret.write_text("PUBLISH_TOKEN=tok-123456\n")
        secret.chmod(0o600)
        process = self.start("workflow", "run", "release", "--input", "part=minor", "--input", "dry_run=false", "--json",
                             "--secret-file", secret)
        self.wait_for_question()
        self.assertIn("\napprovals\n  sign off: waits\n", self.plue("run", "view", 1, expect=0).out)
        self.plue("run", "approve", 1, "--comment", "go", expect=0)
        run = self.finish(process, expect=0).json
        self.assertEqual(run["outputs"]["published"], True)
        [approval] = run["approvals"]
        self.assertEqual((approval["name"], approval["reviewers"], approval["decision"], approval["comment"]),
                         ("sign off", ["release-team"], "approved", "go"))
        self.assertIn(": go\n", self.plue("run", "view", 1, expect=0).out)

    def test_a_hostile_issue_is_greeted(self):
        self.copy_acceptance()
        title = "It $(touch x) `fails`"
        event = self.event({"type": "issues", "action": "opened", "issue": {"number": 1, "title": title, "body": ""}})
        self.run_ci("--event", event, name="greet")
        self.assertEqual(self.log(step="log-title"), f"New issue: {title}\n")
