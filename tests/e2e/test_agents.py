"""Agents: prompts that go on in turns, with tools in the run's sandbox, against a scripted provider on loopback."""
import json

from harness import processes_with
from model_server import anthropic_events, hang, stream
from test_models import ModelTest

FIX = """---
name: Fix
type: agent
client: anthropic/claude-sonnet
inputs: {goal: string}
output: {status: complete | stuck, summary: string}
tools: [read_file, write_file, edit_file, shell, glob, grep, dynamic]
max_turns: 6
---
{{ goal }}
"""
IMPORTS = "from plue.prompts import Fix\nfrom plue.tools import shell, read_file, grep, glob\n@workflow(triggers=[manual()])"
BODY = """
    fix = Fix(goal="Make it build")
    ctx.log("it is " + fix.status + ": " + fix.summary)
    ctx.run(name="show", cmd="cat src/a.txt")"""
DONE = ("final_answer", {"status": "complete", "summary": "done"})


def turn(*calls, text="I look."):
    """An answer that says text and calls tools: (name, input) each, with ids toolu_0, toolu_1, ..."""
    events = anthropic_events(text, stop="tool_use")
    at = next(i for i, e in enumerate(events) if e["type"] == "content_block_stop") + 1
    blocks = []
    for i, (name, given) in enumerate(calls):
        blocks += [{"type": "content_block_start", "index": i + 1, "content_block": {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": {}}},
                   {"type": "content_block_delta", "index": i + 1, "delta": {"type": "input_json_delta", "partial_json": json.dumps(given)}},
                   {"type": "content_block_stop", "index": i + 1}]
    events[at:at] = blocks
    return stream("".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events))


def turn_of(request):
    return 1 + sum(m["role"] == "assistant" for m in request["messages"])


class AgentTest(ModelTest):
    def agent(self, *scripts, prompt=FIX, body=BODY):
        self.write(".plue/prompts/fix.prompt.md", prompt)
        self.write("src/a.txt", "one\ntwo\nthree\n")
        self.steps_workflow(body, decorator=IMPORTS)
        self.model.scripts += scripts

    def results(self, request):
        """What the tools gave, in the last message of the request: (content, is_error) each."""
        return [(b["content"], b["is_error"]) for b in self.model.requests[request][2]["messages"][-1]["content"]]

    def one(self, *calls, prompt=FIX, body=BODY, expect=0):
        """The results of these calls of one turn."""
        self.agent(turn(*calls), turn(DONE), prompt=prompt, body=body)
        self.run_it(expect=expect)
        return self.results(1)

    def wait_until_asked(self, times):
        """The model was asked so often, and so much is recorded: the last turn is, so what earlier ones gave is."""
        for _ in range(times):
            self.assertTrue(self.model.asked.acquire(timeout=60))
        asked = [turn_of(r[2]) for r in self.model.requests if "tools" in r[2]]     # by agents

        def recorded():
            rows = self.rows("SELECT data FROM run_events WHERE type = 'agent_turn' AND run_id = (SELECT MAX(id) FROM workflow_runs)")
            return [json.loads(data)["turn"] for data, in rows].count(asked[-1]) >= asked.count(asked[-1])
        self.wait_for(recorded, f"turn {asked[-1]} is recorded")

    def agent_step(self):
        run = self.plue("run", "view", "1", "--json", expect=0).json
        return next(s for s in run["steps"] if s["type"] == "agent")


class Turns(AgentTest):
    def test_an_agent_works_in_turns_until_its_final_answer(self):
        self.agent(turn(("read_file", {"path": "src/a.txt"}), ("glob", {"pattern": "src/**"})),
                   turn(("edit_file", {"path": "src/a.txt", "old": "two", "new": "2"})),
                   turn(("shell", {"command": "cat src/a.txt; echo oops >&2; exit 3"})), turn(DONE))
        self.run_it()
        first = self.model.requests[0][2]
        self.assertEqual([t["name"] for t in first["tools"]], ["read_file", "write_file", "edit_file", "shell", "glob", "grep", "final_answer"])
        self.assertEqual(first["tools"][0]["input_schema"]["required"], ["path"])
        self.assertEqual([t.get("strict") for t in first["tools"]], [None] * 6 + [True])
        self.assertNotIn("output_config", first)
        self.assertEqual(self.results(1), [("one\ntwo\nthree\n", False), ("src/a.txt\n", False)])
        self.assertEqual(self.results(2), [("src/a.txt is written", False)])
        (shell, failed), = self.results(3)
        self.assertEqual((json.loads(shell), failed), ({"stdout": "one\n2\nthree\n", "stderr": "oops\n", "exit_code": 3}, False))
        self.assertEqual(self.model.requests[3][2]["messages"][1]["content"][1],
                         {"type": "tool_use", "id": "toolu_0", "name": "read_file", "input": {"path": "src/a.txt"}})
        self.assertIn("it is complete: done", self.plue("run", "view", "1", "--log", "--step", "log", expect=0).out)
        self.assertIn("2\n", self.plue("run", "view", "1", "--log", "--step", "show", expect=0).out)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM llm_usage"), [(4,)])
        log = self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out
        for line in ("I look.", 'calls read_file {"path":"src/a.txt"}', r"gave: read_file one\ntwo\nthree\n", "4 calls, 40 tokens in, 20 out"):
            self.assertIn(line, log)
        # The user's own file is as it was.
        self.assertEqual((self.repo / "src/a.txt").read_text(), "one\ntwo\nthree\n")

    def test_a_model_hears_of_nothing_that_is_not_recorded(self):
        kept = []

        def looking(script):
            def look(handler, model):
                results = self.rows("SELECT results FROM transcripts ORDER BY turn")
                kept.append(["content" in r for text, in results for r in json.loads(text)])
                script(handler, model)
            return look
        turns = [turn(("glob", {"pattern": f"{i}"})) for i in range(38)]
        turns.insert(7, turn(("dynamic", {})))      # a call that is refused at once
        self.agent(*map(looking, [*turns, turn(DONE)]), prompt=FIX.replace("max_turns: 6", "max_turns: 50"))
        self.run_it()
        self.assertEqual(kept, [[True] * i for i in range(40)])

    def test_a_final_answer_that_breaks_its_schema_is_asked_for_again(self):
        self.agent(turn(("final_answer", {"status": "maybe"}), ("glob", {"pattern": "*"})), turn(DONE))
        self.run_it()
        (why, failed), (other, other_failed) = self.results(1)
        self.assertIn("/status", why)
        self.assertIn("/summary", why)
        self.assertEqual((failed, other_failed, other), (True, True, "not carried out: the final answer is given alone"))

    def test_tools_that_were_granted_and_never_called_are_told(self):
        self.agent(turn(("read_file", {"path": "src/a.txt"}), ("glob", {"pattern": "src/**"})), turn(("shell", {"command": "true"})), turn(DONE))
        self.run_it()
        self.assertIn("It was granted and never used the tool write_file, the tool edit_file, the tool grep.\n",
                      self.plue("why", "1", "fix", expect=0).out)

    def test_too_many_turns_fail_the_step_and_keep_its_log(self):
        self.agent(*[turn(("glob", {"pattern": f"{i}"})) for i in range(6)])
        self.run_it(expect=1)
        self.assertEqual(self.agent_step()["error"]["code"], "max_turns")
        self.assertIn('calls glob {"pattern":"0"}', self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out)

    def test_an_agent_that_repeats_itself_is_stopped(self):
        self.agent(*[turn(("glob", {"pattern": "x"})) for _ in range(5)])
        self.run_it(expect=1)
        self.assertEqual((self.agent_step()["error"]["code"], len(self.model.requests)), ("agent_loop", 5))

    def test_a_cancel_kills_the_running_tool(self):
        self.agent(turn(("shell", {"command": f"touch started; sleep {self.nap}"})))
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: list(self.data.glob("**/started")), "the tool runs")
        self.plue("run", "cancel", "1", expect=0)
        self.finish(run, expect=3)
        self.assertEqual(self.agent_step()["outcome"], "cancelled")
        self.assertEqual(processes_with(self.nap), [])

    def killed(self, *, turns):
        """The run is killed when the model was asked so often, and goes on in another process."""
        run = self.start("workflow", "run", "ci")
        self.wait_until_asked(turns)
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=0)

    def test_an_agent_that_was_killed_goes_on_from_its_last_turn(self):
        self.agent(turn(("shell", {"command": "echo more >> src/a.txt"})), turn(("glob", {"pattern": "*"}), ("glob", {"pattern": "src/*"})), hang(),
                   turn(("read_file", {"path": "src/a.txt"})), turn(DONE))
        self.killed(turns=3)
        self.assertEqual(self.model.requests[3][2], self.model.requests[2][2])
        self.assertEqual(self.results(4), [("one\ntwo\nthree\nmore\n", False)])
        self.assertIn("goes on after turn 2 of the try that was interrupted; 0 of its calls were under way",
                      self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out)
        self.assertEqual(self.rows("SELECT try, turn FROM transcripts ORDER BY try, turn"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)])
        self.assertIn("4 calls, 40 tokens in", self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out)

    def test_a_call_that_was_interrupted_is_said_and_not_repeated(self):
        self.agent(turn(("shell", {"command": "echo more >> src/a.txt; touch began; sleep 1234.125"}), ("read_file", {"path": "src/a.txt"})),
                   turn(("read_file", {"path": "src/a.txt"})), turn(DONE))
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: list(self.data.glob("**/began")), "the tool runs")
        self.wait_for(lambda: self.rows("SELECT 1 FROM transcripts WHERE results LIKE '%three%'"), "the other call is recorded")
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=0)
        (interrupted, failed), other = self.results(1)
        self.assertTrue(failed and interrupted.startswith("interrupted: Plue was stopped while this call was under way."), interrupted)
        self.assertFalse(other[1])
        self.assertEqual(self.results(2), [("one\ntwo\nthree\nmore\n", False)])
        self.assertIn("goes on after turn 1 of the try that was interrupted; 1 of its calls had begun and not ended",
                      self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out)

    def test_a_try_that_was_killed_before_it_had_taken_over_loses_no_turn(self):
        self.agent(turn(("shell", {"command": "echo more >> src/a.txt"})), hang(), hang(), turn(("read_file", {"path": "src/a.txt"})), turn(DONE))
        for args, asked in ((("workflow", "run", "ci"), 2), (("run", "resume", "1"), 1)):
            run = self.start(*args)
            self.wait_until_asked(asked)
            run.kill()
            run.wait(60)
        # What the second process took over was not written yet when it died.
        self.change("DELETE FROM transcripts WHERE try = 2")
        self.plue("run", "resume", "1", expect=0)
        self.assertEqual(self.model.requests[3][2], self.model.requests[1][2])
        self.assertEqual(self.results(4), [("one\ntwo\nthree\nmore\n", False)])

    def test_turns_and_budget_count_over_an_interruption(self):
        self.agent(*[turn(("glob", {"pattern": str(i)})) for i in range(3)], hang(), *[turn(("glob", {"pattern": str(i)})) for i in range(3, 7)])
        run = self.start("workflow", "run", "ci")
        self.wait_until_asked(4)
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=1)
        self.assertEqual((self.agent_step()["error"]["code"], len(self.model.requests)), ("max_turns", 7))

    def test_kept_answers_are_given_while_tools_give_the_same(self):
        kept = FIX.replace("max_turns: 6", "max_turns: 6\ncache: true")
        works = (turn(("edit_file", {"path": "src/a.txt", "old": "two", "new": "2"})), turn(("read_file", {"path": "src/a.txt"})))
        self.agent(*works, turn(("final_answer", {})), turn(DONE), prompt=kept)
        self.run_it()
        self.assertEqual(len(self.model.requests), 4)
        self.run_it()
        self.assertEqual(len(self.model.requests), 4)
        log = self.plue("run", "view", "2", "--log", "--step", "fix", expect=0).out
        self.assertEqual(log.count("answered without the model: the same request was answered in run 1, fix, "), 4)
        self.assertIn("2\n", self.plue("run", "view", "2", "--log", "--step", "show", expect=0).out)  # the tool has worked again
        self.assertEqual(self.rows("SELECT run_id, COUNT(*) FROM llm_usage GROUP BY run_id"), [(1, 4)])
        # Another file gives another result, and from there on the model is asked.
        self.write("src/a.txt", "one\ntwo\nfour\n")
        self.model.scripts.append(turn(DONE))
        self.run_it()
        self.assertEqual(self.results(4), [("one\n2\nfour\n", False)])

    def test_answers_without_a_good_end_are_not_kept(self):
        self.agent(turn(("glob", {"pattern": "*"})), *[turn(("final_answer", {}))] * 3, prompt=FIX.replace("max_turns: 6", "max_turns: 6\ncache: true"))
        self.run_it(expect=1)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM model_answers"), [(0,)])

    def test_a_retry_after_a_failure_begins_anew(self):
        self.agent(turn(("glob", {"pattern": "*"})), turn(("final_answer", {})), turn(("final_answer", {})), turn(("final_answer", {})), turn(DONE),
                   body=BODY.replace('build")', 'build", retries=1)'))
        self.run_it()
        self.assertEqual(self.model.requests[4][2]["messages"], self.model.requests[0][2]["messages"])


