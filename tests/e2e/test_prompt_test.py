"""plue prompt test: one prompt against a scripted provider: shown live, checked, recorded, replayed, held against an expected answer."""
import json
import signal
from pathlib import Path

from harness import processes_with
from model_server import anthropic_stream, hang, openai_stream, status, stream
from test_agents import DONE, FIX, AgentTest, openai_turn, turn
from test_models import GOOD, KEY, TRIAGE, ModelTest

FILE = ".plue/prompts/triage.prompt.md"
ANSWER = json.loads(GOOD)
TEXT = "---\nname: Say\ntype: llm\ninputs: {what: string}\n---\nSay {{ what }}.\n"


def answer(text=GOOD, **more):
    return stream(anthropic_stream(text, **more))


class PromptTest(ModelTest):
    def setUp(self):
        super().setUp()
        self.write(FILE, TRIAGE)

    def plue_test(self, *args, scripts=(), expect=0):
        self.model.scripts += scripts
        return self.plue("prompt", "test", FILE, *args, expect=expect)


class Trials(PromptTest):
    def test_tokens_on_stderr_answer_on_stdout_usage_and_cost(self):
        done = self.plue_test("--input", "title=a", scripts=[answer(tokens=(1000, 200))])
        self.assertEqual(done.out, json.dumps(ANSWER, indent=2) + "\n")
        self.assertEqual(done.err, GOOD + "\nplue: anthropic/claude-sonnet, 1 call, 1000 tokens in, 200 out, $0.006000\n")
        self.assertEqual(self.model.requests[0][2]["messages"][0]["content"][0]["text"], "Judge: a")

    def test_as_json(self):
        shown = self.plue_test("--input", "title=a", "--json", scripts=[answer(tokens=(1000, 200))])
        self.assertEqual(shown.err, "")
        duration = shown.json["duration_ms"]
        self.assertEqual(shown.json, {
            "prompt": "Triage", "client": "anthropic/claude-sonnet", "model": "claude-sonnet-4-5", "output": ANSWER, "turns": None, "calls": 1,
            "usage": {"input_tokens": 1000, "output_tokens": 200, "cost_usd": 0.006}, "duration_ms": duration})

    def test_an_answer_in_text_and_another_client(self):
        self.write(FILE, TEXT)
        done = self.plue_test("--input", "what=hi", "--client", "openai/gpt-5", scripts=[stream(openai_stream("hi \x1b[31mthere"))])
        self.assertEqual(done.out, "hi \x1b[31mthere\n")
        self.assertEqual(done.err.splitlines()[0], "hi ?[31mthere")
        self.assertEqual(self.model.requests[0][2]["model"], "gpt-5")

    def test_a_repair_is_said(self):
        done = self.plue_test("--input", "title=a", scripts=[answer('{"severity": "mid", "reason": "x"}'), answer()])
        self.assertEqual(json.loads(done.out), ANSWER)
        self.assertIn("plue: asked again, the answer above is void: the answer breaks its schema", done.err)
        self.assertIn(", 2 calls, 20 tokens in, 10 out, ", done.err)

    def test_what_cannot_be_asked(self):
        for args, message in (((), "title"), (("--input", "title=a", "--client", "antropic/x"), "anthropic"),
                              (("--replay", "no.json"), "no.json"), (("--record", "a", "--replay", "b"), "do not go together")):
            self.assertIn(message, self.plue_test(*args, expect=2).err)
        del self.env["ANTHROPIC_API_KEY"]
        self.assertIn("ANTHROPIC_API_KEY is not set", self.plue_test("--input", "title=a", expect=2).err)
        self.write(FILE, TRIAGE.replace("repairs:", "tools: [glob]\nrepairs:"))
        self.assertIn("llm_tools", self.plue_test("--input", "title=a", "--json", expect=2).out)
        self.assertEqual(self.model.requests, [])

    def test_a_failure_of_the_model_exits_1(self):
        shown = self.plue_test("--input", "title=a", "--json", scripts=[status(400, "bad " + KEY)], expect=1)
        self.assertEqual(shown.json["error"]["code"], "llm_bad_request")
        self.assertNotIn(KEY, shown.out + shown.err)

    def test_a_key_from_the_store_and_a_file(self):
        del self.env["ANTHROPIC_API_KEY"]
        self.write("keys", "ANTHROPIC_API_KEY=from-file\n").chmod(0o600)
        self.plue_test("--input", "title=a", "--secret-file", "keys", scripts=[answer()])
        self.env["PLUE_SECRET_ANTHROPIC_API_KEY"] = "from-variable"
        self.plue_test("--input", "title=a", scripts=[answer()])
        self.assertEqual([q[1]["x-api-key"] for q in self.model.requests], ["from-file", "from-variable"])

    def test_an_interrupt_ends_it(self):
        self.model.scripts.append(hang(anthropic_stream(GOOD)[:500]))
        process = self.start("prompt", "test", FILE, "--input", "title=a")
        self.wait_for(lambda: Path(process.err_path).stat().st_size, "the first words")
        process.send_signal(signal.SIGINT)
        done = self.finish(process, expect=3)
        self.assertEqual(done.out, "")
        self.assertTrue(done.err.endswith("\nerror: the model was not waited for\n"), done)


