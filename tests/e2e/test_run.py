"""plue workflow run: what happens to steps, and what is kept of it."""
import json
import re

from harness import PlueTest

HOSTILE = "'; touch /workspace/owned; echo \"$(id) `id` \\\n# x"


class Success(PlueTest):
    def test_steps_run_in_order_in_one_workspace(self):
        self.write("file.txt", "from the tree\n")
        self.steps_workflow("""
            ctx.run(name="a", cmd="cat file.txt; echo one > made")
            ctx.run(name="b", cmd="cat made; echo two >> made; echo err >&2")
            ctx.run(name="c", cmd="cat made")
            """)
        run = self.run_ci()
        self.assertEqual((run["status"], run["conclusion"], run["id"], run["workflow"]), ("success", "success", 1, "ci"))
        self.assertEqual(self.outcomes(run), {"a": "success", "b": "success", "c": "success"})
        self.assertEqual(self.log(step="a"), "from the tree\n")
        self.assertEqual(self.log(step="b", stream="stdout"), "one\n")
        self.assertEqual(self.log(step="b", stream="stderr"), "err\n")
        self.assertEqual(self.log(step="c"), "one\ntwo\n")
        self.assertEqual(self.log(), "from the tree\none\nerr\none\ntwo\n")
        self.assertFalse((self.repo / "made").exists(), "the working tree is not touched")

    def test_the_documented_keys_in_their_order(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")\nreturn ctx.success(x=1)""")
        run = self.run_ci()
        keys = ["id", "workflow", "status", "conclusion", "reason", "trigger", "event", "ref", "sha", "inputs", "outputs", "error",
                "created_at", "started_at", "completed_at", "duration_ms", "attempt", "plan_hash", "steps", "usage"]
        self.assertEqual(list(run)[:len(keys)], keys)
        self.assertEqual((run["outputs"], run["error"], run["attempt"], run["trigger"]), ({"x": 1}, None, 1, "manual"))
        step_keys = ["id", "name", "type", "status", "outcome", "conclusion", "reason", "exit_code", "depends_on", "attempts",
                     "started_at", "completed_at", "duration_ms", "outputs", "output", "error", "turns", "usage"]
        [step] = run["steps"]
        self.assertEqual(list(step)[:len(step_keys)], step_keys)
        self.assertEqual((step["type"], step["status"], step["exit_code"], step["attempts"]), ("shell", "success", 0, 1))
        for key in ("created_at", "started_at", "completed_at"):
            self.assertRegex(run[key], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_results_are_passed_on(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="printf 'x y'; echo version=1.2.3 >> $PLUE_OUTPUT")
            ctx.run(name="b", cmd=f"printf '<%s>' {a.stdout}; printf '<%s>' {a.outputs.version} \\"$V\\"", env={"V": a.outputs.version.upper()})
            return ctx.success(version=a.outputs.version, text=f"v{a.outputs.version}!", code=a.exit_code + 1)
            """)
        run = self.run_ci()
        self.assertEqual(self.log(step="b"), "<x y><1.2.3><1.2.3>\n")
        self.assertEqual(run["outputs"], {"version": "1.2.3", "text": "v1.2.3!", "code": 1})
        self.assertEqual(self.step(run, "a")["outputs"], {"version": "1.2.3"})

    def test_outputs_of_several_lines(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd='''
                echo "text<<END" >> $PLUE_OUTPUT
                printf 'one\\\\ntwo=2\\\\n' >> $PLUE_OUTPUT
                echo END >> $PLUE_OUTPUT
                echo last=x=y >> $PLUE_OUTPUT
            ''')
            return ctx.success(text=a.outputs.text, last=a.outputs.last)
            """)
        self.assertEqual(self.run_ci()["outputs"], {"text": "one\ntwo=2", "last": "x=y"})

    def test_environment_and_path_reach_later_steps(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="mkdir bin; printf '#!/bin/sh\\\\necho mine\\\\n' > bin/tool; chmod +x bin/tool; "
                                  "echo A=from-a >> $PLUE_ENV; echo /workspace/bin >> $PLUE_PATH")
            ctx.run(name="b", cmd="echo $A $B; tool", env={"B": "from-b"})
            """)
        self.run_ci()
        self.assertEqual(self.log(step="b"), "from-a from-b\nmine\n")

    def test_environment_that_changes_the_shell_is_refused(self):
        self.steps_workflow("""
            ctx.parallel([ctx.run(name=n, cmd=f"echo {n}=/workspace/x >> $PLUE_ENV") for n in ["BASH_ENV", "LD_PRELOAD", "PLUE_STEP_ID"]])
            ctx.run(name="b", cmd="env", when="always")
            """)
        run = self.run_ci(expect=1)
        self.assertEqual([s["outcome"] for s in run["steps"]], ["failed"] * 4 + ["success"])
        self.assertNotIn("/workspace/x", self.log(step="b"))

    def test_the_shells(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo $BASH_VERSION | cut -c1; set -o | grep -E 'errexit|pipefail'")
            ctx.run(name="b", cmd="echo \\"sh${BASH_VERSION:-}\\"", shell="sh")
            ctx.run(name="c", cmd="import sys; print('python', sys.version_info[0])", shell="python3")
            ctx.run(name="d", cmd="pwd", cwd="sub/folder")
            """)
        self.write("sub/folder/x", "")
        self.run_ci()
        self.assertRegex(self.log(step="a"), r"^\d\nerrexit\s+on\npipefail\s+on\n$")
        self.assertRegex(self.log(step="b"), r"^sh.*\n$")
        self.assertEqual(self.log(step="c"), "python 3\n")
        self.assertEqual(self.log(step="d"), "/workspace/sub/folder\n")

    def test_a_script_of_several_lines_stops_at_its_first_failure(self):
        self.steps_workflow('ctx.run(name="a", cmd="""\n        echo one\n        false\n        echo two\n    """)')
        self.run_ci(expect=1)
        self.assertEqual(self.log(step="a"), "one\n")

    def test_a_pipe_fails_with_its_first_command(self):
        self.steps_workflow("""ctx.run(name="a", cmd="false | true")""")
        self.run_ci(expect=1)

    def test_ignored_files_are_not_in_the_workspace(self):
        self.write(".gitignore", "secret.txt\n")
        self.write("secret.txt", "x")
        self.write("seen.txt", "x")
        self.steps_workflow("""ctx.run(name="a", cmd="ls")""")
        self.commit()
        self.write("new.txt", "not committed")
        self.run_ci()
        self.assertEqual(self.log(step="a"), "new.txt\nseen.txt\n")

    def test_the_workspace_has_a_git_of_its_own(self):
        self.steps_workflow("""ctx.run(name="a", cmd="git rev-list --count HEAD; git remote; git status --porcelain")""")
        self.write("x", "x")
        self.commit("one")
        self.commit("two")
        self.git("remote", "add", "origin", "https://user:password@example.org/x.git")
        self.run_ci()
        self.assertEqual(self.log(step="a"), "1\n")

    def test_a_run_without_steps_succeeds(self):
        self.steps_workflow("return ctx.success(x=[1, {'a': None}])")
        self.assertEqual(self.run_ci()["outputs"], {"x": [1, {"a": None}]})

    def test_ref_and_sha_are_the_working_trees(self):
        self.steps_workflow("return ctx.success(ref=ctx.event.ref, sha=ctx.event.sha, branch=ctx.event.branch)")
        sha = self.commit()
        run = self.run_ci()
        self.assertEqual(run["outputs"], {"ref": "refs/heads/main", "sha": sha, "branch": "main"})
        self.assertEqual((run["ref"], run["sha"]), ("refs/heads/main", sha))