class Tools(AgentTest):
    def test_arguments_are_checked_and_the_model_reads_why(self):
        calls = [("read_file", {}), ("read_file", {"path": 1}), ("glob", {"pattern": "x", "more": 1}), ("rm", {}), ("read_file", {"path": "none"}),
                 ("edit_file", {"path": "src/a.txt", "old": "e", "new": ""}), ("edit_file", {"path": "src/a.txt", "old": "zz", "new": ""})]
        self.assertEqual(self.one(*calls), [
            ("read_file: the argument path is missing", True),
            ("read_file: path must be of type string", True),
            ("glob has no argument more", True),
            ("there is no tool 'rm'; there are: read_file, write_file, edit_file, shell, glob, grep", True),
            ("cannot read 'none': No such file or directory", True),
            ("`old` is in the file more than once; give more of the text around it", True),
            ("`old` is not in the file; it must be equal to the byte", True)])

    def test_paths_stay_in_the_workspace(self):
        self.agent(turn(("shell", {"command": "ln -s /etc out"})),
                   turn(("read_file", {"path": "/etc/passwd"}), ("read_file", {"path": "../../x"}), ("read_file", {"path": "out/passwd"}),
                        ("write_file", {"path": "out/x", "content": ""}), ("write_file", {"path": "../x", "content": ""}),
                        ("read_file", {"path": "/workspace/src/a.txt", "offset": 2, "limit": 1})), turn(DONE))
        self.run_it()
        *refused, own = self.results(2)
        self.assertEqual([failed for _, failed in refused], [True] * 5, refused)
        self.assertEqual(own, ("two\n[1 of 3 lines, from line 2; give offset and limit to read others]\n", False))

    def test_grep_takes_the_pattern_as_data(self):
        self.assertEqual(self.one(("grep", {"pattern": "t(wo|hree)", "path": "src"}), ("grep", {"pattern": '"$(touch /tmp/x)'}),
                                  ("grep", {"pattern": "("}), ("grep", {"pattern": "--help"})),
                         [("src/a.txt:2:two\nsrc/a.txt:3:three\n", False), ("no line matches\n", False),
                          ("grep: Unmatched ( or \\(\n", True), ("no line matches\n", False)])

    def test_commands_keep_to_their_lists(self):
        body = BODY.replace('build")', 'build", tools=[shell(allow=["echo", "git status"], deny=["git push"])])')
        results = self.one(("shell", {"command": "echo a; rm -rf x"}), ("shell", {"command": "echo $(rm x)"}), ("shell", {"command": "echo ok"}), body=body)
        self.assertEqual([failed for _, failed in results], [True, True, False])
        self.assertIn("rm", results[0][0])
        self.assertEqual(json.loads(results[2][0])["stdout"], "ok\n")

    def test_writes_keep_to_their_paths(self):
        body = BODY.replace('build")', 'build", tools=[write_file(allow=["src/**", "!src/gen/**"], deny=["src/*.lock"]), edit_file(deny=["src"])])')
        self.agent(turn(*[("write_file", {"path": p, "content": "x"}) for p in
                          ("src/b.txt", "/workspace/src/deep/c.txt", "src/gen/d.txt", "src/a.lock", "Makefile", "src/../Makefile", "src/./e", "src//f")],
                        ("edit_file", {"path": "src/a.txt", "old": "two", "new": "2"})),
                   turn(("glob", {"pattern": "[!.]*/**"}), ("glob", {"pattern": "*"})), turn(DONE), body=body)
        source = self.repo / ".plue/workflows/ci.py"
        source.write_text(source.read_text().replace("import shell,", "import shell, write_file, edit_file,"))
        self.run_it()
        limits = "; it may write: src/**, !src/gen/**"
        self.assertEqual(self.results(1), [
            ("src/b.txt is written", False), ("/workspace/src/deep/c.txt is written", False),
            ("write_file may not write 'src/gen/d.txt'" + limits, True), ("write_file may not write 'src/a.lock'" + limits, True),
            ("write_file may not write 'Makefile'" + limits, True),
            *[("write the path without ., .. and //", True)] * 3, ("edit_file may not write 'src/a.txt'", True)])
        self.assertEqual([sorted(text.split()) for text, _ in self.results(2)], [["src/a.txt", "src/b.txt", "src/deep/c.txt"], ["file", "matches", "no"]])

    def test_a_link_leads_no_limited_write_elsewhere(self):
        body = BODY.replace('build")', 'build", tools=[write_file(allow=["src/**"]), edit_file(deny=["docs"])])')
        self.agent(turn(("shell", {"command": "mkdir docs; echo a > docs/a.txt; ln -s ../docs src/out; ln -s ../docs/a.txt src/b.txt"})),
                   turn(("write_file", {"path": "src/out/a.txt", "content": "x"}), ("edit_file", {"path": "src/out/a.txt", "old": "a", "new": "x"}),
                        ("write_file", {"path": "src/out/new/a.txt", "content": "x"}), ("write_file", {"path": "src/b.txt", "content": "x"})),
                   turn(("shell", {"command": "cat docs/a.txt src/b.txt; ls docs; test -L src/b.txt"})), turn(DONE), body=body)
        source = self.repo / ".plue/workflows/ci.py"
        source.write_text(source.read_text().replace("import shell,", "import shell, write_file, edit_file,"))
        self.run_it()
        why = "'%s' goes through a symbolic link, and may not (write the path that the link leads to)"
        self.assertEqual(self.results(2), [(why % "src/out/a.txt", True), (why % "src/out/a.txt", True), (why % "src/out/new/a.txt", True),
                                           ("src/b.txt is written", False)])  # the link itself has become a file
        self.assertEqual(json.loads(self.results(3)[0][0]), {"stdout": "a\nxa.txt\n", "stderr": "", "exit_code": 1})

    def test_a_command_is_bounded_in_time_and_output(self):
        slow, much = self.one(("shell", {"command": "echo a; sleep 1000", "timeout": 3}),
                              ("shell", {"command": "head -c 1000000 /dev/zero | tr '\\0' x; echo end"}))
        self.assertEqual(json.loads(slow[0]), {"stdout": "a\n", "stderr": "", "exit_code": 137, "error": "killed after 3 s"})
        out = json.loads(much[0])["stdout"]
        self.assertTrue(out.startswith("xxx") and out.endswith("xend\n"))
        self.assertRegex(out, r"x\n\[\d+ bytes left out here\]\nx")
        self.assertLess(len(out), 40000)

    ADDS = """
    ctx.run(name="adds", cmd='mkdir bin; printf "#!/bin/sh\\necho mine\\n" > bin/ours; cp bin/ours bin/wc; chmod +x bin/*; echo $PWD/bin >> $PLUE_PATH; echo ADDED=yes >> $PLUE_ENV')"""

    def test_what_earlier_steps_added_reaches_the_commands_of_an_agent(self):
        given = self.one(("shell", {"command": "ours; echo $ADDED; wc -l < src/a.txt"}), body=self.ADDS + BODY)
        self.assertEqual(json.loads(given[0][0])["stdout"], "mine\nyes\nmine\n")

    def test_where_commands_are_listed_no_folder_of_the_workspace_gives_them_another_program(self):
        body = self.ADDS + BODY.replace('build")', 'build", tools=[shell(allow=["wc", "ours", "echo"])])')
        given = self.one(("shell", {"command": "wc -l < src/a.txt; ours; echo $ADDED"}), body=body)
        self.assertEqual(json.loads(given[0][0])["stdout"], "3\nyes\n")

    def test_tools_have_no_network_and_no_secrets(self):
        self.agent(turn(("shell", {"command": "env | grep -c KEY; tail -n +3 /proc/net/dev | cut -d: -f1"})), turn(DONE))
        source = self.repo / ".plue/workflows/ci.py"
        source.write_text(source.read_text().replace("manual()]", "manual()], network='all'"))
        self.run_it()
        result, = self.results(1)
        self.assertEqual(json.loads(result[0])["stdout"].split(), ["0", "lo"])
        self.assertNotIn("sk-test", json.dumps(self.model.requests[1][2]))

    def test_reading_tools_read_a_commit(self):
        body = BODY.replace('build")', 'build", tools=[read_file(repo=ctx.repo, ref="HEAD"), grep(repo=ctx.repo, ref="HEAD"), glob(ref="HEAD")])')
        self.agent(turn(("write_file", {"path": "src/a.txt", "content": "new\n"}), ("write_file", {"path": "src/b.txt", "content": "b\n"})),
                   turn(("read_file", {"path": "src/a.txt"}), ("grep", {"pattern": "t[wh]", "path": "src"}), ("glob", {"pattern": "src/*"}), ("grep", {"pattern": "("}),
                        ("read_file", {"path": "../x"})), turn(DONE), body=body)
        self.git("init", "-q")
        self.commit()
        self.run_it()
        read, found, listed, wrong, outside = self.results(2)
        self.assertEqual((read, found, listed), (("one\ntwo\nthree\n", False), ("src/a.txt:2:two\nsrc/a.txt:3:three\n", False), ("src/a.txt\n", False)))
        self.assertEqual((wrong[1], outside[1]), (True, True))

    def test_a_model_that_never_answers_is_cancelled(self):
        self.agent(hang())
        run = self.start("workflow", "run", "ci")
        self.assertTrue(self.model.asked.acquire(timeout=60))
        self.plue("run", "cancel", "1", expect=0)
        self.finish(run, expect=3)
        self.assertEqual(self.agent_step()["outcome"], "cancelled")


