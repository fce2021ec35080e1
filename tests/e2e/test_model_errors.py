"""Every way in which asking a model goes wrong, by what the user reads: code, message and hint, whole; and the log that is kept."""
import json
import shutil
import ssl
import subprocess
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

from model_server import anthropic_stream, status, stream
from test_agents import FIX, AgentTest, turn
from test_models import KEY, TRIAGE, ModelTest

CLIENT = "anthropic/claude-sonnet"
CONTEXT_HINT = "give it less to read (a part of a diff or log, `limit` of a tool), or another client"


class Asking(ModelTest):
    def error(self, *scripts, **more):
        self.triage(*scripts, **more)
        self.run_it(expect=1)
        error = self.step()["error"]
        self.assertNotIn(KEY, json.dumps(error))
        return error["code"], error["message"], error["hint"]

    def test_no_key(self):
        del self.env["ANTHROPIC_API_KEY"]
        self.assertEqual(self.error(), (
            "llm_no_key", f"{CLIENT} needs a key, and ANTHROPIC_API_KEY is not set",
            "plue secret set ANTHROPIC_API_KEY, or set the variable of that name"))

    def test_a_wrong_key(self):
        self.assertEqual(self.error(status(401, "invalid x-api-key")), (
            "llm_wrong_key", f"{CLIENT}: the provider answered 401: invalid x-api-key", "look at ANTHROPIC_API_KEY"))

    def test_an_unknown_model(self):
        self.assertEqual(self.error(status(404, "model: m")), (
            "llm_unknown_model", f"{CLIENT}: the provider answered 404: model: m", "does it know the model 'claude-sonnet-4-5'?"))

    def test_a_name_that_no_server_has(self):
        self.env["ANTHROPIC_BASE_URL"] = "http://api.invalid"
        self.assertEqual(self.error(), ("llm_dns", f"{CLIENT}: Could not resolve host: api.invalid", "look at base_url and at this machine's name service"))

    def test_a_server_that_is_not_there(self):
        self.env["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:1"
        code, message, hint = self.error()
        self.assertEqual((code, hint), ("llm_connect", "look at base_url; is the server running?"))
        self.assertRegex(message, f"^{CLIENT}: Failed to connect to 127.0.0.1 port 1 after")

    @unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate")
    def test_a_certificate_that_nobody_has_signed(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.top / "key",
                        "-out", self.top / "cert", "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(self.path)
        server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.top / "cert", self.top / "key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close(), thread.join()))
        self.env["ANTHROPIC_BASE_URL"] = f"https://127.0.0.1:{server.server_port}"
        self.assertEqual(self.error(), (
            "llm_tls", f"{CLIENT}: SSL certificate problem: self-signed certificate",
            "the server's certificate must be signed by an authority that this machine trusts"))
        self.assertEqual(asked, [])

    def test_a_request_that_the_provider_refuses(self):
        self.assertEqual(self.error(status(400, "max_tokens: 8192 > 4096")), (
            "llm_bad_request", f"{CLIENT}: the provider answered 400: max_tokens: 8192 > 4096", None))

    def test_a_long_message_is_cut_between_characters(self):
        cut = "x" + "é" * 999
        self.assertEqual(self.error(status(400, cut + "é" * 9)), ("llm_bad_request", f"{CLIENT}: the provider answered 400: {cut}\ufffd", None))

    def test_words_without_json_are_cut_between_characters(self):
        said = "x" + "é" * 99
        self.assertEqual(self.error(*[stream(anthropic_stream(said + "é" * 9))] * 3), ("llm_no_json", f"the answer holds no JSON: {said}\ufffd...", None))

    def test_a_prompt_longer_than_the_context(self):
        for i, (client, answer, said) in enumerate((
                (CLIENT, "prompt is too long: 250000 tokens > 200000 maximum", None),
                (CLIENT, "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease input length or `max_tokens` and try again", None),
                ("openai/gpt-5", "This model's maximum context length is 128000 tokens. However, your messages resulted in 250000 tokens.", None)), 1):
            self.triage(status(400, answer, "invalid_request_error"), prompt=TRIAGE.replace(CLIENT, client))
            self.run_it(expect=1)
            error = self.plue("run", "view", str(i), "--json", expect=0).json["steps"][0]["error"]
            self.assertEqual((error["code"], error["message"], error["hint"]), ("llm_context", f"{client}: the provider answered 400: {answer}", CONTEXT_HINT))

    def test_a_context_that_is_full_in_the_middle_of_an_answer(self):
        self.assertEqual(self.error(stream(anthropic_stream('{"severity": ', stop="model_context_window_exceeded"))), (
            "llm_context", "the model's context was full after 5 tokens of its answer", CONTEXT_HINT))

    def test_a_prompt_longer_than_any_context(self):
        error = self.error(prompt=TRIAGE.replace("Judge:", "{% for a in range(2000) %}{% for b in range(2000) %}12345{% endfor %}{% endfor %}"))
        self.assertEqual(error, ("prompt_failed", "the rendered prompt takes more than 16 MiB", CONTEXT_HINT))
        self.assertEqual(self.model.requests, [])

    def test_a_server_that_knows_no_structured_output(self):
        self.assertEqual(self.error(status(400, "output_config: Extra inputs are not permitted")), (
            "llm_bad_request", f"{CLIENT}: the provider answered 400: output_config: Extra inputs are not permitted",
            "where the model has no structured output of its own: structured: tool of a client in .plue/config.yaml"))

    def test_a_storm_of_429(self):
        self.assertEqual(self.error(*[status(429, "slow down")] * 5), (
            "llm_rate_limited", f"{CLIENT}: the provider answered 429: slow down", "it was tried 5 times"))

    def test_a_stream_that_ends_early_each_time(self):
        self.assertEqual(self.error(*[stream(anthropic_stream("{")[:400])] * 5), (
            "llm_stream_broken", f"{CLIENT}: the answer broke off before its end", "it was tried 5 times"))

    def test_an_answer_that_never_fits(self):
        bad = stream(anthropic_stream('{"severity": "mid", "reason": "x"}'))
        self.assertEqual(self.error(*[bad] * 3), (
            "llm_bad_output", "the answer breaks its schema: the answer /severity: expected enum(\"low\", \"high\"), found \"mid\"", None))
        log = self.plue("run", "view", "1", "--log", "--step", "triage", expect=0).out
        self.assertEqual(log.count('{"severity": "mid", "reason": "x"}\n'), 3)

    def test_words_where_json_is_wanted(self):
        self.assertEqual(self.error(*[stream(anthropic_stream("I would rather not."))] * 3),
                         ("llm_no_json", "the answer holds no JSON: I would rather not.", None))


class Kept(AgentTest):
    """An agent has worked for a turn when it goes wrong: what it was told and did is kept, and shown where the failure is."""
    LOG = ["I look.", 'calls read_file {"path":"src/a.txt"}', r"gave: read_file one\ntwo\nthree\n"]
    TRIED = "it was tried 5 times"
    ONE = "1 call, 10 tokens in, 5 out, $0.000105"

    def ends(self, code, message, *scripts, log=(), said=ONE, hint=None, **more):
        first = turn(("read_file", {"path": "src/a.txt"}))
        self.agent(first, *scripts, **more)
        done = self.run_it(expect=1)
        error = self.agent_step()["error"]
        self.assertEqual((error["code"], error["message"], error["hint"]), (code, message, hint))
        kept = self.LOG + list(log) + ([said] if said else [])
        self.assertEqual(self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out.splitlines(), kept)
        # The end of the log stands with the failure, and the failure in the run's view.
        shown = done.out[done.out.index("\n\n✗ fix failed in "):].splitlines()[2:]
        self.assertTrue(shown[0].endswith(": " + message), shown)
        below = ["hint: " + hint] if hint else []
        self.assertEqual([line.strip() for line in shown[1:1 + len(below + kept)]], below + kept)
        view = self.plue("run", "view", "1", expect=0).out
        self.assertEqual(f"  {message}\n    hint: {hint}\n" in view, hint is not None, view)
        self.assertEqual(f"What may mend it: {hint}.\n" in self.plue("why", "1", "fix", expect=0).out, hint is not None)
        self.assertIn(f"  error      step 'fix' failed: {message}\n", view)
        failed = self.plue("run", "view", "1", "--log-failed", expect=0).out.splitlines()
        self.assertEqual(failed, ["fix | " + line for line in kept])
        turns = self.rows("SELECT turn, results FROM transcripts ORDER BY turn")
        self.assertEqual((turns[0][0], json.loads(turns[0][1])[0]["content"]), (1, "one\ntwo\nthree\n"))
        self.assertEqual(self.rows("SELECT COUNT(*) > 0 FROM llm_calls"), [(1,)])
        self.assertEqual(self.model.scripts, [])

    def again(self, why, *, times=4):
        return [f"asked again: {CLIENT}: {why}"] * times

    def test_a_wrong_key(self):
        self.ends("llm_wrong_key", f"{CLIENT}: the provider answered 401: expired", status(401, "expired"), hint="look at ANTHROPIC_API_KEY")

    def test_an_unknown_model(self):
        self.ends("llm_unknown_model", f"{CLIENT}: the provider answered 404: retired", status(404, "retired"),
                  hint="does it know the model 'claude-sonnet-4-5'?")

    def test_a_request_that_the_provider_refuses(self):
        self.ends("llm_bad_request", f"{CLIENT}: the provider answered 400: messages.2: no", status(400, "messages.2: no"))

    def test_a_conversation_longer_than_the_context(self):
        said = "prompt is too long: 250000 tokens > 200000 maximum"
        self.ends("llm_context", f"{CLIENT}: the provider answered 400: {said}", status(400, said), hint=CONTEXT_HINT)

    def test_a_storm_of_429(self):
        self.ends("llm_rate_limited", f"{CLIENT}: the provider answered 429: slow down", *[status(429, "slow down")] * 5, hint=self.TRIED,
                  log=self.again("the provider answered 429: slow down"))

    def test_a_stream_that_ends_early(self):
        whole = anthropic_stream("I was")
        broken = stream(whole[:whole.index("event: content_block_stop")])
        self.ends("llm_stream_broken", f"{CLIENT}: the answer broke off before its end", *[broken] * 5, hint=self.TRIED,
                  log=["I was", f"asked again, the answer above is void: {CLIENT}: the answer broke off before its end"] * 4 + ["I was"])

    def test_json_that_never_becomes_valid(self):
        bad, why = '{"status": "maybe", "summary": "x"}', 'the answer breaks its schema: the answer /status: expected enum("complete", "stuck"), found "maybe"'
        self.ends("llm_bad_output", why, *[stream(anthropic_stream(bad))] * 3, said="4 calls, 40 tokens in, 20 out, $0.000420",
                  log=[bad, "asked again, the answer above is void: " + why] * 2 + [bad])

    def test_an_unknown_tool_and_wrong_arguments_and_paths(self):
        calls = (("rm", {}), ("glob", {"x": 1}), ("read_file", {"path": "/etc/passwd"}))
        self.ends("llm_refused", "the model refused to answer", turn(*calls), stream(anthropic_stream("", stop="refusal")),
                  said="3 calls, 30 tokens in, 15 out, $0.000315", log=[
            "I look.", "calls rm {}", 'calls glob {"x":1}', 'calls read_file {"path":"/etc/passwd"}',
            "refused: rm there is no tool 'rm'; there are: read_file, write_file, edit_file, shell, glob, grep",
            "refused: glob glob: the argument pattern is missing", "refused: read_file path must be relative to the workspace"])

    def test_a_loop(self):
        self.ends("agent_loop", "the agent made the same calls in 5 turns one after the other", *[turn(("glob", {"pattern": "x"}))] * 5,
                  prompt=FIX.replace("max_turns: 6", "max_turns: 8"), hint="its log has the calls; a clearer prompt or a better tool may help", said="6 calls, 60 tokens in, 30 out, $0.000630",
                  log=["I look.", 'calls glob {"pattern":"x"}', r"gave: glob no file matches\n"] * 4 + ["I look."])


class Working(AgentTest):
    def error(self, *scripts, expect=1, **more):
        self.agent(*scripts, **more)
        self.run_it(expect=expect)
        error = self.agent_step()["error"]
        return error["code"], error["message"], error["hint"]

    def log(self):
        return self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out

    def test_a_loop_of_calls(self):
        self.assertEqual(self.error(*[turn(("glob", {"pattern": "x"}))] * 5), (
            "agent_loop", "the agent made the same calls in 5 turns one after the other",
            "its log has the calls; a clearer prompt or a better tool may help"))
        self.assertEqual(self.log().count('calls glob {"pattern":"x"}\n'), 4)

    def test_no_end(self):
        self.assertEqual(self.error(*[turn(("glob", {"pattern": f"{i}"})) for i in range(6)]), (
            "max_turns", "the agent has used its 6 turns without a final answer", "raise max_turns, or ask for less; its log has what it did"))
        self.assertEqual(self.log().count("calls glob"), 5)

    def test_a_path_out_of_the_workspace(self):
        results = self.one(("read_file", {"path": "/etc/passwd"}), ("write_file", {"path": "../x", "content": ""}), ("grep", {"pattern": "x", "path": "/etc"}))
        self.assertEqual(results, [
            ("path must be relative to the workspace", True),
            ("'../x' leads out of the workspace (give a path relative to the repository's top folder)", True),
            ("path must be relative to the workspace", True)])

    def test_two_tools_of_one_name(self):
        self.write(".plue/tools/glob.py", """from plue import tool, schema
@tool(description="Mine.", inputs={}, output=schema(ok=bool))
def glob(ctx):
    return ctx.success(ok=True)
""")
        self.agent(prompt=FIX.replace("grep, dynamic", 'grep, "//tools:glob"'))
        done = self.run_it(expect=2)
        self.assertEqual(self.model.requests, [])
        self.assertIn("  because: .plue/prompts/fix.prompt.md:7:62: there are two tools called 'glob'\n", done.err)
        self.assertTrue(done.err.endswith("  hint: remove one of the two\n"), done.err)
