"""MCP servers as tools of agents, in the run's sandbox: independent ones from npm, and one of our own that misbehaves."""
import json
import shutil
import sqlite3
import unittest
from pathlib import Path

from harness import ROOT
from model_server import hang
from test_agents import BODY, DONE, FIX, AgentTest, turn

SERVER = (Path(__file__).parent / "mcp_server.py").read_text()
PACKAGES = ROOT / "tests/mcp/node_modules"
ENDED = """
    ctx.run(name="after", cmd="ls ended stayed cancelled.json 2> /dev/null || true")"""


class McpTest(AgentTest):
    def served(self, *scripts, mode="good", more="", body=BODY, tools=None):
        """An agent whose one tool is our server, called odd."""
        self.write("mcp_server.py", SERVER)
        prompt = FIX.replace("[read_file, write_file, edit_file, shell, glob, grep, dynamic]",
                             tools or "[{mcp: odd, command: python3 mcp_server.py %s%s}, read_file, dynamic]" % (mode, more))
        self.agent(*scripts, prompt=prompt, body=body)

    def offered(self):
        return [t["name"] for t in self.model.requests[0][2]["tools"]]

    def agent_log(self):
        return self.plue("run", "view", "1", "--log", "--step", "fix", expect=0).out

    def refused(self, mode, **more):
        """The error of a step whose server cannot be used; no model was asked."""
        self.served(mode=mode, **more)
        self.run_it(expect=1)
        self.assertEqual(self.model.requests, [])
        error = self.agent_step()["error"]
        self.assertEqual(error["code"], "mcp_server")
        return error["message"] + (" | " + error["hint"] if error["hint"] else "")