class Failures(PlueTest):
    def test_a_failed_step_fails_the_run_and_skips_its_dependents(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="exit 7")
            b = ctx.run(name="b", cmd="true")
            c = ctx.run(name="c", cmd="true", depends_on=[b])
            d = ctx.run(name="d", cmd="true", depends_on=[])
            """)
        run = self.run_ci(expect=1)
        self.assertEqual((run["status"], run["conclusion"]), ("failed", "failed"))
        self.assertEqual(self.outcomes(run), {"a": "failed", "b": "skipped", "c": "skipped", "d": "success"})
        self.assertEqual(self.step(run, "a")["exit_code"], 7)
        self.assertEqual(self.step(run, "b")["exit_code"], None)
        for name in ("b", "c"):
            reason = self.step(run, name)["reason"]
            self.assertEqual(list(reason), ["code", "text"])
            self.assertTrue(reason["text"])

    def test_continue_on_error_counts_as_success(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="exit 1", continue_on_error=True)
            ctx.run(name="b", cmd="echo ran")
            return ctx.success(ok=a.ok)
            """)
        run = self.run_ci()
        self.assertEqual((self.step(run, "a")["outcome"], self.step(run, "a")["conclusion"]), ("failed", "success"))
        self.assertEqual((run["outputs"], self.log(step="b")), ({"ok": False}, "ran\n"))

    def test_a_status_that_was_read_is_the_codes_to_judge(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="exit 3")
            if a.failed:
                ctx.run(name="b", cmd="echo handled")
            return ctx.success(code=a.exit_code)
            """)
        run = self.run_ci()
        self.assertEqual((run["status"], run["outputs"], self.outcomes(run)),
                         ("success", {"code": 3}, {"a": "failed", "b": "success"}))

    def test_ctx_fail_fails_the_run_with_its_reason(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="exit 3")
            if a.failed:
                return ctx.fail(f"it ended with {a.exit_code}")
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(run["status"], "failed")
        self.assertIn("it ended with 3", json.dumps([run["reason"], run["error"]]))

    def test_when(self):
        self.steps_workflow("""
            ctx.run(name="before", cmd="true", when="on_failure")
            ctx.run(name="a", cmd="exit 1", depends_on=[])
            ctx.run(name="normal", cmd="true")
            ctx.run(name="on failure", cmd="true", when="on_failure")
            ctx.run(name="always", cmd="true", when="always")
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(self.outcomes(run), {"before": "skipped", "a": "failed", "normal": "skipped", "on-failure": "success",
                                              "always": "success"})

    def test_of_a_skipped_step_ok_and_failed_are_false(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="exit 1")
            b = ctx.run(name="b", cmd="true")
            ctx.run(name="c", cmd="true", when="always", env={"X": f"{b.ok} {b.failed} {b.exit_code}"})
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(self.outcomes(run)["b"], "skipped")

    def test_an_exception_after_a_result_fails_the_run_with_its_place(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo 5")
            if a.ok:
                x = {}["missing"]
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(run["error"]["at"], {"path": ".plue/workflows/ci.py", "line": 5, "column": 13})
        self.assertIn("KeyError: 'missing'", run["error"]["message"])

    def test_the_message_of_an_exception_has_what_its_steps_gave(self):
        for body, message in (
                ("assert a.exit_code == 1, f'it gave {a.stdout}!'", "AssertionError: it gave hi!"),
                ("if a.ok: raise ValueError('gave ' + a.stdout, 2)", "ValueError: ('gave hi', 2)"),
                ("if a.ok: raise ValueError(ctx.run(name='b', cmd='true').stdout)", "ValueError: <deferred steps.b.stdout>")):
            self.steps_workflow(f"a = ctx.run(name='a', cmd='printf hi')\n{body}\n")
            self.assertIn(f": error: {message}\n", self.plue("workflow", "run", "ci", expect=1).out, body)

    def test_a_step_is_no_text(self):
        for text in ("f'echo {a}'", "f'echo {a!s}'", "'echo %s' % a", "'echo ' + str(a)", "'echo {}'.format(a)"):
            self.steps_workflow(f"a = ctx.run(name='a', cmd='true')\nctx.run(name='b', cmd={text})")
            err = self.plue("workflow", "plan", "ci", expect=2).err
            self.assertIn("error: a step is no text: which of its results is meant? (step 'a')\n", err)
            self.assertIn("  hint: write .stdout or .outputs.NAME behind it", err)

    def test_step_failed_is_raised_where_a_value_will_never_be(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="exit 1")
            b = ctx.run(name="b", cmd="echo hi")
            if b.stdout == "hi":
                pass
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(run["error"]["at"]["line"], 5)

    def test_retries_run_again_and_keep_each_log(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo try >> tries; wc -l < tries; test $(wc -l < tries) = 3", retries=2)
            """)
        run = self.run_ci()
        self.assertEqual((self.step(run, "a")["attempts"], self.step(run, "a")["outcome"]), (3, "success"))
        self.assertIn("3", self.log(step="a"))

    def test_retries_come_to_an_end(self):
        self.steps_workflow("""ctx.run(name="a", cmd="exit 4", retries=1)""")
        run = self.run_ci(expect=1)
        self.assertEqual((self.step(run, "a")["attempts"], self.step(run, "a")["exit_code"]), (2, 4))

    def test_a_timeout_ends_the_process_tree(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo started; sleep NAP & sleep NAP", timeout=3)
            """)
        run = self.run_ci(expect=1)
        self.assertEqual(self.step(run, "a")["outcome"], "timed_out")
        self.assertEqual(self.log(step="a", stream="stdout"), "started\n")

    def test_the_workflows_timeout_ends_the_run(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")\nctx.run(name="b", cmd="true")""",
                            decorator='@workflow(triggers=[manual()], timeout="1s")')
        run = self.run_ci(expect=1)
        self.assertEqual(run["status"], "failed")
        self.assertNotEqual(self.outcomes(run)["b"], "success")

    def test_a_step_killed_by_a_signal_failed(self):
        self.steps_workflow("""ctx.run(name="a", cmd="kill -9 $$")""")
        run = self.run_ci(expect=1)
        self.assertEqual((self.step(run, "a")["outcome"], self.step(run, "a")["exit_code"]), ("failed", 137))

    def test_people_see_the_failing_steps_last_lines_and_how_to_see_more(self):
        self.steps_workflow("""ctx.run(name="a", cmd="for i in $(seq 100); do echo line $i; done; exit 9")""")
        result = self.plue("workflow", "run", "ci", expect=1)
        text = result.out + result.err
        self.assertIn("line 100", text)
        self.assertIn("plue run view 1", text)
        self.assertNotIn("\x1b", text)


class Groups(PlueTest):
    def test_members_run_side_by_side(self):
        self.steps_workflow("""
            wait = "touch here-$N; for i in $(seq 1000); do [ -e here-$M ] && exit 0; sleep 0.02; done; exit 1"
            ctx.parallel([ctx.run(name="a", cmd=wait, env={"N": "a", "M": "b"}), ctx.run(name="b", cmd=wait, env={"N": "b", "M": "a"})])
            """)
        self.run_ci()

    def test_a_limit_holds(self):
        self.steps_workflow("""
            one = "mkdir lock && sleep 0.1 && rmdir lock"
            ctx.parallel([ctx.run(name=f"s{i}", cmd=one) for i in range(5)], limit=1)
            """)
        self.run_ci()

    def test_a_failed_member_fails_the_group_and_the_others_go_on(self):
        self.steps_workflow("""
            ctx.parallel([ctx.run(name="a", cmd="exit 1"), ctx.run(name="b", cmd="true"), ctx.run(name="c", cmd="true")], limit=1)
            ctx.run(name="after", cmd="true")
            """)
        run = self.run_ci(expect=1)
        self.assertEqual({k: v for k, v in self.outcomes(run).items() if k != "parallel-1"},
                         {"a": "failed", "b": "success", "c": "success", "after": "skipped"})

    def test_fail_fast_ends_the_other_members_only(self):
        self.steps_workflow("""
            outside = ctx.run(name="outside", cmd="while [ ! -e done ]; do sleep 0.05; done", depends_on=[])
            ctx.parallel([ctx.run(name="a", cmd="while [ ! -e begun ]; do sleep 0.02; done; exit 1", depends_on=[]),
                          ctx.run(name="b", cmd="touch begun; sleep NAP", depends_on=[]),
                          ctx.run(name="c", cmd="true", depends_on=[])], limit=2, fail_fast=True)
            ctx.run(name="release", cmd="touch done", when="always")
            """)
        # The slots default to the cores: three are needed here.
        run = self.run_ci("--slots", "3", expect=1)
        outcomes = self.outcomes(run)
        self.assertEqual((outcomes["a"], outcomes["b"], outcomes["outside"], outcomes["release"]),
                         ("failed", "cancelled", "success", "success"))
        self.assertIn(outcomes["c"], ("cancelled", "skipped"))


class Growth(PlueTest):
    def test_a_loop_over_a_result_makes_steps(self):
        self.steps_workflow("""
            a = ctx.run(name="list", cmd="printf 'x y\\nz\\n'")
            made = [ctx.run(name=f"do {line}", cmd=f"printf '<%s>' {line}") for line in a.stdout.splitlines()]
            total = 0
            for step in made:
                total += len(step.stdout)
            return ctx.success(total=total)
            """)
        run = self.run_ci()
        self.assertEqual([s["id"] for s in run["steps"]], ["list", "do-x-y", "do-z"])
        self.assertEqual((self.log(step="do-x-y"), run["outputs"]), ("<x y>\n", {"total": 8}))

    def test_rounds_until_it_works(self):
        self.steps_workflow("""
            for attempt in range(5):
                build = ctx.run(name=f"build {attempt + 1}", cmd="echo x >> n; test $(wc -l < n) -ge 3")
                if build.ok:
                    return ctx.success(attempts=attempt + 1)
            return ctx.fail("never")
            """)
        run = self.run_ci()
        self.assertEqual((run["outputs"], self.outcomes(run)),
                         ({"attempts": 3}, {"build-1": "failed", "build-2": "failed", "build-3": "success"}))

    def test_a_finally_block_runs_after_a_result(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo 0")
            try:
                x = 1 // len(a.stdout.strip("0\\n"))
            except ZeroDivisionError as e:
                ctx.run(name="handled", cmd=f"echo {str(e)}")
            finally:
                ctx.run(name="last", cmd="true")
            """)
        self.assertEqual(list(self.outcomes(self.run_ci())), ["a", "handled", "last"])

    def test_an_await_below_a_key_function(self):
        self.steps_workflow("""
            steps = [ctx.run(name=n, cmd=f"echo {n}; exit {c}", depends_on=[]) for n, c in [("b", 1), ("a", 0), ("c", 0)]]
            order = sorted(["b", "a", "c"], key=lambda n: steps[["b", "a", "c"].index(n)].exit_code)
            ctx.run(name="last", cmd="echo " + " ".join(order))
            """)
        self.run_ci()
        self.assertEqual(self.log(step="last"), "a c b\n")


class Untrusted(PlueTest):
    def test_a_hostile_title_stays_text_in_a_running_step(self):
        self.steps_workflow(
            """ctx.run(name="a", cmd=f"printf '%s\\\\n' \\"New: {ctx.event.issue.title}\\" >> t; printf %s {ctx.event.issue.title} >> t; ls; cat t")""",
            decorator="@workflow(triggers=[issues()])")
        event = self.event({"type": "issues", "action": "opened", "issue": {"number": 1, "title": HOSTILE}})
        self.run_ci("--event", event)
        self.assertEqual(self.log(step="a"), f"t\nNew: {HOSTILE}\n{HOSTILE}\n")

    def test_a_steps_output_is_quoted_when_it_is_known(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd='''printf '%s' "it's; \\$(touch owned) \\`id\\`"''')
            ctx.run(name="b", cmd=f"printf '%s' {a.stdout}; printf '%s' \\"<{a.stdout}>\\"; ls")
            """)
        self.run_ci()
        self.assertEqual(self.log(step="b"), "it's; $(touch owned) `id`<it's; $(touch owned) `id`>\n")


class Secrets(PlueTest):
    def secrets(self, text):
        path = self.top / "secrets"
        path.write_text(text)
        return ["--secret-file", str(path)]

    def test_the_summary_of_a_step_is_shown(self):
        self.steps_workflow("""
            ctx.run(name="test", cmd="printf '## Tests\\\\n\\\\n- 3 of '$T' \\\\033[31mred\\\\n' > $PLUE_SUMMARY", env={"T": ctx.secrets.TOKEN})
            ctx.run(name="none", cmd="true")
            """)
        run = self.run_ci(env={"PLUE_SECRET_TOKEN": "hunter2-is-long"})
        self.assertEqual([self.step(run, name)["summary"] for name in ("test", "none")], ["## Tests\n\n- 3 of *** \033[31mred\n", None])
        self.assertIn("\n\nsummary of test\n  ## Tests\n\n  - 3 of ***", self.plue("run", "view", 1, expect=0).out)
        self.assertNotIn("\033", self.plue("run", "view", 1).out)

    def test_a_secret_reaches_its_step_and_is_masked_everywhere(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo length ${#T}; echo $T; echo -n $T | base64; printf 'half: %s' ${T:0:6}; sleep 0.1; echo ${T:6}; "
                                  "echo out=$T >> $PLUE_OUTPUT; echo $T >&2", env={"T": ctx.secrets.TOKEN})
            ctx.run(name="b", cmd="env")
            """)
        result = self.plue("workflow", "run", "ci", "--json", *self.secrets("TOKEN=hunter2-hunter3\nOTHER=unused-secret\n"), expect=0)
        everything = (result.out + result.err + self.plue("run", "view", 1, "--log").out +
                      self.plue("run", "view", 1, "--json").out)
        self.assertIn("length 15", self.log(step="a"))
        self.assertNotIn("hunter2-hunter3", everything)
        self.assertNotIn("aHVudGVyMi1odW50ZXIz", everything)
        self.assertNotIn("unused-secret", everything)
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"hunter2-hunter3", path.read_bytes(), path)

    def test_a_secret_from_the_environment(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo ${#T}", env={"T": ctx.secrets.API_KEY})""")
        self.run_ci(env={"PLUE_SECRET_API_KEY": "12345678"})
        self.assertEqual(self.log(step="a"), "8\n")

    def test_a_missing_secret_is_named(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true", env={"T": ctx.secrets.NOWHERE})""")
        result = self.plue("workflow", "run", "ci", "--json")
        self.assertIn(result.status, (1, 2))
        self.assertIn("NOWHERE", result.out + result.err)


class Logs(PlueTest):
    def test_ctx_log_is_a_step_with_its_text(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo 5")
            ctx.log(f"it says {a.stdout.strip()}")
            """)
        run = self.run_ci()
        self.assertEqual([s["type"] for s in run["steps"]], ["shell", "log"])
        self.assertIn("it says 5", self.plue("run", "view", 1, "--log", expect=0).out)

    def test_binary_output_is_kept_readable(self):
        self.steps_workflow("""ctx.run(name="a", cmd="printf 'a\\\\0b\\\\377\\\\376c\\\\n\\\\033[1mbold\\\\n'; head -c 100000 /dev/urandom; echo; echo end")""")
        run = self.run_ci()
        self.assertEqual(self.step(run, "a")["outcome"], "success")
        lines = self.log(step="a").splitlines()
        self.assertEqual(lines[-1], "end")
        self.assertTrue(lines[0].startswith("a") and lines[0].endswith("c"), lines[0])

    def test_a_long_line_is_cut_into_pieces_and_nothing_is_lost(self):
        self.steps_workflow("""ctx.run(name="a", cmd="head -c 200000 /dev/zero | tr '\\\\0' x; echo; echo after")""")
        self.run_ci()
        lines = self.log(step="a").splitlines()
        self.assertEqual((sum(line.count("x") for line in lines), lines[-1]), (200000, "after"))
        self.assertLessEqual(max(map(len, lines)), 65536)

    def test_a_hundred_thousand_lines_arrive_in_order(self):
        self.steps_workflow("""ctx.run(name="a", cmd="seq 100000")""")
        self.run_ci()
        self.assertEqual(self.log(step="a"), "".join(f"{i}\n" for i in range(1, 100001)))

    def test_lines_have_an_order_without_gaps(self):
        self.steps_workflow("""ctx.parallel([ctx.run(name=n, cmd="seq 500") for n in ["a", "b"]])""")
        self.run_ci()
        lines = self.plue("run", "view", 1, "--log", "--json", expect=0).json["lines"]
        self.assertEqual(list(lines[0])[:4], ["seq", "time", "stream", "line"])
        numbers = [line["seq"] for line in lines]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(len([1 for line in lines if line["stream"] == "stdout"]), 1000)

    def test_a_step_that_closes_its_output_ends_well(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo before; exec >&- 2>&-; true")\nctx.run(name="b", cmd="echo b")""")
        run = self.run_ci()
        self.assertEqual((self.step(run, "a")["outcome"], self.log()), ("success", "before\nb\n"))

    def test_output_without_a_final_newline_is_raw_in_stdout(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="printf abc")
            b = ctx.run(name="b", cmd="echo abc")
            return ctx.success(a=a.stdout, b=b.stdout)
            """)
        self.assertEqual(self.run_ci()["outputs"], {"a": "abc", "b": "abc\n"})

    def test_log_failed_shows_failing_steps_only(self):
        self.steps_workflow("""
            ctx.run(name="good", cmd="echo fine words")
            ctx.run(name="bad", cmd="echo foul words; exit 1")
            """)
        self.run_ci(expect=1)
        text = self.plue("run", "view", 1, "--log-failed", expect=0).out
        self.assertIn("foul words", text)
        self.assertNotIn("fine words", text)

    def test_followed_events_are_one_object_a_line(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo hello")
            if a.ok:
                ctx.run(name="b", cmd="exit 1")
            """)
        result = self.plue("workflow", "run", "ci", "--json", "--follow", expect=1)
        events = result.json_lines
        self.assertEqual([e["seq"] for e in events], list(range(events[0]["seq"], events[0]["seq"] + len(events))))
        types = [e["type"] for e in events]
        self.assertEqual((types[0], types[-1]), ("run_started", "run_completed"))
        self.assertEqual(events[-1]["success"], False)
        output = next(e for e in events if e["type"] == "step_output")
        self.assertEqual((output["step_id"], output["stream"], output["line"]), ("a", "stdout", "hello"))
        self.assertEqual([e["step_id"] for e in events if e["type"] == "step_completed"], ["a", "b"])
        self.assertEqual({e["run_id"] for e in events}, {1})
        self.assertEqual(self.plue("run", "watch", 1, "--json", expect=1).json_lines, events)


