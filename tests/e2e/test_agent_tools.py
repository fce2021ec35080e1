"""Tools of the repository that agents call: @tool functions and prompts of .plue/tools, as steps of the agent's run."""
import json

from harness import processes_with
from model_server import anthropic_stream, hang, stream
from test_agents import BODY, DONE, FIX, AgentTest, turn

PROMPT = FIX.replace("grep, dynamic]", "grep, dynamic, \"//tools:check\"]")
CHECK = """
from plue import tool, schema, optional, list
@tool(description="Checks a file.", inputs={"path": str, "again": optional(bool)}, output=schema(good=bool, words=list(str)))
def check(ctx):
    first = ctx.run(name="look", cmd=f"cat {ctx.inputs.path}")
    if first.failed:
        return ctx.fail("there is no " + ctx.inputs.path)
    second = ctx.run(name="count", cmd="wc -l < src/a.txt; echo seen >> src/a.txt")
    return ctx.success(good=second.stdout.strip() == "3", words=first.stdout.split())
"""


class RepositoryTool(AgentTest):
    def with_tool(self, *scripts, tool=CHECK, prompt=PROMPT, name="check.py", **more):
        self.write(f".plue/tools/{name}", tool)
        self.agent(*scripts, prompt=prompt, **more)

    def steps(self):
        return self.plue("run", "view", "1", "--json", expect=0).json["steps"]


