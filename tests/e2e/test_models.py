"""Steps that ask a model, against a scripted provider on loopback: answers, repairs, money, and everything that can go wrong."""
import json
import sqlite3

from harness import PlueTest
from model_server import ModelServer, anthropic_stream, hang, openai_stream, status, stream

TRIAGE = """---
name: Triage
type: llm
client: anthropic/claude-sonnet
inputs: {title: string}
output: {severity: low | high, reason: string}
repairs: 2
---
Judge: {{ title }}
"""
GOOD = '{"severity": "low", "reason": "a typo"}'
IMPORTS = "from plue.prompts import Triage\n@workflow(triggers=[manual()])"
BODY = """
    t = Triage(title="x {{ y }}")
    ctx.log("it is " + t.severity)
    if t.severity == "high":
        ctx.fail("too bad")
    ctx.success(reason=t.reason)
"""
KEY = "sk-test-0123456789"


class ModelTest(PlueTest):
    def setUp(self):
        super().setUp()
        self.model = ModelServer()
        self.addCleanup(self.model.close)
        self.env.update(ANTHROPIC_BASE_URL=self.model.url, OPENAI_BASE_URL=self.model.url + "/v1",
                        ANTHROPIC_API_KEY=KEY, OPENAI_API_KEY=KEY)

    def triage(self, *scripts, prompt=TRIAGE, body=BODY):
        self.write(".plue/prompts/triage.prompt.md", prompt)
        self.steps_workflow(body, decorator=IMPORTS)
        self.model.scripts += scripts

    def run_it(self, *args, expect=0):
        return self.plue("workflow", "run", "ci", *args, expect=expect)

    def rows(self, sql):
        db = sqlite3.connect(next(self.data.glob("*.db")))
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def change(self, sql):
        db = sqlite3.connect(next(self.data.glob("*.db")))
        with db:
            db.execute(sql)
        db.close()

    def step(self):
        run = self.plue("run", "view", "1", "--json", expect=0).json
        return next(s for s in run["steps"] if s["type"] == "llm")

    def fails(self, code, message, *scripts, **more):
        self.triage(*scripts, **more)
        done = self.run_it(expect=1)
        error = self.step()["error"]
        self.assertEqual(error["code"], code, done)
        self.assertIn(message, error["message"])
        self.assertEqual(self.model.scripts, [])
        everything = "".join(map(str, self.rows("SELECT * FROM run_events"))) + done.out + done.err + json.dumps(error)
        self.assertNotIn(KEY, everything)
        return error


