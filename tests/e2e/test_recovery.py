"""Cancelling, killing and going on: nothing that was finished is lost."""
import os
import signal
import sqlite3

from harness import PlueTest, is_alive, processes_with, remove_tree


class Cancel(PlueTest):
    def test_ctrl_c_ends_the_whole_process_tree_and_the_run(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo done")
            ctx.run(name="b", cmd="sleep NAP & (sleep NAP & sleep NAP); sleep NAP")
            ctx.run(name="c", cmd="true")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: len(processes_with(self.nap)) >= 3, "the step's processes run")
        os.kill(process.pid, signal.SIGINT)
        self.finish(process, expect=3)
        self.assertEqual(processes_with(self.nap), [])
        run = self.view()
        self.assertEqual((run["status"], self.statuses(run)),
                         ("cancelled", {"a": "success", "b": "cancelled", "c": self.statuses(run)["c"]}))
        self.assertIn(self.outcomes(run)["c"], ("skipped", "cancelled"))

    def test_term_does_the_same(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        os.kill(process.pid, signal.SIGTERM)
        self.finish(process, expect=3)
        self.assertEqual((processes_with(self.nap), self.view()["status"]), ([], "cancelled"))

    def test_a_step_that_ignores_term_is_killed_after_the_grace(self):
        self.steps_workflow("""ctx.run(name="a", cmd="trap '' TERM INT HUP; while true; do sleep NAP; done")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        os.kill(process.pid, signal.SIGINT)
        self.finish(process, expect=3, seconds=60)
        self.assertEqual((processes_with(self.nap), self.outcomes(self.view())), ([], {"a": "cancelled"}))

    def test_cancel_from_another_process(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.plue("run", "cancel", 1, expect=0)
        self.finish(process, expect=3)
        self.assertEqual(self.view()["status"], "cancelled")

    def test_a_step_that_leaves_a_process_behind_ends_and_so_does_the_process(self):
        self.steps_workflow("""ctx.run(name="a", cmd="setsid sleep NAP > /dev/null 2>&1 & echo left")""")
        run = self.run_ci()
        self.assertEqual((self.outcomes(run), self.log()), ({"a": "success"}, "left\n"))
        self.assertEqual(processes_with(self.nap), [])

    def test_a_left_process_that_holds_the_output_does_not_hold_the_run(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP & echo left")""")
        self.run_ci()
        self.assertEqual((processes_with(self.nap), self.log()), ([], "left\n"))


class Kill(PlueTest):
    """kill -9 of plue in mid-run."""

    BODY = """
        a = ctx.run(name="a", cmd="echo once >> /workspace/count-a; echo out=kept >> $PLUE_OUTPUT; echo a-ran")
        b = ctx.run(name="b", cmd="echo begun >> /workspace/count-b; echo b-begun; "
                                  "[ $(wc -l < /workspace/count-b) = 1 ] && sleep NAP; echo b-ended")
        if b.ok:
            ctx.run(name="c", cmd=f"cat count-a count-b; echo {a.outputs.out}")
        return ctx.success(out=a.outputs.out)
        """

    def kill_in_step_b(self):
        self.steps_workflow(self.BODY)
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "step b runs")
        self.wait_for_step("b", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def test_finished_steps_are_kept_and_the_run_goes_on(self):
        self.kill_in_step_b()
        run = self.view()
        self.assertEqual((run["status"], self.statuses(run)["a"]), ("running", "success"))
        self.plue("run", "resume", 1, expect=0)
        run = self.view()
        self.assertEqual((run["status"], run["outputs"], self.outcomes(run)),
                         ("success", {"out": "kept"}, {"a": "success", "b": "success", "c": "success"}))
        self.assertEqual(self.log(step="c"), "once\nbegun\nbegun\nkept\n")
        self.assertEqual(self.log(step="a"), "a-ran\n")
        self.wait_for(lambda: not processes_with(self.nap), "the orphaned step is gone")

    def test_resume_without_an_id_finds_it(self):
        self.kill_in_step_b()
        self.plue("run", "resume", expect=0)
        self.assertEqual(self.view()["status"], "success")

    def test_watch_of_an_orphaned_run_goes_on_with_it(self):
        self.kill_in_step_b()
        self.plue("run", "watch", 1, expect=0)
        self.assertEqual(self.view()["status"], "success")

    def test_list_and_view_never_take_a_run(self):
        self.kill_in_step_b()
        self.plue("run", "list", expect=0)
        self.plue("run", "view", 1, expect=0)
        self.assertEqual((self.view()["status"], self.statuses(self.view())["b"]), ("running", "running"))

    def test_a_run_with_a_live_owner_is_not_taken(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.plue("run", "resume", 1, expect=2)
        os.kill(process.pid, signal.SIGINT)
        self.finish(process, expect=3)

    def test_the_source_of_a_resumed_run_is_the_one_it_began_with(self):
        self.kill_in_step_b()
        self.workflow("this is no longer a workflow (")
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.view()["outputs"], {"out": "kept"})

    def test_a_plan_that_comes_out_differently_ends_the_run_and_shows_the_difference(self):
        self.kill_in_step_b()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workflow_steps SET config = replace(config, 'echo a-ran', 'echo other')")
        result = self.plue("run", "resume", 1)
        self.assertEqual(result.status, 2, str(result))
        for part in ("the rebuilt plan differs from the recorded one at step 1", "recorded: {\"id\": \"a\"", "echo other",
                     "rebuilt:  {\"id\": \"a\"", "echo a-ran", "hint: "):
            self.assertIn(part, result.err + result.out)
        run = self.view()
        self.assertEqual((run["status"], run["reason"]["code"], run["error"]["code"], self.statuses(run)["a"]),
                         ("failed", "plan_changed", "plan_changed", "success"))

    def test_a_step_that_may_not_run_twice_fails_instead(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo x >> /workspace/n; [ $(wc -l < /workspace/n) = 1 ] && sleep NAP; true", idempotent=False)
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.wait_for_step("a", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.plue("run", "resume", 1, expect=1)
        self.assertEqual(self.outcomes(self.view()), {"a": "failed"})

    def test_events_go_on_without_a_gap_or_a_repeat(self):
        self.kill_in_step_b()
        self.plue("run", "resume", 1, expect=0)
        events = self.plue("run", "watch", 1, "--json", expect=0).json_lines
        self.assertEqual([e["seq"] for e in events], list(range(events[0]["seq"], events[0]["seq"] + len(events))))

    def test_kill_at_any_moment_loses_no_finished_step(self):
        self.steps_workflow("""
            last = None
            for i in range(12):
                last = ctx.run(name=f"s{i}", cmd=f"echo {i} >> /workspace/order; echo ran")
                if not last.ok:
                    return ctx.fail("failed")
            ctx.run(name="show", cmd="uniq order | tr '\\\\n' ' '")
            """)
        for target in ("s1", "s4", "s8"):
            command = ("workflow", "run", "ci") if target == "s1" else ("run", "resume", "1")
            process = self.start(*command)
            self.wait_for_step(target, "success")
            process.kill()          # it may have ended meanwhile
            process.wait()
            before = self.view()
            finished = {k for k, v in self.outcomes(before).items() if v == "success"}
            self.assertIn(target, finished)
            if before["status"] == "success":       # it was done before the signal came
                break
        else:
            self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.log(step="show"), " ".join(map(str, range(12))) + " \n")


class Database(PlueTest):
    def test_its_mode_is_private(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        self.run_ci()
        self.assertEqual((self.data / "plue.db").stat().st_mode & 0o077, 0)

    def test_it_stays_sound_after_a_kill(self):
        self.steps_workflow("""ctx.run(name="a", cmd="seq 1000000; sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchall(), [("ok",)])

    def test_two_runs_side_by_side_share_it(self):
        self.steps_workflow("""ctx.run(name="a", cmd="seq 1000")""")
        processes = [self.start("workflow", "run", "ci") for _ in range(4)]
        for process in processes:
            self.finish(process, expect=0)
        listing = self.plue("run", "list", "--json", expect=0).json["runs"]
        self.assertEqual([(r["id"], r["status"]) for r in listing], [(i, "success") for i in (4, 3, 2, 1)])


class LeftOver(PlueTest):
    """What a killed process leaves is found by the next one."""

    def keepers(self):
        return [path for path in (self.data / "keepers").iterdir()]

    def kill_in_a_step(self, decorator="@workflow(triggers=[manual()])"):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x >> n; [ $(wc -l < n) = 1 ] && sleep NAP; sleep 3")""",
                            decorator)
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.wait_for_step("a", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def change(self, sql):
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute(sql)

    def test_the_keeper_of_a_run_that_nobody_resumed_is_ended_after_an_hour(self):
        self.kill_in_a_step()
        self.steps_workflow("pass", name="other")
        self.plue("workflow", "run", "other", expect=0)
        pid, started = self.keepers()[0].read_text().split()
        self.assertTrue(is_alive(pid), "a run may be resumed with its /tmp")
        self.change("update leases set expires_at = expires_at - 3600000 - 30000")
        self.plue("workflow", "run", "other", expect=0)
        self.assertEqual(self.keepers(), [])
        self.wait_for(lambda: not is_alive(pid), "the keeper has ended")
        self.plue("run", "resume", 1, expect=0)

    def test_a_lease_that_a_dead_process_left_on_an_ended_run_goes(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("INSERT INTO leases (run_id, pid, start_time, pid_space, boot_id, machine, acquired_at, expires_at)"
                       " VALUES (1, 999999, 1, 1, 'before', 'here', 1, 1)")
        db.close()
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("SELECT COUNT(*) FROM leases").fetchone(), (0,))
        db.close()

    def test_the_keeper_of_a_run_whose_files_are_gone_is_ended_by_the_next_start(self):
        for part in ("workspaces/1", "workspaces"):
            with self.subTest(part):
                remove_tree(self.data) if self.data.exists() else None
                self.kill_in_a_step()
                pid = int(self.keepers()[0].read_text().split()[0])
                remove_tree(self.data / part)
                self.steps_workflow("pass", name="other")
                self.plue("workflow", "run", "other", expect=0)
                self.assertEqual(self.keepers(), [])
                self.wait_for(lambda: not is_alive(pid), "the keeper has ended")

    def test_the_workspace_of_a_run_that_is_not_known_is_removed(self):
        self.kill_in_a_step()
        pid = int(self.keepers()[0].read_text().split()[0])
        self.change("delete from workflow_runs")
        self.steps_workflow("pass", name="other")
        self.plue("workflow", "run", "other", expect=0)
        self.assertEqual(os.listdir(self.data / "workspaces"), [])
        self.wait_for(lambda: not is_alive(pid), "the keeper has ended")

    def test_the_time_of_a_run_goes_on_over_a_resume(self):
        self.kill_in_a_step('@workflow(triggers=[manual()], timeout="60s")')
        self.change("update workflow_runs set deadline_at = deadline_at - 59500")
        run = self.plue("run", "resume", 1, "--json", expect=1).json
        self.assertEqual((run["reason"]["code"], self.outcomes(run)), ("run_timed_out", {"a": "cancelled"}))

    def test_the_time_in_which_nothing_drove_the_run_is_not_its_own(self):
        self.kill_in_a_step('@workflow(triggers=[manual()], timeout="60s")')
        self.change("update workflow_runs set deadline_at = deadline_at - 7200000")
        self.change("update leases set expires_at = expires_at - 7200000")
        self.plue("run", "resume", 1, expect=0)

    def test_a_run_goes_on_in_the_sandbox_that_it_began_with(self):
        self.steps_workflow("""ctx.run(name="a", cmd="pwd; echo x >> n; [ $(wc -l < n) = 1 ] && sleep NAP; true")""")
        process = self.start("workflow", "run", "ci", "--sandbox", "none")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.wait_for_step("a", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.log(step="a"), f"{self.data}/workspaces/1/workspace\n")

    def test_a_run_that_was_killed_before_its_files_were_whole_gets_them_again(self):
        self.write("f", "whole\n")
        self.steps_workflow("""ctx.run(name="a", cmd="[ -e cut ] || sleep NAP || true; cat f")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        self.wait_for_step("a", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        os.remove(self.data / "workspaces/1/ready")
        os.remove(self.data / "workspaces/1/workspace/f")
        (self.data / "workspaces/1/workspace/cut").touch()
        self.wait_for(lambda: not processes_with(self.nap), "what was killed is gone")
        process = self.start("run", "resume", 1)
        self.wait_for(lambda: processes_with(self.nap), "the step runs again")
        for pid in processes_with(self.nap):
            os.kill(pid, signal.SIGTERM)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="a"), "Terminated\nwhole\n")