class RepositoryTools(RepositoryTool):
    def test_a_tool_runs_as_steps_of_its_own_and_gives_its_outputs(self):
        self.with_tool(turn(("check", {"path": "src/a.txt"})), turn(("check", {"path": "src/a.txt", "again": None})), turn(DONE))
        self.run_it()
        offered = {t["name"]: t for t in self.model.requests[0][2]["tools"]}["check"]
        self.assertEqual(offered["description"], "Checks a file.")
        self.assertEqual((offered["input_schema"]["required"], offered["input_schema"]["additionalProperties"]), (["path"], False))
        self.assertEqual(self.results(1), [('{"good": true, "words": ["one", "two", "three"]}', False)])
        self.assertEqual(self.results(2), [('{"good": false, "words": ["one", "two", "three", "seen"]}', False)])
        self.assertEqual([(s["id"], s["parent"], s["status"]) for s in self.steps()], [
            ("fix", None, "success"), ("fix.check-1.look", "fix", "success"), ("fix.check-1.count", "fix", "success"),
            ("fix.check-2.look", "fix", "success"), ("fix.check-2.count", "fix", "success"), ("log", None, "success"), ("show", None, "success")])
        self.assertIn("two\n", self.plue("run", "view", "1", "--log", "--step", "fix.check-1.look", expect=0).out)
        self.assertIn("4\n", self.plue("run", "view", "1", "--log", "--step", "fix.check-2.count", expect=0).out)

    def test_what_earlier_steps_added_reaches_a_tools_steps(self):
        adds = """
    ctx.run(name="adds", cmd='mkdir bin; printf "#!/bin/sh\\necho mine\\n" > bin/ours; chmod +x bin/*; echo $PWD/bin >> $PLUE_PATH; echo ADDED=yes >> $PLUE_ENV')"""
        tool = CHECK.replace('cmd=f"cat {ctx.inputs.path}"', 'cmd="ours; echo $ADDED"')
        self.with_tool(turn(("check", {"path": "src/a.txt"})), turn(DONE), tool=tool, body=adds + BODY)
        self.run_it()
        self.assertEqual(self.results(1), [('{"good": true, "words": ["mine", "yes"]}', False)])

    def test_what_a_model_gives_cannot_become_shell_code(self):
        self.with_tool(turn(("check", {"path": "x; touch hacked; $(touch hacked)"})), turn(("glob", {"pattern": "hacked*"})), turn(DONE))
        self.run_it()
        (why, failed), = self.results(1)
        self.assertTrue(failed)
        self.assertTrue(why.startswith("the tool failed: there is no x; touch hacked; $(touch hacked)\ncat: "), why)
        self.assertEqual(self.results(2), [("no file matches\n", False)])

    def test_arguments_and_results_are_held_against_their_types(self):
        bad = CHECK.replace('good=second.stdout.strip() == "3"', 'good="yes"')
        self.with_tool(turn(("check", {"path": 1}), ("check", {}), ("check", {"path": "a", "more": 1})), turn(("check", {"path": "src/a.txt"})), turn(DONE), tool=bad)
        self.run_it()
        self.assertEqual(self.results(1), [
            ("check: argument /path: expected str, found an integer", True),
            ("check: argument /path: expected str, found nothing", True),
            ("check: argument: there is no field 'more'", True)])
        self.assertEqual(self.results(2), [("the tool's result /good: expected bool, found a string", True)])

    def test_a_step_that_fails_unjudged_is_an_error_with_its_output(self):
        tool = CHECK.replace("if first.failed:", "if False:")
        self.with_tool(turn(("check", {"path": "none"})), turn(DONE), tool=tool)
        self.run_it()
        (why, failed), = self.results(1)
        self.assertTrue(failed)
        self.assertEqual(why, "the tool failed: step 'fix.check-1.look' failed: the command ended with exit code 1\n"
                              "cat: none: No such file or directory\n")

    def test_an_exception_in_a_tool_goes_to_the_model(self):
        self.with_tool(turn(("check", {"path": "src/a.txt"})), turn(DONE), tool=CHECK.replace("first.stdout.split()", "[][1]"))
        self.run_it()
        (why, failed), = self.results(1)
        self.assertEqual((why, failed), ("the tool failed: IndexError: list index out of range", True))

    def test_tools_run_side_by_side(self):
        self.with_tool(turn(("check", {"path": "src/a.txt"}), ("check", {"path": "none"}), ("glob", {"pattern": "src/*"})), turn(DONE))
        self.run_it()
        self.assertEqual([failed for _, failed in self.results(1)], [False, True, False])

    def test_a_prompt_is_a_tool(self):
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ndescription: Asks another.\ninputs: {question: string}\noutput: {answer: string}\n---\n{{ question }}?\n"
        self.with_tool(turn(("check", {"question": "why"})), stream(anthropic_stream('{"answer": "because"}')), turn(DONE),
                       tool=ask, name="check.prompt.md")
        self.run_it()
        self.assertEqual(self.model.requests[1][2]["messages"][0]["content"][0]["text"], "why?")
        self.assertEqual(self.results(2), [('{"answer":"because"}', False)])
        self.assertEqual([s["id"] for s in self.steps()][:2], ["fix", "fix.check-1.ask"])

    def test_what_a_tools_model_costs_counts_to_the_budget_of_its_agent(self):
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\noutput: {answer: string}\n---\n{{ question }}?\n"
        self.with_tool(turn(("check", {"question": "why"})), stream(anthropic_stream('{"answer": "x"}', tokens=(90000, 500))), tool=ask,
                       name="check.prompt.md", body=BODY.replace('build")', 'build", budget={"tokens": 95000})'))
        self.run_it(expect=1)
        self.assertEqual((self.agent_step()["error"]["code"], len(self.model.requests)), ("budget_exceeded", 2))

    def test_what_tools_models_may_cost_is_held_back_before_they_are_asked(self):
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\noutput: {answer: string}\n---\n{{ question }}?\n"
        answer = stream(anthropic_stream('{"answer": "x"}'))
        # Each may take 8,192 tokens and its question: two of three fit, side by side, beside what was spent.
        self.with_tool(turn(*[("check", {"question": str(i)}) for i in range(3)]), answer, answer, turn(DONE), tool=ask,
                       name="check.prompt.md", body=BODY.replace('build")', 'build", budget={"tokens": 20000})'))
        self.run_it()
        self.assertEqual(len(self.model.requests), 4)
        one, two, (why, failed) = self.results(3)
        self.assertEqual((one, two, failed), (('{"answer":"x"}', False), ('{"answer":"x"}', False), True))
        self.assertRegex(why, r"^the tool failed: step 'fix.check-3.ask' failed: .*the next call may take 82\d\d tokens, and 35\d\d of the budget's 20000 are left")
        # What was held back is free again, once they have ended.
        self.assertIn("it is complete", self.plue("run", "view", "1", "--log", "--step", "log", expect=0).out)

    def test_agents_that_call_themselves_end_at_a_depth(self):
        again = PROMPT.replace("name: Fix", "name: Again").replace("inputs: {goal: string}", "inputs: {goal: string}\ndescription: again")
        call = turn(("check", {"goal": "deeper"}))
        self.with_tool(call, call, call, call, turn(DONE), turn(DONE), turn(DONE), turn(DONE), tool=again, name="check.prompt.md")
        self.run_it()
        self.assertEqual([s["id"] for s in self.steps()][:4],
                         ["fix", "fix.check-1.again", "fix.check-1.again.check-1.again", "fix.check-1.again.check-1.again.check-1.again"])
        self.assertEqual(self.results(4), [("tools of agents may call each other 3 deep", True)])

    def test_a_tool_that_does_not_load_is_refused_with_its_place(self):
        self.with_tool(tool=CHECK.replace("ctx.fail(", "open("))
        done = self.run_it(expect=2)
        self.assertIn(".plue/tools/check.py has a mistake", done.err)
        self.assertIn(".plue/tools/check.py:7:16", done.err)
        self.assertEqual(self.model.requests, [])

    def test_a_tool_that_is_missing_is_refused(self):
        self.agent(prompt=PROMPT)
        self.assertIn("there is no tool //tools:check", self.run_it(expect=2).err)

    def test_a_cancel_ends_the_steps_of_tools(self):
        self.with_tool(turn(("check", {"path": "src/a.txt"})), tool=CHECK.replace("f\"cat {ctx.inputs.path}\"", f"\"touch started; sleep {self.nap}\""))
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: list(self.data.glob("**/started")), "the tool runs")
        self.plue("run", "cancel", "1", expect=0)
        self.finish(run, expect=3)
        self.assertEqual([(s["id"], s["outcome"]) for s in self.steps()],
                         [("fix", "cancelled"), ("fix.check-1.look", "cancelled"), ("log", "cancelled"), ("show", "cancelled")])
        self.assertEqual(processes_with(self.nap), [])

    def test_a_secret_of_a_tools_step_is_masked_everywhere(self):
        tool = CHECK.replace('f"cat {ctx.inputs.path}"', '"echo $TOKEN; echo ::add-mask::other-secret; echo other-secret", env={"TOKEN": ctx.secrets.TOKEN}')
        self.with_tool(turn(("check", {"path": "x"})), turn(DONE), tool=tool)
        (self.repo / "secrets.env").write_text("TOKEN=s3cret-value-1234\n")
        self.run_it("--secret-file", "secrets.env")
        self.assertEqual(json.loads(self.results(1)[0][0])["words"][0], "***")
        everything = json.dumps([r[2]["messages"] for r in self.model.requests]) + "".join(map(str, self.rows("SELECT content FROM workflow_logs")))
        self.assertNotIn("s3cret-value-1234", everything)
        self.assertNotIn("other-secret", everything)

    def test_a_tool_that_was_interrupted_is_said_so_and_its_number_is_not_taken_again(self):
        slow = CHECK.replace('cmd=f"cat {ctx.inputs.path}"', 'cmd="if [ -e started ]; then echo three; else touch started; sleep 1234.75; fi"')
        self.with_tool(turn(("check", {"path": "x"})), turn(("check", {"path": "x"})), turn(DONE), tool=slow)
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: list(self.data.glob("**/started")), "the tool runs")
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=0)
        steps = {s["id"]: (s["status"], s["reason"]["code"] if s["reason"] else None) for s in self.steps()}
        self.assertEqual(steps["fix.check-1.look"], ("failed", "interrupted"))
        self.assertEqual(steps["fix.check-2.look"][0], "success")