class Answers(ModelTest):
    def test_an_input_is_checked_when_it_is_known(self):
        body = """
            a = ctx.run(name="a", cmd="echo n=many >> $PLUE_OUTPUT")
            Triage(title=json.loads('{"n": ["' + a.outputs.n + '"]}')["n"])
            """
        error = self.fails("invalid_value", "Triage: input /title: expected str, found an array", body=body)
        self.assertEqual((error["code"], self.model.requests), ("invalid_value", []))

    def test_an_answer_is_the_steps_value_and_decides(self):
        self.triage(stream(anthropic_stream(GOOD, tokens=(1000, 200)), size=11))
        self.run_it()
        self.assertIn("it is low", self.plue("run", "view", "1", "--log", "--step", "log", expect=0).out)
        path, headers, body = self.model.requests[0]
        self.assertEqual((path, headers["x-api-key"], headers["anthropic-version"]), ("/v1/messages", KEY, "2023-06-01"))
        self.assertEqual(body["messages"], [{"role": "user", "content": [{"type": "text", "text": "Judge: x {{ y }}"}]}])
        self.assertEqual(body["output_config"], {"format": {"type": "json_schema", "schema": {
            "type": "object", "properties": {"severity": {"enum": ["low", "high"]}, "reason": {"type": "string"}},
            "required": ["severity", "reason"], "additionalProperties": False}}})
        self.assertNotIn("tools", body)
        self.assertEqual(self.rows("SELECT step_id, try, client, model, stop, input_tokens, output_tokens, cost_microusd, requests FROM llm_usage"),
                         [("triage", 1, "anthropic/claude-sonnet", "m-1", "end", 1000, 200, 6000, 1)])
        log = self.plue("run", "view", "1", "--log", "--step", "triage", expect=0).out
        self.assertIn(GOOD, log)
        self.assertIn("1 call, 1000 tokens in, 200 out, $0.006000", log)

    def asks_by_tool(self, **more):
        """The answer is the forced tool's arguments, checked and repaired as any other; the protocol's own form is not used."""
        self.triage(stream(anthropic_stream('{"severity": "mid"}', tool="give_answer")),
                    stream(anthropic_stream(more.pop("good", GOOD), tool="give_answer")), **more)
        self.run_it()
        first, second = (r[2] for r in self.model.requests)
        self.assertEqual([(t["name"], t["input_schema"]["type"]) for t in first["tools"]], [("give_answer", "object")])
        self.assertEqual(first["tool_choice"], {"type": "tool", "name": "give_answer"})
        self.assertNotIn("output_config", first)
        self.assertIn("/severity", second["messages"][2]["content"][0]["text"])
        self.assertIn("it is low", self.plue("run", "view", "1", "--log", "--step", "log", expect=0).out)

    def test_a_client_may_say_that_its_model_answers_by_a_tool(self):
        self.write(".plue/config.yaml", "clients: {old: {model: anthropic/claude-sonnet, structured: tool}}\n")
        self.asks_by_tool(prompt=TRIAGE.replace("anthropic/claude-sonnet", "old"))

    def test_a_model_of_which_nothing_is_known_answers_by_a_tool(self):
        self.asks_by_tool(prompt=TRIAGE.replace("anthropic/claude-sonnet", "anthropic/claude-of-old"))

    def test_a_schema_that_the_provider_would_refuse_goes_by_a_tool(self):
        self.asks_by_tool(prompt=TRIAGE.replace("reason: string}", "reason: string, more: any}"), good=GOOD.replace("}", ', "more": [1]}'))

    def test_a_client_may_say_that_its_model_is_held_to_schemas(self):
        self.write(".plue/config.yaml", "clients: {own: {model: anthropic/ours, structured: native}}\n")
        self.triage(stream(anthropic_stream('{"severity": "mid"}')), stream(anthropic_stream(GOOD)), prompt=TRIAGE.replace("anthropic/claude-sonnet", "own"))
        self.run_it()
        self.assertEqual([r[2]["output_config"]["format"]["type"] for r in self.model.requests], ["json_schema"] * 2)
        self.assertIn("/severity", self.model.requests[1][2]["messages"][2]["content"][0]["text"])

    def test_the_answer_is_untrusted(self):
        evil = json.dumps({"severity": "low", "reason": "$(touch /tmp/x); 'q'"})
        self.triage(stream(anthropic_stream(evil)), body="""
            t = Triage(title="x")
            ctx.run(name="say", cmd=f"printf %s {t.reason}")""")
        self.run_it()
        self.assertIn("$(touch /tmp/x); 'q'", self.plue("run", "view", "1", "--log", "--step", "say", expect=0).out)

    def test_openai_compatible_servers(self):
        self.triage(stream(openai_stream(GOOD), size=13), prompt=TRIAGE.replace("anthropic/claude-sonnet", "openai/own-model"))
        self.run_it()
        path, headers, body = self.model.requests[0]
        self.assertEqual((path, headers["authorization"], body["model"]), ("/v1/chat/completions", "Bearer " + KEY, "own-model"))
        self.assertEqual(body["response_format"]["type"], "json_schema")
        self.assertEqual(body["stream_options"], {"include_usage": True})
        self.assertEqual(self.rows("SELECT input_tokens, output_tokens, cost_microusd FROM llm_usage"), [(10, 5, None)])

    def test_aliases_prices_and_addresses_come_from_the_configuration(self):
        self.write(".plue/config.yaml", "clients:\n  fast:\n    provider: ollama\n    model: tiny\n"
                   f"    base_url: {self.model.url}/here/\n    prices: {{input: 100, output: 1000}}\n")
        self.triage(stream(openai_stream(GOOD)), prompt=TRIAGE.replace("anthropic/claude-sonnet", "fast"))
        self.run_it()
        path, headers, _ = self.model.requests[0]
        self.assertEqual((path, headers.get("authorization")), ("/here/chat/completions", None))
        self.assertEqual(self.rows("SELECT cost_microusd FROM llm_usage"), [(6000,)])

    def test_a_prompt_without_an_output_answers_in_text(self):
        self.triage(stream(anthropic_stream("Two\nlines", end="\r\n")), prompt=TRIAGE.replace(
            "output: {severity: low | high, reason: string}\n", ""), body="""
            t = Triage(title="x")
            ctx.log("said " + t.text)""")
        self.run_it()
        self.assertIn("said Two", self.plue("run", "view", "1", "--log", "--step", "log", expect=0).out)

    def test_an_answer_that_breaks_its_schema_is_asked_for_again_with_the_violations(self):
        self.triage(stream(anthropic_stream('Here: ```json\n{"severity": "mid", "reason": 1,}\n``` so')),
                    stream(anthropic_stream("I cannot")), stream(anthropic_stream("Well:\n" + GOOD.replace("}", ",}"))))
        self.run_it()
        second, third = (r[2]["messages"] for r in self.model.requests[1:])
        self.assertEqual([m["role"] for m in third], ["user", "assistant", "user", "assistant", "user"])
        asked = second[2]["content"][0]["text"]
        self.assertIn("/severity", asked)
        self.assertIn("/reason", asked)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM llm_usage"), [(3,)])

    def test_a_kept_answer_is_given_without_asking(self):
        prompt = TRIAGE.replace("repairs: 2", "repairs: 2\ncache: true\nbudget: {tokens: 20000}")
        bad = stream(anthropic_stream('{"severity": "mid", "reason": "?"}'))
        self.triage(bad, stream(anthropic_stream(GOOD)), prompt=prompt)
        self.run_it()
        del self.env["ANTHROPIC_API_KEY"]
        self.run_it()
        first, second = (self.plue("run", "view", str(i), "--json", expect=0).json for i in (1, 2))
        self.assertEqual(second["outputs"], first["outputs"])
        self.assertEqual(len(self.model.requests), 2)
        self.assertEqual(self.rows("SELECT run_id, COUNT(*) FROM llm_usage GROUP BY run_id"), [(1, 2)])
        shown = self.plue("run", "view", "2", "--log", expect=0).out
        self.assertIn("answered without the model: the same request was answered in run 1, ", shown)
        self.assertNotIn(KEY, "".join(map(str, self.rows("SELECT * FROM model_answers"))))

    def test_another_request_is_not_answered_by_a_kept_answer(self):
        prompt = TRIAGE.replace("repairs: 2", "cache: true")
        answer = stream(anthropic_stream(GOOD))
        for i, changed in enumerate((prompt, prompt.replace("Judge", "Weigh"), prompt.replace("low | high", "low | high | odd"),
                                     prompt.replace("claude-sonnet", "claude-haiku"), prompt.replace("cache: true", "cache: true\ntemperature: 1"),
                                     prompt.replace("cache: true", "cache: false")), 1):
            self.triage(answer, prompt=changed)
            self.run_it()
            self.assertEqual(len(self.model.requests), i)

    def test_an_answer_with_a_secret_is_not_kept(self):
        self.env["PLUE_SECRET_WORD"] = "a typo"
        self.triage(stream(anthropic_stream(GOOD)), prompt=TRIAGE.replace("repairs: 2", "cache: true"),
                    body=BODY.replace("    t =", '    ctx.run(name="s", cmd="true", env={"W": ctx.secrets.WORD})\n    t =', 1))
        self.run_it()
        self.assertEqual(self.rows("SELECT COUNT(*) FROM model_answers"), [(0,)])

    def test_pause_turn_goes_on(self):
        self.triage(stream(anthropic_stream("I think", stop="pause_turn")), stream(anthropic_stream(GOOD)))
        self.run_it()
        self.assertEqual(self.model.requests[1][2]["messages"][1]["content"], [{"type": "text", "text": "I think"}])