def reviewed(*issues):
    return turn(("final_answer", {"issues": list(issues), "summary": "looked"}))


class Acceptance(ModelTest):
    """review.py of the acceptance corpus, as it is: two passes by agents that read the head commit."""

    def review(self, *scripts, expect):
        self.copy_acceptance()
        base = self.commit("base")
        self.write("src/new.c", "int f(char *p)\n{\n    return p[3];\n}\n")
        head = self.commit("head")
        self.write("src/new.c", "not this one\n")
        event = self.event({"type": "pull_request", "action": "opened", "ref": "refs/pull/7/merge", "sha": head,
                            "pull_request": {"number": 7, "title": "t", "body": "", "base": base, "head": head}})
        self.model.scripts += scripts
        return self.plue("workflow", "run", "review", "--event", event, expect=expect)

    def comments(self):
        steps = self.plue("run", "view", "1", "--json", expect=0).json["steps"]
        return [s["output"] for s in steps if s["type"] == "comment"]

    def test_a_review_reads_the_head_and_decides_on_what_was_found(self):
        bug = {"file": "src/new.c", "line": 3, "severity": "error", "message": "p may be NULL"}
        note = {"file": "src/new.c", "line": 1, "severity": "info", "message": "name it"}
        done = self.review(turn(("read_file", {"path": "src/new.c"}), ("grep", {"pattern": "return", "path": "src/new.c"})),
                           reviewed(note), reviewed(bug), expect=1)
        first = self.model.requests[0][2]["messages"][0]["content"][0]["text"]
        self.assertIn("You review for SECURITY only.", first)
        self.assertIn("+    return p[3];", first)
        self.assertIn("injection", first)
        gave = [b["content"] for b in self.model.requests[1][2]["messages"][-1]["content"]]
        self.assertEqual(gave, ["int f(char *p)\n{\n    return p[3];\n}\n", "src/new.c:3:    return p[3];\n"])
        self.assertIn("CORRECTNESS", self.model.requests[2][2]["messages"][0]["content"][0]["text"])
        self.assertIn("1 error in src/new.c", done.out + done.err)
        sent = self.comments()
        self.assertEqual([(c.get("path"), c.get("line"), c["body"]) for c in sent],
                         [("src/new.c", 1, "**[security]** name it"), ("src/new.c", 3, "**[correctness]** p may be NULL"), (None, None, "1 error found")])

    def test_a_review_without_errors_approves(self):
        self.review(reviewed(), reviewed(), expect=0)
        sent = self.comments()
        self.assertEqual([c["body"] for c in sent], ["No errors found."])


