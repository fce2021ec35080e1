"""websearch: a search API of Brave's form on loopback, asked by Plue itself."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from test_agents import DONE, FIX, AgentTest, turn

PROMPT = FIX.replace("glob, grep, dynamic]", "glob, grep, websearch]")
KEY = "brave-0123456789"


class WebSearch(AgentTest):
    def setUp(self):
        super().setUp()
        self.asked, self.answers = [], []
        test = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                test.asked.append((self.command, urlsplit(self.path).path, parse_qs(urlsplit(self.path).query), dict(self.headers)))
                status, body = test.answers.pop(0)
                if status is None:
                    test.held.wait(100)
                    return
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        self.held = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.addCleanup(self.held.set)
        self.url = f"http://127.0.0.1:{self.server.server_port}/res/v1/web/search"
        self.env["BRAVE_API_KEY"] = KEY

    def search(self, *scripts, more="", expect=0):
        self.write(".plue/config.yaml", f"websearch: {{base_url: \"{self.url}\"{more}}}\n")
        self.agent(*scripts, prompt=PROMPT)
        return self.plue("workflow", "run", "ci", "--json", expect=expect)

    def test_the_model_gets_titles_addresses_and_snippets(self):
        rows = [{"title": f"t{i}", "url": f"https://example.org/{i}", "description": "d", "age": "x"} for i in range(8)]
        self.answers = [(200, {"web": {"results": rows}}), (200, {"type": "search"})]
        self.search(turn(("websearch", {"query": "gcc & semicolon é"})), turn(("websearch", {"query": "nothing"})), turn(DONE))
        method, path, query, headers = self.asked[0]
        self.assertEqual((method, path, query), ("GET", "/res/v1/web/search", {"q": ["gcc & semicolon é"], "count": ["5"], "text_decorations": ["false"]}))
        self.assertEqual(headers["X-Subscription-Token"], KEY)
        (text, failed), = self.results(1)
        self.assertEqual((json.loads(text), failed), ([{"title": f"t{i}", "url": f"https://example.org/{i}", "snippet": "d"} for i in range(5)], False))
        self.assertEqual(self.results(2), [("[]", False)])
        # The key is nowhere in what is kept.
        for table in ("workflow_logs", "llm_calls", "transcripts"):
            self.assertNotIn(KEY, str(self.rows(f"SELECT * FROM {table}")))

    def test_failures_are_told_to_the_model(self):
        self.answers = [(401, {}), (429, {}), (500, {}), (200, b"<html>"), (200, b"x" * (5 << 20))]
        self.search(turn(*[("websearch", {"query": f"q{i}"}) for i in range(2)]), turn(("websearch", {"query": "c"})), turn(("websearch", {"query": "d"})),
                    turn(("websearch", {"query": "e"}), ("websearch", {"query": ""})), turn(DONE))
        self.assertEqual(sorted(r[0] for r in self.results(1)), [
            "the search API asks to wait (status 429): search again later, or go on without",
            "the search API refused the request or its key (status 401)"])
        self.assertEqual(self.results(2), [("the search API answered with status 500", True)])
        self.assertTrue(self.results(3)[0][0].startswith("the search API's answer is no JSON: "), self.results(3))
        self.assertEqual(self.results(4), [("the search API's answer is longer than 4 MiB", True), ("a query has from 1 to 400 bytes", True)])

    def test_without_a_key_it_is_off(self):
        del self.env["BRAVE_API_KEY"]
        done = self.search(expect=1)
        error = next(s for s in done.json["steps"] if s["type"] == "agent")["error"]
        self.assertEqual((error["code"], error["message"]), ("websearch_key", "websearch has no key: BRAVE_API_KEY is not set"))
        self.assertEqual(self.model.requests, [])

    def test_a_key_is_no_place_for_headers(self):
        self.env["BRAVE_API_KEY"] = "abcd1234\r\nX-More: yes"
        self.search(turn(("websearch", {"query": "a"})), turn(DONE))
        self.assertEqual((self.results(1), self.asked), ([("BRAVE_API_KEY holds a character that no key has", True)], []))

    def test_an_api_of_ones_own_needs_none(self):
        del self.env["BRAVE_API_KEY"]
        self.answers = [(200, {"web": {"results": []}})]
        self.search(turn(("websearch", {"query": "x"})), turn(DONE), more=", key: \"\"")
        self.assertNotIn("X-Subscription-Token", self.asked[0][3])

    def test_a_replay_searches_nothing(self):
        self.answers = [(200, {"web": {"results": [{"title": "t", "url": "u", "description": "d"}]}})]
        self.search(turn(("websearch", {"query": "x"})), turn(DONE))
        del self.env["BRAVE_API_KEY"]
        self.plue("run", "replay", "1", expect=0)
        self.assertEqual(len(self.asked), 1)

    def test_a_cancel_drops_the_request(self):
        self.answers = [(None, None)]
        self.write(".plue/config.yaml", f"websearch: {{base_url: \"{self.url}\"}}\n")
        self.agent(turn(("websearch", {"query": "x"})), prompt=PROMPT)
        run = self.start("workflow", "run", "ci")
        self.wait_for(lambda: self.asked, "the search is asked")
        self.plue("run", "cancel", "1", expect=0)
        self.finish(run, expect=3)