@unittest.skipUnless(PACKAGES.exists(), "npm ci in tests/mcp was not run")
class IndependentServers(McpTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(PACKAGES, self.repo / "node_modules", symlinks=True)

    def test_the_everything_server_is_understood(self):
        tools = "[{mcp: all, command: node node_modules/@modelcontextprotocol/server-everything/dist/index.js, allow: [echo, get-sum, get-tiny-image, get-structured-content]}]"
        self.served(turn(("all__echo", {"message": "hello; $(touch x)"}), ("all__get-sum", {"a": 2, "b": 40}), ("all__get-sum", {"a": "two", "b": 40})),
                    turn(("all__get-tiny-image", {})), turn(DONE), tools=tools)
        self.run_it()
        self.assertEqual(sorted(self.offered()), ["all__echo", "all__get-structured-content", "all__get-sum", "all__get-tiny-image", "final_answer"])
        self.assertEqual(self.results(1), [("Echo: hello; $(touch x)", False), ("The sum of 2 and 40 is 42.", False),
                                           ("all__get-sum: argument /a: expected a number, found a string", True)])
        (image, failed), = self.results(2)
        self.assertIn("[image of type image/png, ", image)
        self.assertFalse(failed)

    def test_the_filesystem_server_works_on_the_workspace_and_nothing_else(self):
        tools = '[{mcp: files, command: node node_modules/@modelcontextprotocol/server-filesystem/dist/index.js /workspace, deny: ["move_*"]}]'
        self.served(turn(("files__write_file", {"path": "/workspace/src/a.txt", "content": "by mcp\n"}), ("files__read_text_file", {"path": "/etc/passwd"})),
                    turn(("files__read_text_file", {"path": "/workspace/src/a.txt"})), turn(DONE), tools=tools)
        self.run_it()
        self.assertNotIn("files__move_file", self.offered())
        (_, wrote), (why, failed) = self.results(1)
        self.assertEqual((wrote, failed), (False, True))
        self.assertIn("Access denied", why)
        self.assertEqual(self.results(2), [("by mcp\n", False)])
        self.assertIn("by mcp\n", self.plue("run", "view", "1", "--log", "--step", "show", expect=0).out)


class OwnServer(McpTest):
    def test_its_tools_are_called_and_what_it_asks_for_is_answered(self):
        self.served(turn(("odd__echo", {"text": "é\n"})), turn(("odd__fail", {"text": "x"}), ("odd__picture", {"text": ""}), ("odd__data", {"text": ""})),
                    turn(("odd__echo", {"text": 7}), ("odd__nothing", {}), ("read_file", {"path": "src/a.txt"})), turn(DONE), body=BODY + ENDED)
        self.run_it()
        self.assertEqual(self.offered()[:3], ["read_file", "odd__echo", "odd__fail"])
        self.assertEqual(self.results(1), [(json.dumps(["é\n", [{}, -32601]]), False)])
        self.assertEqual(self.results(2), [("it failed: x", True), ("[image of type image/png, 4 bytes of base64, is not shown]\n[resource file:///x]\nof y", False), ('{"n":1}', False)])
        self.assertEqual(self.results(3), [("odd__echo: argument /text: expected a string, found an integer", True),
                                           ("there is no tool 'odd__nothing'; there are: read_file, odd__echo, odd__fail, odd__slow, odd__picture, odd__die, odd__long, odd__data, odd__noise, odd__busy", True),
                                           ("one\ntwo\nthree\n", False)])
        self.assertIn("odd: echoing é", self.agent_log())
        # It was told that its input ends, and ended.
        self.assertIn("ended\n", self.plue("run", "view", "1", "--log", "--step", "after", expect=0).out)

    def test_long_answers_are_given_by_their_ends(self):
        self.served(turn(("odd__long", {"text": ""})), turn(DONE))
        self.run_it()
        (text, _), = self.results(1)
        self.assertIn("bytes left out here", text)
        self.assertLess(len(text), 40000)

    def test_what_it_writes_beside_its_answers_disturbs_nothing(self):
        self.served(turn(("odd__busy", {"text": ""})), turn(DONE))
        self.run_it()
        self.assertEqual(self.results(1), [("done", False)])
        log = self.agent_log()
        self.assertEqual((log.count("odd: line "), log.count("odd: line 4999 xxx")), (5000, 1))

    def test_a_call_that_takes_too_long_is_cancelled(self):
        self.served(turn(("odd__slow", {"text": ""})), turn(("odd__echo", {"text": "on"})), turn(DONE), more=", timeout: 3s",
                    body=BODY + "\n    ctx.run(name=\"sent\", cmd=\"cat cancelled.json\")")
        self.run_it()
        self.assertEqual(self.results(1), [("odd: no answer within 3 s: the call was cancelled", True)])
        self.assertEqual(self.results(2), [(json.dumps(["on", [{}, -32601]]), False)])
        sent = json.loads(self.plue("run", "view", "1", "--log", "--step", "sent", "--json", expect=0).json["lines"][0]["line"])
        self.assertEqual((sent["method"], sent["params"]), ("notifications/cancelled", {"requestId": 3, "reason": "it took too long"}))

    def test_a_server_that_dies_is_told_to_the_model(self):
        self.served(turn(("odd__die", {"text": ""})), turn(("odd__echo", {"text": "?"})), turn(DONE))
        self.run_it()
        self.assertEqual(self.results(1), [("odd: it ended with exit code 7: no way\nout", True)])
        self.assertEqual(self.results(2), [("the MCP server odd has ended: its tools are gone", True)])
        self.assertIn("odd: no way", self.agent_log())

    def test_a_server_that_breaks_the_protocol_is_used_no_more(self):
        self.served(turn(("odd__noise", {"text": ""}), ("odd__echo", {"text": "?"})), turn(("odd__echo", {"text": "?"})), turn(DONE))
        self.run_it()
        noise = "odd: the server wrote what is no message: oops"
        self.assertEqual(self.results(1), [(noise, True), (noise, True)])
        self.assertEqual(self.results(2), [("the MCP server odd has ended: its tools are gone", True)])

    def test_a_server_that_does_not_end_is_killed(self):
        self.served(turn(DONE), mode="stays", body=BODY + ENDED)
        self.run_it()
        self.assertIn("stayed\n", self.plue("run", "view", "1", "--log", "--step", "after", expect=0).out)

    def test_servers_that_cannot_be_used_fail_the_step_before_a_model_is_asked(self):
        start = "the MCP server odd cannot be used: "
        rows = [
            ("exits", {}, start + "it ended with exit code 3: cannot find my keys"),
            ("chatty", {}, start + "the server wrote what is no message: Server listening! | its standard output is for messages alone; the rest goes to stderr"),
            ("old", {}, start + "the server speaks version '1999-01-01' of the protocol, which is not known here | known are 2025-06-18, 2025-03-26 and 2024-11-05"),
            ("toolless", {}, start + "the server offers no tools"),
            ("many", {}, start + "the server has more than 200 tools"),
            ("good", {"more": ", allow: [eco]"}, start + "allow= names 'eco', and it has no such tool | it has: echo, fail, slow, picture, die, long, data, noise, busy"),
        ]
        for mode, more, wanted in rows:
            with self.subTest(mode=mode, **more):
                shutil.rmtree(self.data, ignore_errors=True)
                self.assertEqual(self.refused(mode, **more), wanted)

    def test_a_program_that_is_not_there_is_said(self):
        got = self.refused("", tools="[{mcp: odd, command: no-such-server --stdio}]")
        self.assertIn("cannot be used: it ended with exit code 127: /plue/script: line 1: no-such-server: command not found", got)
        self.assertIn("install the server there", got)

    def test_odd_tools_are_left_out_and_said(self):
        self.served(turn(DONE), mode="odd")
        self.run_it()
        self.assertEqual(self.offered(), ["read_file", "odd__echo", "odd__fail", "final_answer"])
        log = self.agent_log()
        for line in ("odd: the tool 'a b' is left out: models take names of at most 64 letters, digits, _ and -, odd__ included",
                     "odd: arguments of 'echo' are not checked here: ",
                     "odd: the tool 'fail' is listed twice: the first one counts",
                     "odd: the tool 'bare' is left out: its inputSchema is no object"):
            self.assertIn(line, log)

    def test_a_list_in_pages_is_read_whole(self):
        self.served(turn(DONE), mode="pages")
        self.run_it()
        self.assertEqual(self.offered(), ["read_file"] + ["odd__" + n for n in ("echo", "fail", "slow", "picture", "die", "long", "data", "noise", "busy")] + ["final_answer"])

    def test_a_cancel_kills_it_in_every_state(self):
        for mode, scripts in (("hangs", []), ("good", [turn(("odd__slow", {"text": ""}))]), ("good", [hang()])):
            with self.subTest(mode=mode, scripts=len(scripts)):
                shutil.rmtree(self.data, ignore_errors=True)
                self.model.requests.clear()
                self.served(*scripts, mode=mode)
                run = self.start("workflow", "run", "ci")
                self.wait_for(lambda: self.model.requests if scripts else self.processes(), "the server runs")
                self.plue("run", "cancel", "1", expect=0)
                self.finish(run, expect=3)
                self.wait_for(lambda: not self.processes(), "the server is dead")

    def processes(self):
        """Processes of our server in this test's workspaces."""
        # As the mount's own file system names it.
        found, where = [], f"/{self.top.name}/{self.data.name}/".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"mcp_server.py" in words and any(where in m for m in self.mounts(folder)):
                found.append(folder.name)
        return found

    def mounts(self, folder):
        try:
            return (folder / "mountinfo").read_bytes().splitlines()
        except OSError:
            return []


class Environment(McpTest):
    def test_what_earlier_steps_added_reaches_a_server(self):
        adds = '''
    ctx.run(name="adds", cmd='mkdir bin; printf "#!/bin/sh\\nexec python3 mcp_server.py good\\n" > bin/serve-odd; chmod +x bin/*; echo $PWD/bin >> $PLUE_PATH; echo KIND=odd >> $PLUE_ENV')'''
        self.served(turn(("odd__echo", {"text": "x"})), turn(DONE), tools="[{mcp: odd, command: serve-$KIND}]", body=adds + BODY)
        self.run_it()
        self.assertEqual(self.results(1), [('["x", [{}, -32601]]', False)])


class Grants(McpTest):
    def reaches(self, *scripts):
        host = self.model.url.removeprefix("http://")
        self.served(*scripts, tools='[{mcp: odd, command: "curl -s -o /dev/null http://%s/; exec python3 mcp_server.py good", '
                                    'network: ["%s", "example.org:443"]}]' % (host, host))
        return self.start("workflow", "run", "ci")

    def test_hosts_that_a_server_was_granted_and_never_asked_for_are_told(self):
        self.finish(self.reaches(turn(("odd__echo", {"text": "x"})), turn(DONE)))
        told = "granted and never used the host example.org:443 of the MCP server odd."
        self.assertIn(f"It was {told}", self.plue("why", "1", "fix", expect=0).out.replace("\n", " "))
        self.assertIn(f"Step 'fix' was {told}", self.plue("why", "1", expect=0).out.replace("\n", " "))

    def test_after_a_crash_nothing_is_said_of_a_servers_hosts(self):
        run = self.reaches(turn(("odd__echo", {"text": "x"})), hang(), turn(DONE))
        for _ in range(2):
            self.assertTrue(self.model.asked.acquire(timeout=60))
        run.kill()
        run.wait(60)
        self.plue("run", "resume", "1", expect=0)
        self.assertNotIn("never used", self.plue("why", "1", "fix", expect=0).out)


class Plans(McpTest):
    def test_a_workflow_names_a_server_and_the_plan_shows_it(self):
        self.served(body='\n    fix = Fix(goal="x", tools=[mcp("odd", command="python3 mcp_server.py", allow=["echo"], network=["example.org:443"], timeout="5s")])')
        path = self.repo / ".plue/workflows/ci.py"
        path.write_text(path.read_text().replace("read_file, grep, glob", "read_file, grep, glob, mcp"))
        plan = self.plan()
        self.assertEqual(plan["steps"][0]["config"]["tools"][0], {
            "name": "odd", "builtin": False, "path": None, "repo": None, "ref": None,
            "config": {"allow": ["echo"], "deny": None, "timeout_ms": 5000, "command": "python3 mcp_server.py", "network": ["example.org:443"]}})

    def test_bad_servers_are_errors_where_they_stand(self):
        rows = [
            ("{mcp: odd}", "tools: a mapping is an MCP server, with its name and its command"),
            ("{mcp: a_b, command: x}", "mcp: 'a_b' is no name of a server"),
            ("{mcp: odd, command: x, timeout: soon}", "timeout: expected a number of seconds or a duration"),
            ("{mcp: odd, command: x, network: [\"http://x\"]}", "network: 'http://x' is not a host and a port"),
            ("{mcp: odd, command: x, allow: echo}", "allow: expected a list of texts, found a text"),
            ("{mcp: odd, comand: x}", "a tool has no key 'comand'"),
        ]
        for tool, wanted in rows:
            with self.subTest(tool=tool):
                self.served(tools=f"[{tool}]")
                error = self.plan_error()
                self.assertIn(wanted, json.dumps(error, ensure_ascii=False).replace('\\"', '"'))

    def test_untrusted_text_cannot_be_a_servers_command(self):
        self.served(body='\n    fix = Fix(goal="x", tools=[mcp("odd", command="python3 " + ctx.inputs.name)])')
        path = self.repo / ".plue/workflows/ci.py"
        path.write_text(path.read_text().replace("read_file, grep, glob", "read_file, grep, glob, mcp").replace("manual()", 'manual(inputs={"name": str})'))
        error = self.plan_error("--input", "name=x; rm -rf y")
        self.assertEqual((error["code"], error["message"]), ("unsafe_command", "mcp(command=): a part of it comes from outside"))
