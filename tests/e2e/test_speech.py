"""What a model says and its tools do, while it happens: events, lines of logs, --follow and watchers."""
import json
import sqlite3
import time

from model_server import anthropic_events, head, stream
from test_agents import AgentTest, BODY, DONE, turn


def events_text(events):
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def thoughtful(thinking, text, stop="end_turn"):
    """An answer whose thinking comes before its text, in pieces of 5 and 7."""
    events = anthropic_events(text, stop=stop)
    pieces = [thinking[i:i + 5] for i in range(0, len(thinking), 5)]
    for e in events:
        if "index" in e:
            e["index"] = 1
    events[1:1] = [{"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
                   *({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": p}} for p in pieces),
                   {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
                   {"type": "content_block_stop", "index": 0}]
    return stream(events_text(events))


class SpeechTest(AgentTest):
    def events(self):
        return self.plue("run", "watch", "1", "--json").json_lines

    def joined(self, events, kind="llm_token"):
        return "".join(e["token"] for e in events if e["type"] == kind)


class Events(SpeechTest):
    def test_all_that_happens_in_an_agent_is_an_event_in_its_place(self):
        self.agent(turn(("read_file", {"path": "src/a.txt"}), ("rm", {}), text="First\nI look."), turn(DONE, text="Good."))
        self.run_it()
        events = [e for e in self.events() if e.get("step_id") == "fix"]
        short = []
        for e in events:
            kind = e["type"]
            if kind == "step_output":
                short.append((e["stream"], e["line"]))
            elif kind == "llm_token" and short[-1][0] == kind:
                short[-1] = (kind, short[-1][1] + e["token"])
            else:
                rest = {k: v for k, v in e.items() if k not in ("run_id", "seq", "time", "type", "step_id")}
                short.append((kind, rest.get("token", rest)))
        names = "there is no tool 'rm'; there are: read_file, write_file, edit_file, shell, glob, grep"
        final = '{"status":"complete","summary":"done"}'
        wanted = [
            ("step_started", {"name": "Fix", "step_type": "agent", "attempt": 1}),
            ("agent_turn", {"turn": 1, "max_turns": 6}),
            ("llm_token", "First\nI look."), ("token", "First"), ("token", "I look."),
            ("tool_start", {"call_id": "toolu_0", "tool": "read_file", "input": {"path": "src/a.txt"}}),
            ("tool_call", 'calls read_file {"path":"src/a.txt"}'),
            ("tool_start", {"call_id": "toolu_1", "tool": "rm", "input": {}}), ("tool_call", "calls rm {}"),
            ("tool_end", {"call_id": "toolu_1", "tool": "rm", "output": names, "success": False}), ("tool_result", f"refused: rm {names}"),
            ("tool_end", {"call_id": "toolu_0", "tool": "read_file", "output": "one\ntwo\nthree\n", "success": True}),
            ("tool_result", r"gave: read_file one\ntwo\nthree\n"),
            ("agent_turn", {"turn": 2, "max_turns": 6}),
            ("llm_token", "Good."), ("token", "Good."), ("llm_token", final), ("token", final),
            ("system", "2 calls, 20 tokens in, 10 out, $0.000210"),
            ("step_completed", {"success": True, "status": "success", "outcome": "success"})]
        # Lines of a text may stand before or after pieces of it.
        order = lambda found: sorted(found, key=lambda e: e[0] not in ("llm_token", "token"))
        self.assertEqual([e for e in short if e[0] not in ("llm_token", "token")], [e for e in wanted if e[0] not in ("llm_token", "token")])
        self.assertEqual(self.joined(events), "First\nI look.Good." + final)
        self.assertEqual([e for e in short if e[0] == "token"], [e for e in wanted if e[0] == "token"])
        self.assertEqual([e["seq"] for e in self.events()], list(range(1, len(self.events()) + 1)))
        step = self.agent_step()
        self.assertEqual((step["turns"], step["usage"]), (2, {"input_tokens": 20, "output_tokens": 10, "cost_usd": 0.00021}))
        self.assertEqual(self.view()["usage"], {"input_tokens": 20, "output_tokens": 10, "cost_usd": 0.00021})

    def test_thinking_is_told_apart_from_words(self):
        self.agent(thoughtful("Hm.\nA ::add-mask::done b", '{"status": "stuck", "summary": "done"}'))
        self.run_it()
        events = self.events()
        self.assertEqual(self.joined(events, "llm_thinking"), "Hm.\nA ::add-mask::done b")
        self.assertEqual(self.joined(events), '{"status": "stuck", "summary": "done"}')
        kinds = [e["type"] for e in events if e["type"].startswith("llm_")]
        self.assertEqual(kinds, sorted(kinds, reverse=False, key=lambda k: k == "llm_token"))
        lines = [(line["stream"], line["line"]) for line in
                 self.plue("run", "view", "1", "--log", "--step", "fix", "--json", expect=0).json["lines"]]
        self.assertEqual(lines[:3], [("system", "thinks: Hm."), ("system", "thinks: A ::add-mask::done b"),
                                     ("token", '{"status": "stuck", "summary": "done"}')])

    def test_what_a_model_says_commands_no_log(self):
        self.agent(turn(("glob", {"pattern": "*"}), text="::add-mask::complete\n::group::x\n::debug::y"), turn(DONE))
        self.run_it()
        log = self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out
        self.assertTrue(log.startswith("::add-mask::complete\n::group::x\n::debug::y\n"), log)
        self.assertIn('"status":"complete"', log)

    def test_a_secret_is_masked_wherever_pieces_are_cut(self):
        secret = "s3cret-value-1234"
        body = """
    ctx.run(name="leak", cmd="true", env={"TOKEN": ctx.secrets.TOKEN})
    fix = Fix(goal="x")"""
        self.agent(turn(("glob", {"pattern": secret}), text=f"It is {secret}, {secret[:9]} and{secret}"), turn(DONE), body=body)
        (self.repo / "secrets.env").write_text(f"TOKEN={secret}\n")
        self.run_it("--secret-file", "secrets.env")
        events = self.events()
        self.assertTrue(self.joined(events).startswith("It is ***, s3cret-va and***"), self.joined(events))
        self.assertEqual([e["input"] for e in events if e["type"] == "tool_start"], [{"pattern": "***"}])
        self.assertEqual([r for r in self.rows("SELECT data FROM run_events") if secret in str(r)], [])

    def test_a_slow_disk_gets_few_pieces_and_no_other_order(self):
        text = json.dumps({"status": "stuck", "summary": "word " * 60})

        def slowly(handler, _):
            head(handler)
            locked = sqlite3.connect(next(self.data.glob("*.db")), isolation_level=None)
            while True:  # the run's own writes go on until the lock is had
                try:
                    locked.execute("BEGIN IMMEDIATE")
                    break
                except sqlite3.OperationalError:
                    time.sleep(0.01)
            for e in anthropic_events(text):
                handler.wfile.write(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode())
                handler.wfile.flush()
                time.sleep(0.005)
            locked.execute("ROLLBACK")
            locked.close()
        self.agent(slowly)
        self.run_it()
        events = self.events()
        tokens = [e for e in events if e["type"] == "llm_token"]
        self.assertEqual(self.joined(events), text)
        self.assertLess(len(tokens), 8, tokens)  # of 48

    def test_long_arguments_and_results_are_told_by_their_start(self):
        self.agent(turn(("write_file", {"path": "src/b.txt", "content": "x" * 100000})), turn(DONE))
        self.run_it()
        start, = (e for e in self.events() if e["type"] == "tool_start")
        self.assertTrue(start["input"].startswith('{"path":"src/b.txt","content":"xxx'), start["input"][:100])
        self.assertTrue(start["input"].endswith(" [65536 of 100033 bytes]"), start["input"][-100:])


class Follow(SpeechTest):
    def test_follow_shows_turns_words_calls_and_results(self):
        self.agent(turn(("glob", {"pattern": "src/*"})), turn(DONE))
        shown = self.run_it("--follow")
        wanted = ["* fix running", "* fix turn 1 of 6", "fix | I look.", 'fix | calls glob {"pattern":"src/*"}', r"fix | gave: glob src/a.txt\n",
                  "* fix turn 2 of 6", "fix | I look.", 'fix | {"status":"complete","summary":"done"}']
        lines = iter((shown.out + shown.err).splitlines())
        for line in wanted:
            self.assertTrue(any(line == found for found in lines), f"{line}\n{shown}")
        self.assertIn('"type": "agent_turn"', self.plue("run", "watch", "1", "--json").out)
