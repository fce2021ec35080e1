"""plue run replay: a run again, its models answered from its record: without a network or a key, and where it differs it says so."""
import json

from model_server import anthropic_stream, hang, status, stream
from test_agents import BODY, DONE, FIX, AgentTest, turn
from test_models import GOOD, KEY, TRIAGE

TURNS = (turn(("read_file", {"path": "src/a.txt"}), ("glob", {"pattern": "src/**"})),
         turn(("edit_file", {"path": "src/a.txt", "old": "two", "new": "2"})),
         turn(("shell", {"command": "cat src/a.txt"})), turn(DONE))


class Replay(AgentTest):
    def replay(self, run=1, expect=0, key=None, **more):
        """No provider listens, and no key is set."""
        asked = len(self.model.requests)
        done = self.plue("run", "replay", str(run), "--json", expect=expect,
                         env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": key or ""}, **more)
        self.assertEqual(len(self.model.requests), asked)
        return done

    def log_of(self, run, step):
        return self.plue("run", "view", str(run), "--log", "--step", step, expect=0).out

    def test_an_agents_run_is_repeated_with_its_tools(self):
        self.agent(*TURNS)
        self.run_it()
        done = self.replay()
        self.assertEqual((done.json["id"], done.json["status"]), (2, "success"))
        self.assertIn("it is complete: done", self.log_of(2, "log"))
        self.assertIn("2\n", self.log_of(2, "show"))  # the tools have worked again
        self.assertIn('calls shell {"command":"cat src/a.txt"}', self.log_of(2, "fix"))
        # It cost nothing, and can be replayed itself.
        self.assertEqual(self.rows("SELECT run_id, COUNT(*) FROM llm_usage GROUP BY run_id"), [(1, 4)])
        self.assertEqual(self.replay(2).json["status"], "success")

    def test_an_imported_run_is_replayed_on_the_files_that_came_with_it(self):
        self.agent(*TURNS)
        self.run_it()
        self.plue("run", "export", 1, self.top / "run.plue", expect=0)
        there = {"PLUE_DATA_DIR": str(self.top / "there"), "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": ""}
        self.plue("run", "import", self.top / "run.plue", env=there, expect=0)
        self.write("src/a.txt", "one\ntwo\nthrough\n")
        asked = len(self.model.requests)
        done = self.plue("run", "replay", 1, "--json", env=there, expect=0)
        self.assertEqual((done.json["id"], done.json["status"], len(self.model.requests)), (2, "success", asked))
        log = self.plue("run", "view", 2, "--log", "--step", "fix", env=there, expect=0).out
        self.assertIn("one\\n2\\nthree\\n", log)
        self.assertNotIn("gave another result", log)

    def test_a_record_has_each_message_once_and_no_key(self):
        self.agent(*TURNS)
        self.run_it()
        rows = [json.loads(r) for r, in self.rows("SELECT record FROM llm_calls ORDER BY id")]
        self.assertEqual([(r["messages_before"], len(r["request"]["messages"])) for r in rows], [(0, 1), (1, 2), (3, 2), (5, 2)])
        self.assertEqual([sorted(r["request"]) for r in rows[1:]], [["messages"]] * 3)
        self.assertNotIn(KEY, "".join(map(str, self.rows("SELECT * FROM llm_calls"))))

    def test_another_result_of_a_tool_is_told_and_the_recorded_one_counts(self):
        self.agent(*TURNS)
        self.run_it()
        self.write("src/a.txt", "one\ntwo\nthrough\n")
        self.assertEqual(self.replay().json["status"], "success")
        self.assertIn('read_file gave another result than recorded, which the model gets: from byte 11 it was "ee\\n", and is "ough\\n"',
                      self.log_of(2, "fix"))

    def test_a_tool_that_fails_now_diverges(self):
        self.agent(*TURNS)
        self.run_it()
        self.write("src/a.txt", "one\n2\nthree\n")
        done = self.replay(expect=1)
        step = next(s for s in done.json["steps"] if s["id"] == "fix")
        self.assertEqual(step["error"]["code"], "llm_replay_diverged")
        self.assertIn("in turn 2 the tool edit_file worked when it was recorded, and fails now", step["error"]["message"])

    def test_another_question_diverges_at_its_first_difference(self):
        body = '\n    read = ctx.run(name="read", cmd="cat goal.txt")\n    fix = Fix(goal=read.stdout)\n    ctx.log(fix.summary)'
        self.agent(*TURNS, body=body)
        self.write("goal.txt", "Make it build")
        self.run_it()
        self.write("goal.txt", "Make it fast")
        step = next(s for s in self.replay(expect=1).json["steps"] if s["id"] == "fix")
        self.assertEqual(step["error"]["code"], "llm_replay_diverged")
        self.assertIn('call 1 of the record asked something else: /messages/0/content/0/text was "Make it build", and is "Make it fast" now',
                      step["error"]["message"])

    def test_a_run_without_a_record_says_so(self):
        self.steps_workflow('\n    ctx.run(name="a", cmd="true")')
        self.run_it()
        done = self.replay(expect=2)
        self.assertEqual(done.json["error"]["code"], "no_record")
        self.assertEqual(done.json["error"]["message"], "run 1 has no record of a model's answers")
        self.assertEqual(self.replay(9, expect=2).json["error"]["code"], "run_unknown")

    def test_a_step_whose_record_is_not_whole_says_so(self):
        self.agent(*TURNS)
        self.run_it()
        self.change("UPDATE llm_calls SET record = '' WHERE id = 2")
        step = next(s for s in self.replay(expect=1).json["steps"] if s["id"] == "fix")
        self.assertEqual((step["error"]["code"], step["error"]["message"]), ("no_record", "the record of step 'fix' in run 1 is not whole"))

    def test_a_repaired_answer_is_repeated(self):
        self.agent(turn(("final_answer", {"status": "maybe"})), turn(DONE))
        self.run_it()
        self.assertEqual(self.replay().json["status"], "success")

    def error_of(self, run):
        return next(s for s in self.view(run)["steps"] if s["id"] == "fix")["error"]

    def test_a_call_that_failed_fails_alike(self):
        self.agent(TURNS[0], status(400, "max_tokens: too large", "invalid_request_error"))
        self.run_it(expect=1)
        self.replay(expect=1)
        self.assertEqual(self.error_of(1)["message"], "anthropic/claude-sonnet: the provider answered 400: max_tokens: too large")
        self.assertEqual(self.error_of(2), self.error_of(1))
        self.replay(2, expect=1)
        self.assertEqual(self.error_of(3), self.error_of(1))

    def test_a_run_whose_first_call_failed_has_a_record(self):
        self.agent(status(401, "no " + KEY, "authentication_error"))
        self.run_it(expect=1)
        self.replay(expect=1)
        self.assertEqual((self.error_of(2), self.error_of(2)["code"]), (self.error_of(1), "llm_wrong_key"))
        self.assertNotIn(KEY, str(self.rows("SELECT * FROM llm_calls")))

    def test_a_try_after_a_failed_one_is_what_is_repeated(self):
        self.agent(status(529, "overloaded"), *[status(529, "overloaded")] * 4, *TURNS, body=BODY.replace('build")', 'build", retries=1)'))
        self.run_it()
        self.assertEqual(self.replay().json["status"], "success")

    def test_a_budget_stops_it_at_the_same_call(self):
        self.agent(TURNS[0], body=BODY.replace('build")', 'build", budget={"tokens": 8250})'))
        self.run_it(expect=1)
        self.replay(expect=1)
        self.assertEqual((self.error_of(2), self.error_of(1)["code"]), (self.error_of(1), "budget_exceeded"))

    def test_a_turn_that_a_crash_cut_off_is_repeated(self):
        # The second time the command ends, since the file is there.
        self.agent(turn(("shell", {"command": f"test -e src/b.txt || {{ touch began; sleep {self.nap}; }}"})), turn(("read_file", {"path": "src/a.txt"})), turn(DONE))
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: list(self.data.glob("**/began")), "the tool runs")
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=0)
        self.write("src/b.txt", "")
        self.assertEqual(self.replay().json["status"], "success")
        self.assertIn("shell was cut off when it was recorded, and has ended now; the model is told what it was told then", self.log_of(2, "fix"))

    def test_a_record_is_pruned_with_its_run(self):
        self.agent(*TURNS)
        self.run_it()
        self.change("UPDATE workflow_runs SET completed_at = 1, created_at = 1")
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM llm_calls"), [(0,)])

    def test_an_answer_that_was_kept_is_recorded_too(self):
        prompt = TRIAGE.replace("repairs: 2", "cache: true")
        self.triage(stream(anthropic_stream(GOOD)), prompt=prompt)
        self.run_it()
        self.run_it()
        self.change("DELETE FROM model_answers")
        self.assertEqual(self.replay(2).json["status"], "success")
        self.assertIn("it is low", self.log_of(3, "log"))

    def test_tools_of_the_repository_are_replayed(self):
        check = "from plue import tool\n@tool(inputs={'path': str})\ndef check(ctx):\n    r = ctx.run(name='look', cmd=f'cat {ctx.inputs.path}')\n    return ctx.success(text=r.stdout)\n"
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\n---\n{{ question }}?\n"
        self.write(".plue/tools/check.py", check)
        self.write(".plue/tools/ask.prompt.md", ask)
        self.agent(turn(("check", {"path": "src/a.txt"})), turn(("ask", {"question": "why"})), stream(anthropic_stream("because")), turn(DONE),
                   prompt=FIX.replace("grep, dynamic]", 'grep, "//tools:check", "//tools:ask"]'))
        self.run_it()
        done = self.replay()
        self.assertEqual([s["id"] for s in done.json["steps"]], ["fix", "fix.check-1.look", "fix.ask-2.ask", "log", "show"])
        self.assertIn("two\n", self.log_of(2, "fix.check-1.look"))
        self.assertIn("because", self.log_of(2, "fix.ask-2.ask"))

    def test_a_value_that_a_step_hides_is_not_in_the_record(self):
        body = '\n    a = ctx.run(name="a", cmd="echo ::add-mask::hidden-value-77; cp src/a.txt b.txt; echo hidden-value-77 >> b.txt")\n    fix = Fix(goal="x")\n    ctx.log(fix.summary)'
        self.agent(turn(("read_file", {"path": "b.txt"})), turn(DONE), body=body)
        self.run_it()
        self.assertNotIn("hidden-value-77", "".join(map(str, self.rows("SELECT * FROM llm_calls"))) + json.dumps([r[2] for r in self.model.requests]))
        self.assertEqual(self.replay().json["status"], "success")

    def test_what_a_tools_model_was_asked_is_masked_in_the_record(self):
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\n---\n{{ question }}?\n"
        body = '\n    a = ctx.run(name="a", cmd="echo ::add-mask::hidden-value-77")\n    fix = Fix(goal="x", depends_on=[a])\n    ctx.log(fix.summary)'
        self.write(".plue/tools/ask.prompt.md", ask)
        # The model makes the value up: it was never told.
        self.agent(turn(("ask", {"question": "is it hidden-value-77"})), stream(anthropic_stream("no, hidden-value-77 it is")), turn(DONE), body=body,
                   prompt=FIX.replace("grep, dynamic]", 'grep, "//tools:ask"]'))
        self.run_it()
        kept = "".join(map(str, self.rows("SELECT record FROM llm_calls") + self.rows("SELECT answer, results FROM transcripts")))
        self.assertIn("is it ***", kept)
        self.assertNotIn("hidden-value-77", kept)


    def test_a_run_from_a_recording_is_replayed_without_it(self):
        self.agent(*TURNS)
        self.run_it("--record", self.top / "record.json")
        quiet = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": ""}
        self.plue("workflow", "run", "ci", "--replay", self.top / "record.json", env=quiet, expect=0)
        (self.top / "record.json").unlink()
        self.assertEqual(self.replay(2).json["status"], "success")

    def test_a_replay_that_was_killed_goes_on_with_what_was_recorded(self):
        nap = f"test -e src/b.txt || {{ touch began; sleep {self.nap}; }}; date +%s%N"
        self.agent(turn(("shell", {"command": "date +%s%N"})), turn(("shell", {"command": nap})), turn(DONE))
        self.write("src/b.txt", "")
        self.run_it()
        (self.repo / "src/b.txt").unlink()
        quiet = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": ""}
        run = self.start("run", "replay", "1", env=quiet)
        self.wait_for(lambda: list(self.data.glob("**/began")), "the tool runs")
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "2", env=quiet, expect=0)
        self.assertIn("shell was cut off in this replay; the model gets what was recorded\n", self.log_of(2, "fix"))
        self.write("src/b.txt", "")
        self.assertEqual(self.replay(2).json["status"], "success")

    def test_an_answer_that_a_crash_has_lost_is_no_part_of_the_record(self):
        lost = turn(("edit_file", {"path": "src/a.txt", "old": "two", "new": "lost"}))
        self.agent(TURNS[0], lost, hang(), TURNS[1], TURNS[2], turn(DONE))
        run = self.start("workflow", "run", "ci")
        self.wait_until_asked(3)
        run.kill()
        run.wait(60)
        # The process died after the second answer was recorded and before its turn was, and before it had any effect.
        self.change("DELETE FROM transcripts WHERE turn = 2")
        for file in self.data.glob("**/src/a.txt"):
            file.write_text("one\ntwo\nthree\n")
        self.plue("run", "resume", "1", expect=0)
        self.assertEqual(self.model.requests[3][2], self.model.requests[1][2])
        self.assertEqual(self.replay().json["status"], "success")
        self.assertIn("2\n", self.log_of(2, "show"))

    def test_a_budget_that_tools_have_used_up_stops_it_at_the_same_call(self):
        ask = "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\n---\n{{ question }}?\n"
        self.write(".plue/tools/ask.prompt.md", ask)
        self.agent(turn(("ask", {"question": "why"})), stream(anthropic_stream("because", tokens=(90000, 500))),
                   prompt=FIX.replace("grep, dynamic]", 'grep, "//tools:ask"]'), body=BODY.replace('build")', 'build", budget={"tokens": 95000})'))
        self.run_it(expect=1)
        self.replay(expect=1)
        self.assertEqual((self.error_of(2), self.error_of(1)["code"]), (self.error_of(1), "budget_exceeded"))