def openai_turn(*calls):
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    chunks = [{**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]}]
    for i, (name, given) in enumerate(calls):
        text = json.dumps(given)
        first = {"index": i, "id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": text[:5]}}
        rest = {"index": i, "function": {"arguments": text[5:]}}
        chunks += [{**head, "choices": [{"index": 0, "delta": {"tool_calls": [c]}, "finish_reason": None}]} for c in (first, rest)]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    chunks.append({**head, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}})
    return stream("".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n")


class Providers(AgentTest):
    def test_an_agent_on_an_openai_compatible_server(self):
        self.agent(openai_turn(("read_file", {"path": "src/a.txt"}), ("glob", {"more": 1})), openai_turn(DONE),
                   prompt=FIX.replace("anthropic/claude-sonnet", "openai/own-model"))
        self.run_it()
        first, second = (r[2] for r in self.model.requests)
        self.assertEqual([t["function"]["name"] for t in first["tools"]],
                         ["read_file", "write_file", "edit_file", "shell", "glob", "grep", "final_answer"])
        self.assertEqual([(m["tool_call_id"], m["content"]) for m in second["messages"] if m["role"] == "tool"],
                         [("call_0", "one\ntwo\nthree\n"), ("call_1", "ERROR: glob: the argument pattern is missing")])

    def test_a_secret_of_the_run_is_masked_before_a_model_sees_it(self):
        self.agent(turn(("shell", {"command": "cat leak"})), turn(DONE), body="""
    ctx.run(name="leak", cmd="printf %s \\"$TOKEN\\" > leak", env={"TOKEN": ctx.secrets.TOKEN})
    fix = Fix(goal="x")
    ctx.log(fix.summary)""")
        (self.repo / "secrets.env").write_text("TOKEN=s3cret-value-1234\n")
        self.run_it("--secret-file", "secrets.env")
        (result, _), = self.results(1)
        self.assertEqual(json.loads(result)["stdout"], "***")
        self.assertNotIn("s3cret-value-1234", json.dumps([r[2] for r in self.model.requests]))