class Failures(ModelTest):
    def test_broken_streams_and_overload_are_asked_again(self):
        whole = anthropic_stream(GOOD)
        self.triage(status(529, "Overloaded", "overloaded_error"), stream(whole[:len(whole) // 2]),
                    status(429, "slow down", "rate_limit_error", retry_after="1"), stream(whole))
        self.run_it()
        self.assertEqual(len(self.model.requests), 4)
        log = self.plue("run", "view", "1", "--log", "--step", "triage", expect=0).out
        self.assertIn("Overloaded", log)
        self.assertIn("broke off", log)

    def test_a_storm_of_429_ends(self):
        self.fails("llm_rate_limited", "slow down", *[status(429, "slow down")] * 5)

    def test_no_key(self):
        del self.env["ANTHROPIC_API_KEY"]
        self.assertIn("ANTHROPIC_API_KEY", self.fails("llm_no_key", "is not set")["hint"])

    def test_a_wrong_key_is_not_shown(self):
        self.fails("llm_wrong_key", "invalid key ***", status(401, f"invalid key {KEY}", "authentication_error"))

    def test_an_unknown_model(self):
        self.fails("llm_unknown_model", "no such model", status(404, "no such model", "not_found_error"))

    def test_an_unknown_client(self):
        self.fails("llm_unknown_client", "there is no provider 'anthropik'", prompt=TRIAGE.replace("client: anthropic", "client: anthropik"))

    def test_a_bad_request_shows_the_providers_message(self):
        self.fails("llm_bad_request", "max_tokens: too large", status(400, "max_tokens: too large", "invalid_request_error"))

    def test_a_wrong_content_type(self):
        self.fails("llm_not_a_stream", "text/html", stream("<html>", kind="text/html"))

    def test_duplicate_ids_and_nonsense_are_asked_again_and_end(self):
        self.fails("llm_bad_answer", "no JSON object", *[stream("data: {nonsense\n\n")] * 5)

    def test_json_that_never_becomes_valid(self):
        self.fails("llm_bad_output", "/severity", *[stream(anthropic_stream('{"severity": "mid", "reason": ""}'))] * 3)

    def test_a_refusal_and_a_cut(self):
        self.fails("llm_refused", "refused", stream(anthropic_stream("", stop="refusal")))

    def test_a_cut(self):
        self.fails("llm_max_tokens", "was cut", stream(anthropic_stream("{", stop="max_tokens")))

    def test_no_server(self):
        self.env["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:1"
        self.fails("llm_connect", "127.0.0.1")

    def test_no_name(self):
        self.env["ANTHROPIC_BASE_URL"] = "http://nowhere.invalid"
        self.fails("llm_dns", "nowhere.invalid")

    def test_no_tls(self):
        self.env["ANTHROPIC_BASE_URL"] = self.model.url.replace("http", "https")
        self.fails("llm_tls", "")

    def test_a_budget_stops_the_call_before_it_is_made(self):
        self.fails("budget_exceeded", "tokens", prompt=TRIAGE.replace("repairs:", "budget: {tokens: 100}\nrepairs:"))
        self.assertEqual(self.model.requests, [])

    def test_a_timeout_ends_in_the_middle_of_a_stream(self):
        self.triage(hang(anthropic_stream(GOOD)[:300]), body='\n    Triage(title="x", timeout="1s")\n')
        self.run_it(expect=1)
        self.assertEqual(self.step()["outcome"], "timed_out")

    def test_a_cancel_ends_it_in_the_middle_of_a_stream(self):
        self.triage(hang(anthropic_stream(GOOD)[:300]))
        run = self.start("workflow", "run", "ci")
        self.assertTrue(self.model.asked.acquire(timeout=60))
        self.plue("run", "cancel", "1", expect=0)
        run.wait(60)
        self.assertEqual(self.step()["outcome"], "cancelled")