AGAIN = PROMPT.replace("name: Fix", "name: Again").replace("inputs: {goal: string}", "inputs: {goal: string}\ndescription: again")
ASK = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\noutput: {answer: string}\n---\n{{ question }}?\n"
INTERRUPTED = "interrupted: Plue was stopped while this call was under way."


class AfterACrash(RepositoryTool):
    """A prompt that an agent has called goes on where it was; what else was under way is said to the model."""

    def killed(self, asked, before=lambda: None):
        run = self.start("workflow", "run", "ci")
        self.wait_until_asked(asked)
        before()
        run.kill()
        run.wait(60)
        return len(self.model.requests)

    def resume(self):
        self.plue("run", "resume", "1", expect=0)

    def log_of(self, step):
        return self.plue("run", "view", "1", "--log", "--step", step, expect=0).out

    def asked(self, at):
        return self.model.requests[at][2]["messages"]

    def test_an_agent_that_is_a_tool_goes_on_from_its_last_turn(self):
        self.with_tool(turn(("check", {"goal": "deeper"})), turn(("shell", {"command": "echo more >> src/a.txt"})), hang(),
                       turn(("read_file", {"path": "src/a.txt"})), turn(("final_answer", {"status": "complete", "summary": "inner"})), turn(DONE),
                       tool=AGAIN, name="check.prompt.md")
        self.assertEqual(self.killed(3), 3)
        self.resume()
        self.assertEqual(len(self.model.requests), 6)
        self.assertEqual(self.asked(3), self.asked(2))
        self.assertEqual(self.results(4), [("one\ntwo\nthree\nmore\n", False)])
        self.assertEqual(self.results(5), [('{"status":"complete","summary":"inner"}', False)])
        self.assertEqual([(s["id"], s["status"]) for s in self.steps()][:2], [("fix", "success"), ("fix.check-1.again", "success")])
        self.assertIn("goes on after turn 1 of the try that was interrupted; 0 of its calls were under way, 1 of prompts goes on", self.log_of("fix"))
        self.assertIn("goes on after turn 1 of the try that was interrupted; 0 of its calls were under way\n", self.log_of("fix.check-1.again"))
        self.assertIn("it is complete: done", self.log_of("log"))
        # What the model is given never holds what the transcript keeps of a call that is under way.
        self.assertNotIn("nested", json.dumps(self.asked(5)))

    def test_agents_below_agents_go_on_too_and_may_be_killed_again(self):
        inner = ("final_answer", {"status": "complete", "summary": "in"})
        self.with_tool(turn(("check", {"goal": "1"})), turn(("check", {"goal": "2"})), turn(("glob", {"pattern": "src/*"})), hang(), hang(),
                       turn(inner), turn(inner), turn(DONE), tool=AGAIN, name="check.prompt.md")
        self.killed(4)
        again = self.start("run", "resume", "1")
        self.wait_until_asked(1)
        again.kill()
        again.wait(60)
        self.resume()
        self.assertEqual(len(self.model.requests), 8)
        self.assertEqual((self.asked(4), self.asked(5)), (self.asked(3), self.asked(3)))
        self.assertEqual([self.results(i) for i in (6, 7)], [[('{"status":"complete","summary":"in"}', False)]] * 2)
        self.assertEqual([(s["id"], s["status"]) for s in self.steps()][:3],
                         [(i, "success") for i in ("fix", "fix.check-1.again", "fix.check-1.again.check-1.again")])
        self.assertEqual(self.rows("SELECT MAX(try) FROM workflow_steps WHERE step_id LIKE 'fix%'"), [(3,)])

    def test_a_prompt_that_had_ended_is_not_asked_again(self):
        self.with_tool(turn(("check", {"question": "why"})), stream(anthropic_stream('{"answer": "because"}')), hang(), turn(DONE), tool=ASK,
                       name="check.prompt.md")
        self.killed(3)
        # The process died after the prompt's end was recorded, and before the agent's turn was.
        self.change("UPDATE transcripts SET results = '[{\"type\": \"tool_result\", \"tool_use_id\": \"toolu_0\", \"nested\": 1}]'")
        self.resume()
        self.assertEqual(len(self.model.requests), 4)
        self.assertEqual(self.results(3), [('{"answer":"because"}', False)])

    def test_a_prompt_that_had_not_begun_begins_under_its_number(self):
        self.with_tool(turn(("check", {"question": "why"})), hang(), *[stream(anthropic_stream('{"answer": "because"}'))], turn(("check", {"question": "so"})),
                       stream(anthropic_stream('{"answer": "so"}')), turn(DONE), tool=ASK, name="check.prompt.md")
        self.killed(2)
        self.change("DELETE FROM workflow_steps WHERE step_id LIKE '%.%'")
        self.resume()
        self.assertEqual([self.results(i) for i in (3, 5)], [[('{"answer":"because"}', False)], [('{"answer":"so"}', False)]])
        self.assertEqual([s["id"] for s in self.steps()][:3], ["fix", "fix.check-1.ask", "fix.check-2.ask"])

    def test_calls_of_prompts_that_had_not_begun_begin(self):
        self.with_tool(turn(("check", {"question": "why"}), ("check", {"x": 1})), hang(), stream(anthropic_stream('{"answer": "because"}')), turn(DONE), tool=ASK,
                       name="check.prompt.md")
        self.killed(2)
        # The process died after the turn was recorded, and before anything of its calls was.
        self.change("DELETE FROM workflow_steps WHERE step_id LIKE '%.%'")
        self.change("UPDATE transcripts SET results = '[{\"type\": \"tool_result\", \"tool_use_id\": \"toolu_0\"}, {\"type\": \"tool_result\", \"tool_use_id\": \"toolu_1\"}]'")
        self.resume()
        first, (why, failed) = self.results(3)
        self.assertEqual((first, failed), (('{"answer":"because"}', False), True))
        self.assertIn("check: argument", why)
        self.assertEqual([s["id"] for s in self.steps()][:2], ["fix", "fix.check-1.ask"])

    def test_functions_are_said_to_be_interrupted_while_prompts_go_on(self):
        self.write(".plue/tools/look.py", CHECK.replace("def check", "def look").replace('f"cat {ctx.inputs.path}"', '"touch began; sleep 1234.875"'))
        self.with_tool(turn(("look", {"path": "x"}), ("check", {"question": "why"})), hang(), stream(anthropic_stream('{"answer": "because"}')), turn(DONE),
                       tool=ASK, name="check.prompt.md", prompt=PROMPT.replace('"//tools:check"', '"//tools:check", "//tools:look"'))
        self.killed(2, lambda: self.wait_for(lambda: list(self.data.glob("**/began")), "the function runs"))
        self.resume()
        (why, failed), other = self.results(3)
        self.assertEqual((failed, other), (True, ('{"answer":"because"}', False)))
        self.assertTrue(why.startswith(INTERRUPTED), why)
        self.assertIn("; 1 of its calls had begun and not ended, 1 of prompts goes on", self.log_of("fix"))

    def test_what_tools_models_have_cost_counts_after_a_crash(self):
        costly = stream(anthropic_stream('{"answer": "because"}', tokens=(40000, 500)))
        self.with_tool(turn(("check", {"question": "why"})), costly, turn(("check", {"question": "how"})), costly, hang(), tool=ASK,
                       name="check.prompt.md", body=BODY.replace('build")', 'build", budget={"tokens": 95000})'))
        self.killed(5)
        self.model.scripts += [turn(("check", {"question": "who"})), costly, turn(DONE), turn(DONE)]
        self.plue("run", "resume", "1", expect=1)
        error = self.agent_step()["error"]
        self.assertEqual((error["code"], len(self.model.requests)), ("budget_exceeded", 7))
        self.assertRegex(error["message"], r"^the next call may take 8\d\d\d tokens, and -26545 of the budget's 95000 are left$")

    def test_what_an_earlier_try_has_cost_does_not_count_after_a_crash(self):
        costly = stream(anthropic_stream('{"answer": "because"}', tokens=(40000, 500)))
        self.with_tool(turn(("check", {"question": "why"})), costly, *[turn(("final_answer", {}))] * 3, turn(("check", {"question": "how"})), costly, hang(),
                       turn(DONE), tool=ASK, name="check.prompt.md", body=BODY.replace('build")', 'build", retries=1, budget={"tokens": 70000})'))
        self.killed(8)
        self.resume()
        self.assertEqual(len(self.model.requests), 9)

    def test_a_call_whose_record_does_not_fit_is_said_to_be_interrupted(self):
        self.with_tool(turn(("check", {"question": "why"})), hang(), turn(DONE), tool=ASK, name="check.prompt.md")
        self.killed(2)
        self.change("UPDATE workflow_steps SET config = replace(config, 'why', 'how') WHERE step_id LIKE '%.%'")
        self.resume()
        (why, failed), = self.results(2)
        self.assertTrue(failed and why.startswith(INTERRUPTED), why)
        self.assertIn("check does not go on: the rebuilt plan differs from the recorded one at step 1", self.log_of("fix"))

    def test_a_replay_of_a_run_that_went_on_is_whole(self):
        self.test_an_agent_that_is_a_tool_goes_on_from_its_last_turn()
        self.model.scripts.clear()
        replay = self.plue("run", "replay", "1", "--json", expect=0).json
        self.assertEqual((replay["status"], len(self.model.requests)), ("success", 6))