class Fork(AgentTest):
    """The record up to a turn, and the model from there."""

    def recorded(self):
        self.agent(*TURNS)
        self.run_it()
        self.model.requests.clear()

    def fork(self, turn_number, *more, scripts=(), expect=0):
        self.model.scripts += scripts
        return self.plue("run", "replay", "1", "--fork-at", str(turn_number), "--json", *more, expect=expect, env={}).json

    def log_of(self, run, step):
        return self.plue("run", "view", str(run), "--log", "--step", step, expect=0).out

    def texts(self, request):
        """Of the request's last message."""
        return [b.get("content") or b.get("text") for b in self.model.requests[request][2]["messages"][-1]["content"]]

    def test_the_model_is_asked_from_the_turn_on_and_tools_have_worked_before(self):
        self.recorded()
        run = self.fork(3, scripts=[turn(("shell", {"command": "cat src/a.txt; echo live"})), turn(DONE)])
        self.assertEqual((run["id"], run["status"]), (2, "success"))
        self.assertEqual(len(self.model.requests), 2)
        self.assertEqual(len(self.model.requests[0][2]["messages"]), 5)
        self.assertEqual(json.loads(self.texts(1)[0])["stdout"], "one\n2\nthree\nlive\n")
        self.assertIn("the record ends here, where the run was forked: anthropic/claude-sonnet is asked from now on", self.log_of(2, "fix"))
        # The fork is a run with a record of its own.
        again = self.plue("run", "replay", "2", "--json", expect=0, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})
        self.assertEqual((again.json["status"], len(self.model.requests)), ("success", 2))

    def test_another_result_of_a_tool_goes_to_the_model(self):
        self.recorded()
        (self.top / "other.txt").write_text("nothing is there\n")
        self.fork(2, "--result", f"read_file={self.top / 'other.txt'}", scripts=[turn(DONE)])
        self.assertEqual(self.texts(0), ["nothing is there\n", "src/a.txt\n"])
        self.assertIn("the result of read_file is the one that the fork gives", self.log_of(2, "fix"))

    def test_another_prompt_is_part_of_the_new_run(self):
        self.recorded()
        other = self.top / "other.prompt.md"
        other.write_text(FIX.replace("{{ goal }}", "Be quick: {{ goal }}"))
        self.fork(2, "--prompt", str(other), scripts=[turn(DONE)])
        self.assertEqual(self.model.requests[0][2]["messages"][0]["content"][0]["text"].strip(), "Be quick: Make it build")
        self.assertEqual(len(self.model.requests[0][2]["messages"]), 3)
        self.assertEqual((self.repo / ".plue/prompts/fix.prompt.md").read_text(), FIX)
        self.assertEqual(self.plue("verify", "2").status, 0)

    def test_another_client_is_asked(self):
        self.recorded()
        self.fork(4, "--client", "anthropic/other-model", scripts=[turn(DONE)])
        self.assertEqual([r[2]["model"] for r in self.model.requests], ["other-model"])

    QUIET = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": ""}

    def replays(self, run):
        """The run is repeated without a model."""
        asked = len(self.model.requests)
        done = self.plue("run", "replay", str(run), "--json", env=self.QUIET)
        self.assertEqual((done.json["status"], len(self.model.requests)), ("success", asked), done)
        return done.json

    def test_a_fork_by_another_client_is_replayed_and_forked_again_by_it(self):
        self.recorded()
        self.fork(3, "--client", "anthropic/other-model", scripts=[turn(("glob", {"pattern": "*"})), turn(DONE)])
        self.replays(2)
        self.model.scripts += [turn(DONE)]
        again = self.plue("run", "replay", "2", "--fork-at", "4", "--json", expect=0).json
        self.assertEqual((again["id"], [r[2]["model"] for r in self.model.requests]), (4, ["other-model"] * 3))
        self.assertEqual(len(self.model.requests[2][2]["messages"]), 7)
        self.replays(4)

    def test_a_fork_of_a_fork_with_another_prompt_and_result(self):
        self.recorded()
        other, result = self.top / "other.prompt.md", self.top / "result.txt"
        other.write_text(FIX.replace("{{ goal }}", "Be quick: {{ goal }}"))
        result.write_text("nothing\n")
        self.fork(2, "--prompt", str(other), scripts=[turn(("glob", {"pattern": "src/*"})), turn(DONE)])
        self.model.scripts += [turn(DONE)]
        self.plue("run", "replay", "2", "--fork-at", "3", "--result", f"glob={result}", "--json", expect=0)
        first, *_, last = self.model.requests[-1][2]["messages"]
        self.assertEqual((first["content"][0]["text"].strip(), last["content"][0]["content"]), ("Be quick: Make it build", "nothing\n"))
        self.replays(3)

    def test_a_result_that_is_put_in_may_be_of_a_tool_that_fails_now(self):
        self.recorded()
        (self.top / "read.txt").write_text("all of it\n")
        (self.repo / "src/a.txt").unlink()
        self.write("src/b.txt", "")
        self.fork(2, "--result", f"read_file={self.top / 'read.txt'}", scripts=[turn(DONE)], expect=1)  # its last step reads the file
        self.assertEqual(self.texts(0), ["all of it\n", "src/a.txt\n"])

    def test_a_secret_in_a_result_that_is_put_in_is_masked(self):
        self.env["PLUE_SECRET_WORD"] = "s3cret-word-77"
        self.agent(*TURNS, body='\n    a = ctx.run(name="a", cmd="true", env={"W": ctx.secrets.WORD})\n    fix = Fix(goal="x", depends_on=[a])')
        self.run_it()
        self.model.requests.clear()
        (self.top / "other.txt").write_text("it says s3cret-word-77\n")
        self.fork(2, "--result", f"read_file={self.top / 'other.txt'}", scripts=[turn(DONE)])
        self.assertEqual(self.texts(0)[0], "it says ***\n")
        self.assertNotIn("s3cret-word-77", "".join(map(str, self.rows("SELECT record FROM llm_calls"))))

    def test_a_fork_that_was_killed_goes_on_as_a_fork(self):
        for options, first in (((), "anthropic/claude-sonnet"), (("--client", "anthropic/other-model"), "anthropic/other-model")):
            with self.subTest(options=options):
                self.setUp()
                self.recorded()
                self.model.scripts += [turn(("glob", {"pattern": "*"})), hang(), turn(DONE)]
                while self.model.asked.acquire(blocking=False):
                    pass
                run = self.start("run", "replay", "1", "--fork-at", "3", *options)
                self.wait_until_asked(2)
                run.kill()
                run.wait(60)
                self.plue("run", "resume", "2", expect=0)
                self.assertEqual([len(r[2]["messages"]) for r in self.model.requests], [5, 7, 7])
                self.assertEqual(self.model.requests[2][2], self.model.requests[1][2])
                self.replays(2)

    def test_a_fork_that_was_killed_within_the_record_goes_on_there(self):
        nap = f"test -e src/b.txt || {{ touch began; sleep {self.nap}; }}"
        self.agent(turn(("read_file", {"path": "src/a.txt"})), turn(("shell", {"command": nap})), turn(DONE))
        self.write("src/b.txt", "")
        self.run_it()
        (self.repo / "src/b.txt").unlink()
        self.model.requests.clear()
        self.model.scripts += [turn(DONE)]
        run = self.start("run", "replay", "1", "--fork-at", "3", "--client", "anthropic/other-model")
        self.wait_for(lambda: list(self.data.glob("**/began")), "the tool runs")
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "2", expect=0)
        self.assertEqual([len(r[2]["messages"]) for r in self.model.requests], [5])

    def test_a_result_that_was_put_in_counts_after_a_crash_too(self):
        self.recorded()
        (self.top / "other.txt").write_text("nothing is there\n")
        self.model.scripts += [turn(("glob", {"pattern": "*"})), hang(), turn(DONE)]
        while self.model.asked.acquire(blocking=False):
            pass
        run = self.start("run", "replay", "1", "--fork-at", "2", "--result", f"read_file={self.top / 'other.txt'}")
        self.wait_until_asked(2)
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "2", expect=0)
        self.assertEqual(self.model.requests[2][2], self.model.requests[1][2])
        self.assertEqual(self.model.requests[2][2]["messages"][2]["content"][0]["content"], "nothing is there\n")

    def test_a_prompt_that_is_put_in_is_checked(self):
        self.recorded()
        rows = [("no frontmatter", "the file does not begin with a frontmatter"), (FIX.replace("goal: string", "aim: string").replace("{{ goal }}", "{{ aim }}"),
                 "TypeError: Fix() got an unexpected keyword argument 'goal'"),
                (FIX.replace("summary: string", "sum: string"), "AttributeError: the output of Fix has no attribute 'summary'"),
                (FIX.replace("{{ goal }}", "{{ goal"),
                 "unexpected end of template, expected 'end of print statement'.")]
        for text, wanted in rows:
            with self.subTest(text=text):
                (self.top / "bad.prompt.md").write_text(text)
                error = self.plue("run", "replay", "1", "--fork-at", "2", "--prompt", str(self.top / "bad.prompt.md"), "--json").json["error"]
                self.assertEqual(error["message"], wanted)
        self.assertEqual(self.model.requests, [])

    def refused(self, *options):
        error = self.plue("run", "replay", "1", "--json", *options, expect=2).json["error"]
        return error["message"], error["hint"]

    def test_a_step_of_a_tool_is_forked_with_its_agent(self):
        self.write(".plue/tools/ask.prompt.md", "---\nname: Ask\nclient: anthropic/claude-sonnet\ninputs: {question: string}\n---\n{{ question }}?\n")
        self.agent(turn(("ask", {"question": "why"})), stream(anthropic_stream("because")), turn(DONE), prompt=FIX.replace("grep, dynamic]", 'grep, "//tools:ask"]'))
        self.run_it()
        self.assertEqual(self.refused("--fork-at", "1", "--step", "fix.ask-1.ask"), (
            "--step fix.ask-1.ask: it is a step of a tool that an agent called", "fork the agent, with --result for what the tool gives: one of fix"))
        self.model.requests.clear()
        (self.top / "other.txt").write_text("never")
        self.fork(2, "--result", f"ask={self.top / 'other.txt'}", scripts=[turn(DONE)])
        self.assertEqual(self.texts(0), ["never"])
        self.replays(2)

    def test_the_refusal_of_a_final_answer_is_no_result(self):
        self.agent(turn(("final_answer", {"status": "maybe"})), turn(DONE))
        self.run_it()
        (self.top / "x").write_text("x")
        self.assertEqual(self.refused("--fork-at", "2", "--result", f"final_answer={self.top}/x"),
                         ("--result final_answer: turn 1 made no such call", "it called: nothing"))

    def test_what_cannot_be_forked_is_said(self):
        self.recorded()
        (self.top / "x").write_text("x")
        rows = [
            (["--fork-at", "5"], "--fork-at 5: the step 'fix' had 4 turns", "give a turn from 1 to 4"),
            (["--fork-at", "0"], "--fork-at must be a positive number, not '0'", None),
            (["--fork-at", "2", "--step", "log"], "--step log: it is no step of run 1 that asks a model", "add --step with one of: fix"),
            (["--fork-at", "2", "--result", f"shell={self.top}/x"], "--result shell: turn 1 made no such call", "it called: read_file (toolu_0), glob (toolu_1)"),
            (["--fork-at", "1", "--result", f"shell={self.top}/x"], "--result shell: turn 0 made no such call", "it called: nothing"),
            (["--client", "x/y"], "--client belongs to --fork-at", "add --fork-at TURN: the first turn that the model is asked for"),
            (["--fork-at", "2", "--result", "x"], "--result x: give it as TOOL=FILE", "TOOL is the name of a tool that the turn before called, or the call's id"),
            (["--fork-at", "2", "--client", "antropic/x"], "there is no provider 'antropic'", "did you mean 'anthropic'?"),
            (["--fork-at", "99999999999999999999"], "--fork-at must be a positive number, not '99999999999999999999'", None),
            (["--fork-at", "-1"], "--fork-at must be a positive number, not '-1'", None),
            (["--fork-at", "2", "--prompt", "/nowhere"], "--prompt: /nowhere cannot be read: No such file or directory", None),
        ]
        for options, message, hint in rows:
            with self.subTest(options=options):
                error = self.plue("run", "replay", "1", "--json", *options, expect=2).json["error"]
                self.assertEqual(error["message"], message)
                if hint:
                    self.assertEqual(error["hint"], hint)
        self.assertEqual(self.model.requests, [])

    def test_a_step_that_was_not_reached_then_is_asked_live(self):
        body = """
    fix = Fix(goal="Make it build")
    if fix.status == "stuck":
        again = Fix(goal="Again")
        ctx.log(again.summary)"""
        self.agent(*TURNS, body=body)
        self.run_it()
        stuck = ("final_answer", {"status": "stuck", "summary": "no"})
        run = self.fork(4, scripts=[turn(stuck), turn(DONE)])
        self.assertEqual([(s["id"], s["status"]) for s in run["steps"]], [("fix", "success"), ("fix-2", "success"), ("log", "success")])