class Acceptance(PlueTest):
    def test_the_tool_and_greeting_run_as_they_stand(self):
        self.copy_acceptance()
        run = self.run_ci(name="//tools:run_tests", expect=None)
        if run.get("error"):
            self.assertNotEqual(run["error"]["code"], "", run)
        else:
            self.assertEqual(run["outputs"]["passed"], True)


class Listing(PlueTest):
    def test_runs_are_counted_from_one_and_listed_newest_first(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        for _ in range(3):
            self.run_ci()
        listing = self.plue("run", "list", "--json", expect=0).json
        self.assertEqual((list(listing), [r["id"] for r in listing["runs"]]), (["runs", "next"], [3, 2, 1]))
        self.assertNotIn("steps", listing["runs"][0])
        text = self.plue("run", "list", expect=0).out
        self.assertTrue(re.search(r"\b3\b.*ci.*success", text), text)

    def test_nothing_is_listed_before_the_first_run(self):
        self.assertEqual(self.plue("run", "list", "--json", expect=0).json, {"runs": [], "next": None})

    def test_an_unknown_run_is_an_error(self):
        for args in (("view", "99"), ("watch", "99"), ("cancel", "99"), ("view", "abc"), ("view", "-1"), ("view",)):
            with self.subTest(args=args):
                result = self.plue("run", *args, expect=2)
                self.assertTrue(result.err)

    def test_cancelling_a_finished_run_says_so(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        self.run_ci()
        result = self.plue("run", "cancel", 1, expect=2)
        self.assertIn("success", result.err)


class FilesOfAStep(PlueTest):
    """Without a sandbox a step's folder may be the one of an earlier step: nothing of that may be left."""

    def test_nothing_of_an_earlier_step_is_left(self):
        left = ("true", "echo out=1 >> $PLUE_OUTPUT; echo A=1 >> $PLUE_ENV; echo text >> $PLUE_SUMMARY",
                "touch $(dirname $PLUE_OUTPUT)/more", "mkdir $(dirname $PLUE_OUTPUT)/folder",
                "ln -sf /etc/hostname $PLUE_OUTPUT", "ln $PLUE_OUTPUT $(dirname $PLUE_OUTPUT)/../kept; true",
                "rm $PLUE_PATH", "chmod 600 $PLUE_SUMMARY", "chmod 700 $(dirname $PLUE_OUTPUT)",
                "cd $(dirname $PLUE_OUTPUT); cp script other; mv other script",
                "cd $(dirname $PLUE_OUTPUT); mv output other; mv script output; mv other script; : > output")
        look = "cd $(dirname $PLUE_OUTPUT); stat -c '%n %F %h %a' . *; wc -c < output; wc -c < summary"
        self.steps_workflow("\n".join(
            f"ctx.run(name='left{i}', cmd={cmd!r})\nctx.run(name='look{i}', cmd={look!r})" for i, cmd in enumerate(left)))
        self.plue("workflow", "run", "ci", "--sandbox", "none", expect=0)
        for i in range(len(left)):
            self.assertEqual(self.log(step=f"look{i}"),
                             ". directory 2 755\nenv regular empty file 1 644\noutput regular empty file 1 644\n"
                             "path regular empty file 1 644\nscript regular file 1 644\nsummary regular empty file 1 644\n"
                             "0\n0\n")