class Acceptance(AgentTest):
    """fix_build.py and issue_helper.py of the acceptance corpus, as they are."""

    def setUp(self):
        super().setUp()
        self.copy_acceptance()
        source = self.repo / "src/calc.c"
        self.good = source.read_text()
        self.commit("base")

    def test_a_broken_build_is_repaired(self):
        broken = self.good.replace(";", "", 1)
        (self.repo / "src/calc.c").write_text(broken)
        sha = self.commit("broken")
        fixed = ("final_answer", {"status": "complete", "summary": "a semicolon", "files_changed": ["src/calc.c"]})
        stuck = ("final_answer", {"status": "complete", "summary": "nothing yet", "files_changed": []})
        self.model.scripts += [turn(("read_file", {"path": "src/calc.c"})), turn(stuck),
                               turn(("write_file", {"path": "src/calc.c", "content": self.good}), ("shell", {"command": "make 2>&1 | tail -1"})),
                               turn(("run_tests", {"pattern": ""})), turn(fixed)]
        event = self.event({"type": "push", "ref": "refs/heads/fix/semicolon", "before": sha, "after": sha})
        self.plue("workflow", "run", "fix_build", "--event", event, expect=0)
        run = self.plue("run", "view", "1", "--json", expect=0).json
        self.assertEqual(run["outputs"], {"attempts": 3})
        self.assertIn("error: expected", self.model.requests[0][2]["messages"][0]["content"][0]["text"])
        result = json.loads(self.results(4)[0][0])
        self.assertEqual((result["passed"], result["failed_tests"]), (True, []))
        self.assertEqual([s["id"] for s in run["steps"]], [
            "build-1", "fixbuilderrors", "log", "build-2", "fixbuilderrors-2", "fixbuilderrors-2.run-tests-1.tests", "log-2", "build-3"])

    def helped(self, *scripts):
        self.model.scripts += scripts
        event = self.event({"type": "issue_comment", "action": "created", "issue": {"number": 3, "title": "It is slow", "body": None},
                            "comment": {"body": "@plue can you help?"}})
        self.plue("workflow", "run", "issue_helper", "--event", event, expect=0)
        run = self.plue("run", "view", "1", "--json", expect=0).json
        return run["outputs"], [s["output"]["body"] for s in run["steps"] if s["type"] == "comment"]

    def test_an_issue_is_answered(self):
        answer = ("final_answer", {"action": "explain", "text": "It is not.", "question": None})
        outputs, comments = self.helped(turn(("grep", {"pattern": "int"}), ("run_tests", {})), turn(answer))
        self.assertEqual((outputs, comments), ({"action": "explain"}, ["It is not."]))

    def test_a_patch_is_applied_and_tested(self):
        (self.repo / "src/new.c").write_text("")
        patch = "--- /dev/null\n+++ b/src/more.c\n@@ -0,0 +1 @@\n+int more;\n"
        answer = ("final_answer", {"action": "patch", "text": patch, "question": None})
        outputs, comments = self.helped(turn(("write_file", {"path": "answer.patch", "content": patch})), turn(answer))
        self.assertEqual((outputs, comments), ({"action": "patch"}, [f"This patch passes the tests:\n\n{patch}"]))

    def test_a_patch_that_does_not_apply_is_said(self):
        answer = ("final_answer", {"action": "patch", "text": "x", "question": None})
        outputs, comments = self.helped(turn(("write_file", {"path": "answer.patch", "content": "nonsense\n"})), turn(answer))
        self.assertEqual(outputs, {"action": "patch"})
        self.assertTrue(comments[0].startswith("My patch did not pass (exit 128); the last lines were:\n\nerror: "), comments)

    def test_a_question_is_asked(self):
        outputs, comments = self.helped(turn(("final_answer", {"action": "ask", "text": "", "question": "Which one?"})))
        self.assertEqual((outputs, comments), ({"action": "ask"}, ["Which one?"]))