class Records(PromptTest):
    def record(self):
        self.plue_test("--input", "title=a", "--record", "r.json", scripts=[answer('{"severity": 1}'), answer()])
        return json.loads((self.repo / "r.json").read_text())

    def test_a_record_holds_the_calls_and_no_key(self):
        record = self.record()
        self.assertNotIn(KEY, json.dumps(record))
        self.assertEqual({k: v for k, v in record.items() if k != "calls"},
                         {"format": "plue-record", "version": 1, "prompt": FILE, "inputs": {"title": "a"}})
        self.assertEqual([list(c) for c in record["calls"]], [["request_sha256", "client", "request", "answer"]] * 2)
        self.assertEqual([len(c["request"]["messages"]) for c in record["calls"]], [1, 3])
        self.assertEqual(record["calls"][1]["answer"]["usage"], {"input": 10, "output": 5, "cache_read": 0, "cache_write": 0})

    def test_a_replay_needs_no_network_and_no_key(self):
        self.record()
        self.model.close()
        del self.env["ANTHROPIC_API_KEY"]
        done = self.plue_test("--replay", "r.json")
        self.assertEqual(json.loads(done.out), ANSWER)
        self.assertIn("2 calls replayed, 20 tokens in, 10 out", done.err)

    def test_a_replay_says_where_it_diverges(self):
        self.record()
        asked = len(self.model.requests)
        done = self.plue_test("--replay", "r.json", "--input", "title=b", expect=1)
        self.assertEqual(done.err, 'error: anthropic/claude-sonnet: call 1 of the record asked something else: '
                         '/messages/0/content/0/text was "Judge: a", and is "Judge: b" now\n'
                         "  hint: a replay answers what was recorded and nothing else: record it anew\n")
        self.write(FILE, TRIAGE.replace("low | high", "low | high | odd"))
        done = self.plue_test("--replay", "r.json", expect=1)
        self.assertIn("/output_schema/properties/severity/enum/2 was nothing, and is \"odd\" now", done.err)
        self.write(FILE, TRIAGE.replace("repairs: 2", "repairs: 2\ntemperature: 0.5"))
        self.assertIn("/temperature was null, and is 0.5 now", self.plue_test("--replay", "r.json", expect=1).err)
        self.assertEqual(len(self.model.requests), asked)

    def test_a_conversation_of_another_length_diverges(self):
        record = self.record()
        for name, calls, message in (("short", record["calls"][:1], "the record has 1 call, and one more is made"),
                                     ("long", record["calls"] + record["calls"][:1], "1 calls of the record were not asked for")):
            self.write(name, json.dumps({**record, "calls": calls}))
            self.assertIn(message, self.plue_test("--replay", name, expect=1).err)

    def test_what_is_no_record(self):
        record = self.record()
        for text, message in (("{}", "bad is no record of a model's calls"), ("[", "bad"),
                              (json.dumps({**record, "version": 2}), "another version"),
                              (json.dumps({**record, "calls": [{"request_sha256": "x"}]}), "/calls/0 is no call with its answer")):
            self.write("bad", text)
            self.assertIn(message, self.plue_test("--replay", "bad", expect=2).err)

    def test_a_key_in_an_input_is_not_recorded(self):
        shown = self.plue_test("--input", "title=" + KEY, "--record", "r.json", "--json", scripts=[answer()], expect=1)
        self.assertEqual(shown.json["error"]["code"], "record_has_key")
        self.assertFalse((self.repo / "r.json").exists())

    def test_a_failed_conversation_is_recorded_and_replayed(self):
        bad = answer("no json")
        self.plue_test("--input", "title=a", "--record", "r.json", scripts=[bad] * 3, expect=1)
        shown = self.plue_test("--replay", "r.json", "--json", expect=1)
        self.assertEqual(shown.json["error"]["code"], "llm_no_json")

    def test_the_expected_answer(self):
        self.record()
        self.write("same", json.dumps({"reason": ANSWER["reason"], "severity": "low"}))
        self.write("other", json.dumps({**ANSWER, "severity": "high"}))
        self.plue_test("--replay", "r.json", "--expect", "same")
        shown = self.plue_test("--replay", "r.json", "--expect", "other", expect=1)
        self.assertEqual(json.loads(shown.out), ANSWER)
        self.assertIn('error: the answer is not what other expects: at /severity: "low", and not "high"\n', shown.err)
        self.assertEqual(self.plue_test("--replay", "r.json", "--expect", "other", "--json", expect=1).json["error"]["code"], "output_differs")

    def test_the_expected_text(self):
        self.write(FILE, TEXT)
        self.write("hi", "hello\n")
        self.plue_test("--input", "what=x", "--expect", "hi", scripts=[stream(anthropic_stream("hello"))])
        self.plue_test("--input", "what=x", "--expect", "hi", scripts=[stream(anthropic_stream("bye"))], expect=1)


AGENT = ".plue/prompts/fix.prompt.md"


class Agents(AgentTest):
    """A prompt of type agent works with its tools in a sandbox, on a copy that is thrown away."""

    def try_it(self, *scripts, args=(), expect=0, **more):
        self.agent(*scripts, **more)
        self.env["TMPDIR"] = str(self.top / "tmp")
        (self.top / "tmp").mkdir(exist_ok=True)
        done = self.plue("prompt", "test", AGENT, "--input", "goal=Make it build", *args, expect=expect)
        self.assertEqual(list((self.top / "tmp").iterdir()), [])  # nothing is left
        self.assertFalse(self.data.exists())
        self.assertEqual((self.repo / "src/a.txt").read_text(), "one\ntwo\nthree\n")
        return done

    FIXES = (turn(("edit_file", {"path": "src/a.txt", "old": "two", "new": "2"})), turn(("shell", {"command": "cat src/a.txt"})), turn(DONE, text="It \x1b[31mis."))
    ANSWER = {"status": "complete", "summary": "done"}

    def test_it_works_with_tools_and_is_shown_live(self):
        done = self.try_it(*self.FIXES)
        self.assertEqual(json.loads(self.results(2)[0][0])["stdout"], "one\n2\nthree\n")
        self.assertEqual(done.out, json.dumps(self.ANSWER, indent=2) + "\n")
        self.assertEqual(done.err.splitlines(), [
            "* fix turn 1 of 6", "I look.", 'calls edit_file {"path":"src/a.txt","old":"two","new":"2"}', "gave: edit_file src/a.txt is written",
            "* fix turn 2 of 6", "I look.", 'calls shell {"command":"cat src/a.txt"}',
            r'gave: shell {"stdout":"one\n2\nthree\n","stderr":"","exit_code":0}',
            "* fix turn 3 of 6", 'It ?[31mis.{"status":"complete","summary":"done"}', "3 calls, 30 tokens in, 15 out, $0.000315",
            "plue: anthropic/claude-sonnet, 3 turns, 3 calls, 30 tokens in, 15 out, $0.000315"])

    def test_as_json_with_another_client(self):
        shown = self.try_it(openai_turn(DONE), args=("--json", "--client", "openai/own"))
        self.assertEqual((shown.err, self.model.requests[0][2]["model"]), ("", "own"))
        duration = shown.json["duration_ms"]
        self.assertEqual(shown.json, {
            "prompt": "Fix", "client": "openai/own", "model": "own", "output": self.ANSWER, "turns": 1, "calls": 1,
            "usage": {"input_tokens": 10, "output_tokens": 5, "cost_usd": None}, "duration_ms": duration})

    def test_it_is_recorded_and_replayed_and_held_against_an_answer(self):
        self.try_it(*self.FIXES, args=("--record", "r.json"))
        record = json.loads((self.repo / "r.json").read_text())
        self.assertEqual((list(record), len(record["steps"]["fix"]["calls"]), record["inputs"]),
                         (["format", "version", "steps", "prompt", "inputs"], 3, {"goal": "Make it build"}))
        self.assertNotIn(KEY, json.dumps(record))
        self.model.close()
        del self.env["ANTHROPIC_API_KEY"]
        self.write("same", json.dumps(self.ANSWER))
        self.write("other", json.dumps({**self.ANSWER, "status": "stuck"}))
        done = self.plue("prompt", "test", AGENT, "--replay", "r.json", "--expect", "same", expect=0)
        self.assertEqual(json.loads(done.out), self.ANSWER)
        self.assertIn("plue: anthropic/claude-sonnet, 3 turns replayed\n", done.err)
        done = self.plue("prompt", "test", AGENT, "--replay", "r.json", "--expect", "other", expect=1)
        self.assertIn('the answer is not what other expects: at /status: "complete", and not "stuck"', done.err)
        done = self.plue("prompt", "test", AGENT, "--replay", "r.json", "--input", "goal=else", expect=1)
        self.assertIn('/messages/0/content/0/text was "Make it build", and is "else" now', done.err)

    def test_its_failures_exit_1_and_what_is_wrong_before_2(self):
        shown = self.try_it(*[turn(("glob", {"pattern": str(i)})) for i in range(6)], args=("--json",), expect=1)
        self.assertEqual(shown.json["error"]["code"], "max_turns")
        for args, message in ((("--replay", "none.json"), "none.json"), (("--client", "antropic/x"), "anthropic"), (("--input", "gaol=x"), "gaol")):
            self.assertIn(message, self.plue("prompt", "test", AGENT, "--input", "goal=x", *args, expect=2).err)
        self.write(AGENT, FIX.replace("grep, dynamic", '"//tools:none"'))
        self.assertIn("there is no tool //tools:none", self.plue("prompt", "test", AGENT, "--input", "goal=x", expect=2).err)

    def test_tools_of_the_repository_are_called(self):
        self.write(".plue/tools/check.py", """from plue import tool, schema
@tool(description="Check.", inputs={}, output=schema(ok=bool))
def check(ctx):
    ctx.run(name="look", cmd="cat src/a.txt")
    return ctx.success(ok=True)
""")
        done = self.try_it(turn(("check", {})), turn(DONE), prompt=FIX.replace("grep, dynamic", 'grep, "//tools:check"'))
        self.assertEqual(self.results(1), [('{"ok": true}', False)])
        self.assertIn("\nfix.check-1.look | two\n", done.err)

    def test_an_interrupt_kills_what_it_does(self):
        self.agent(turn(("shell", {"command": f"echo begun; sleep {self.nap}"})))
        self.env["TMPDIR"] = str(self.top)
        process = self.start("prompt", "test", AGENT, "--input", "goal=x")
        self.wait_for(lambda: processes_with(self.nap), "the tool runs")
        process.send_signal(signal.SIGINT)
        done = self.finish(process, expect=3)
        self.assertEqual((done.out, processes_with(self.nap), list(self.top.glob("plue-prompt-*"))), ("", [], []))
