"""network=: what a step reaches by a list of hosts, with real servers, real curl and real sockets. All on loopback."""
import http.server
import socketserver
import threading

from harness import PlueTest


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            body = b""
        else:
            self.send_response(200)
            body = b"x" * int(self.path[5:]) if self.path.startswith("/big/") else b"hello " + self.path.encode() + b"\n"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "20")
        self.end_headers()
        self.wfile.write(b"%020d" % len(body))

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Network(PlueTest):
    def serve(self):
        server = Server(("127.0.0.1", 0), Answer)
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def in_step(self, script, hosts, workflow=False):
        """(stdout, stderr) of a step that may reach these hosts."""
        self.write("step.sh", script)
        network = f"network={hosts!r}"
        if workflow:
            self.steps_workflow("""ctx.run(name="a", cmd="bash step.sh")""", f"@workflow(triggers=[manual()], {network})")
        else:
            self.steps_workflow(f"""ctx.run(name="a", cmd="bash step.sh", {network})""")
        self.run_ci()
        return self.log(step="a", stream="stdout"), self.log(step="a", stream="stderr")

    def refusal(self, host, allow=None):
        return f"plue: network: {host} was refused: it is not among the hosts of network=; to allow it, add \"{allow or host}\"\n"

    def test_a_listed_host_is_reached_by_name_and_others_are_not(self):
        server, other = self.serve(), self.serve()
        port, closed = server.server_port, other.server_port
        out, err = self.in_step(f"""
            curl -sS http://localhost:{port}/a
            curl -sS --proxytunnel http://localhost:{port}/b
            curl -s -o /dev/null -w '%{{http_code}}\\n' http://localhost:{closed}/
            curl -s -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:{port}/
            curl -s -o /dev/null -w '%{{http_connect}}\\n' https://example.org/
            true
            """, [f"localhost:{port}"])
        self.assertEqual(out, "hello /a\nhello /b\n403\n403\n403\n")
        self.assertEqual(err, f"plue: network: localhost:{closed} was refused: network= lists the host with another port; "
                              f"to allow it, add \"localhost:{closed}\"\n" + self.refusal(f"127.0.0.1:{port}") +
                         self.refusal("example.org:443"))
        self.assertEqual([path for path, _ in server.asked], ["/a", "/b"])
        self.assertEqual(other.asked, [])

    def test_the_list_of_the_workflow_holds_for_its_steps(self):
        port = self.serve().server_port
        out, _ = self.in_step(f"curl -sS http://localhost:{port}/a", [f"localhost:{port}"], workflow=True)
        self.assertEqual(out, "hello /a\n")

    NO_NETWORK = "it had no network; network= of the step or of the workflow allows it"

    def hints(self, *args, network=None, cmd="exit 1"):
        """The hint of a step that failed in the run's JSON, and whether its end and its view show it."""
        more = f", network={network!r}" if network else ""
        self.steps_workflow(f"""ctx.run(name="a", cmd="{cmd}")""", f"@workflow(triggers=[manual()]{more})")
        out = self.plue("workflow", "run", "ci", *args, expect=1).out
        run = self.plue("run", "list", "--json", expect=0).json["runs"][0]["id"]
        view = self.plue("run", "view", run, expect=0).out
        return (self.step(self.view(run), "a")["error"]["hint"], f"    hint: {self.NO_NETWORK}\n" in out,
                f"    hint: {self.NO_NETWORK}\n" in view)

    def test_a_step_that_failed_without_network_says_so_and_what_allows_it(self):
        self.assertEqual(self.hints(), (self.NO_NETWORK, True, True))
        self.assertEqual(self.hints(cmd="kill -9 $$"), (self.NO_NETWORK, True, True))

    def test_one_that_had_network_does_not(self):
        self.assertEqual(self.hints(network=["example.org:443"]), (None, False, False))
        self.assertEqual(self.hints("--sandbox", "none"), (None, False, False))

    def test_why_names_what_a_failed_step_could_reach(self):
        self.steps_workflow("""ctx.run(name="a", cmd="curl -sS https://other.example/", network=["a.example:443", "b.example"])""")
        self.run_ci(expect=1)
        self.assertIn("Of the network it could reach only a.example:443, b.example; its log names what was refused.\n",
                      self.plue("why", "1", "a", expect=0).out)
        self.assertIn(self.refusal("other.example:443"), self.log(step="a"))

    def test_hosts_that_were_granted_and_never_asked_for_are_told(self):
        port = self.serve().server_port
        other = self.serve().server_port
        self.in_step(f"curl -sf http://127.0.0.1:{port}/a", [f"127.0.0.1:{port}", "example.org:443", f"127.0.0.1:{other}"])
        told = f"granted and never used the host example.org:443, the host 127.0.0.1:{other}."
        self.assertIn(f"It was {told}", self.plue("why", "1", "a", expect=0).out.replace("\n", " "))
        self.assertIn(f"Step 'a' was {told}", self.plue("why", "1", expect=0).out.replace("\n", " "))
        self.in_step(f"curl -sf http://127.0.0.1:{port}/a", [f"127.0.0.1:{port}"])
        self.assertNotIn("never used", self.plue("why", "2", "a", expect=0).out)

    def test_a_plan_shows_what_its_steps_may_use(self):
        self.steps_workflow("""
            ctx.run(name="plain", cmd="true")
            ctx.run(name="a", cmd="true", network=["example.org:443", "example.com"], env={"T": ctx.secrets.TOKEN})
            ctx.run(name="b", cmd="true", network="all")
            """)
        shown = self.plue("workflow", "plan", "ci", expect=0).out
        self.assertIn("\nMay use:\n  a: secret TOKEN; network example.org:443, example.com\n  b: network all\n\n", shown)
        self.steps_workflow('ctx.run(name="plain", cmd="true")')
        self.assertNotIn("May use", self.plue("workflow", "plan", "ci", expect=0).out)

    def test_a_redirect_to_a_host_that_is_not_listed_is_refused(self):
        server, other = self.serve(), self.serve()
        out, err = self.in_step(
            f"curl -sSL -o /dev/null -w '%{{http_code}} %{{num_redirects}}\\n' http://localhost:{server.server_port}"
            f"/to/http://localhost:{other.server_port}/x", [f"localhost:{server.server_port}"])
        self.assertEqual(out, "403 1\n")
        self.assertIn(f"localhost:{other.server_port} was refused", err)
        self.assertEqual(other.asked, [])

    def test_a_name_that_stands_for_this_machine_needs_its_address_listed(self):
        server = self.serve()
        port = server.server_port
        # By hand: curl reads 127.1 as an address, as no_proxy does.
        script = (f"exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://127.1:{port}/ HTTP/1.0\\r\\n\\r\\n' >&3;"
                  " head -n 1 <&3 | cut -d ' ' -f 2")
        out, err = self.in_step(script, [f"127.1:{port}"])
        self.assertEqual(out, "403\n")
        self.assertEqual(err, f"plue: network: 127.1:{port} was refused: its address 127.0.0.1 is not a public one; to allow it, "
                              f"add \"127.0.0.1:{port}\" to network= too\n")
        self.assertEqual(server.asked, [])
        self.data = self.top / "second"
        self.env["PLUE_DATA_DIR"] = str(self.data)
        out, err = self.in_step(script, [f"127.1:{port}", f"127.0.0.1:{port}"])
        self.assertEqual((out, err), ("200\n", ""))

    def test_metadata_and_link_local_addresses_cannot_be_allowed(self):
        hosts = ["169.254.169.254:80", "[fd00:ec2::254]:80", "[fe80::1]:80", "[::ffff:169.254.169.254]:80", "100.100.100.200:80"]
        script = "".join(f"curl -g -s -o /dev/null -w '%{{http_code}}\\n' http://{host}/\n" for host in hosts)
        out, err = self.in_step(script, hosts)
        self.assertEqual(out, "403\n" * len(hosts))
        self.assertEqual(err.count("no step may reach"), len(hosts), err)

    def test_there_is_no_way_round_the_proxy(self):
        port = self.serve().server_port
        self.write("round.py", f"""
import errno, os, socket, struct
def tried(what, call):
    try:
        call()
        print(what, "WORKED")
    except OSError as e:
        print(what, errno.errorcode.get(e.errno, e))
tcp, udp, raw = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW
tried("host's loopback", lambda: socket.create_connection(("127.0.0.1", {port}), 5))
tried("address", lambda: socket.create_connection(("192.0.2.1", 443), 5))
tried("address 6", lambda: socket.create_connection(("2001:db8::1", 443), 5))
tried("metadata", lambda: socket.create_connection(("169.254.169.254", 80), 5))
tried("dns by hand", lambda: socket.socket(socket.AF_INET, udp).sendto(b"x", ("192.0.2.53", 53)))
tried("dns", lambda: socket.getaddrinfo("example.org", 443))
tried("raw", lambda: socket.socket(socket.AF_INET, raw, socket.IPPROTO_ICMP))
tried("packet", lambda: socket.socket(17, raw))
tried("bind to device", lambda: socket.socket(socket.AF_INET, tcp).setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0"))
def route():
    s = socket.socket(socket.AF_NETLINK, raw, 0)
    s.send(struct.pack("IHHIIBBBBBBBBI", 28, 24, 0x605, 1, 0, 2, 0, 0, 0, 254, 4, 0, 1, 0))
    answer = s.recv(4096)
    code = struct.unpack_from("i", answer, 16)[0]
    if code:
        raise OSError(-code, "netlink")
tried("a route", route)
tried("other namespace", lambda: os.open("/proc/1/ns/net", os.O_RDONLY))
print(sorted(os.listdir("/sys/class/net")) if os.path.exists("/sys/class/net") else "no sys")
print([line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line])
""")
        out, _ = self.in_step("python3 round.py", [f"localhost:{port}"])
        self.assertNotIn("WORKED", out.replace("other namespace WORKED", ""))
        self.assertEqual(out.splitlines()[:4], ["host's loopback ECONNREFUSED", "address ENETUNREACH", "address 6 ENETUNREACH",
                                               "metadata ENETUNREACH"])
        self.assertTrue(out.endswith("no sys\n['lo']\n"), out)

    def test_abstract_sockets_of_the_host_are_not_reached(self):
        import socket
        name = f"plue-e2e-{self.nap}"
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind("\0" + name)
        server.listen()
        self.write("abstract.py", f"import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect('\\0{name}')\n    print('reached')\n"
                                  "except OSError as e:\n    print('refused')\n")
        self.assertEqual(self.in_step("python3 abstract.py", ["localhost:9"])[0], "refused\n")

    def test_large_bodies_pass_whole_in_both_directions(self):
        port = self.serve().server_port
        out, err = self.in_step(f"""
            curl -sS http://localhost:{port}/big/50000000 | wc -c
            curl -sS -p http://localhost:{port}/big/50000000 | wc -c
            head -c 30000000 /dev/zero > /tmp/body
            curl -sS --data-binary @/tmp/body http://localhost:{port}/; echo
            curl -sS -p -H Expect: --data-binary @/tmp/body http://localhost:{port}/; echo
            """, [f"localhost:{port}"])
        self.assertEqual((out, err), ("50000000\n50000000\n00000000000030000000\n00000000000030000000\n", ""))

    def test_what_only_the_proxy_should_see_is_not_passed_on(self):
        server = self.serve()
        self.in_step(f"curl -sS -H 'Proxy-Authorization: secret' -H 'X-Hop: 1' -H 'Connection: X-Hop' "
                     f"http://localhost:{server.server_port}/", [f"localhost:{server.server_port}"])
        headers = server.asked[0][1]
        self.assertEqual(headers["Host"], f"localhost:{server.server_port}")
        self.assertEqual(headers["Connection"], "close")
        self.assertEqual([name for name in headers if name.lower().startswith(("proxy", "x-"))], [])

    def test_a_host_that_does_not_answer_is_said(self):
        server = self.serve()
        port = server.server_port
        server.shutdown()
        server.server_close()
        out, err = self.in_step(f"curl -s -o /dev/null -w '%{{http_code}}\\n' http://localhost:{port}/", [f"localhost:{port}"])
        self.assertEqual(out, "502\n")
        self.assertEqual(err, f"plue: network: localhost:{port} was allowed, but not reached: connection refused\n")

    def test_refusals_are_told_a_hundred_times_at_most(self):
        _, err = self.in_step("for i in $(seq 120); do printf 'CONNECT a%d.example:443 HTTP/1.1\\r\\n\\r\\n' $i |"
                              " python3 -c 'import socket,sys; s=socket.create_connection((\"127.0.0.1\",3128));"
                              " s.sendall(sys.stdin.buffer.read()); s.recv(1000)'; done", ["localhost:9"])
        lines = err.splitlines()
        self.assertEqual(len(lines), 100)
        self.assertEqual(lines[-1], "plue: network: further refusals of this step are not shown")

    def test_an_open_connection_ends_with_its_step(self):
        port = self.serve().server_port
        self.steps_workflow(f"""
            ctx.run(name="a", cmd="exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT localhost:{port} HTTP/1.1\\\\r\\\\n\\\\r\\\\n' >&3; head -n 1 <&3", network=["localhost:{port}"])
            ctx.run(name="b", cmd="echo next")
            """)
        self.run_ci()
        self.assertEqual(self.log(step="a"), "HTTP/1.1 200 Connection established\n")
        self.assertEqual(self.log(step="b"), "next\n")

    def test_steps_without_a_list_have_no_proxy(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="env | grep -i proxy || true; (: </dev/tcp/127.0.0.1/3128) 2>/dev/null || echo none", network=[])
            ctx.run(name="b", cmd="env | grep -i proxy || true; (: </dev/tcp/127.0.0.1/3128) 2>/dev/null || echo none")
            """)
        self.run_ci()
        self.assertEqual(self.log(step="a") + self.log(step="b"), "none\nnone\n")

    def test_the_servers_of_a_step_are_its_own(self):
        out, err = self.in_step("python3 -m http.server 8123 >/dev/null 2>&1 & until (: </dev/tcp/127.0.0.1/8123) 2>/dev/null;"
                                " do :; done; curl -s -o /dev/null -w '%{http_code}\\n' http://localhost:8123/", ["example.org"])
        self.assertEqual((out, err), ("200\n", ""))

    def test_connections_past_the_bound_are_closed_and_the_others_serve(self):
        port = self.serve().server_port
        self.write("many.py", f"""
import socket
held = []
def ask():
    s = socket.create_connection(("127.0.0.1", 3128))
    s.settimeout(60)
    s.sendall(b"CONNECT localhost:{port} HTTP/1.1\\r\\n\\r\\n")
    try:
        answer = s.recv(1000)
    except OSError:
        answer = b""
    return s, answer.startswith(b"HTTP/1.1 200")
for i in range(270):
    held.append(ask())
print(sum(ok for _, ok in held), "of", len(held))
for s, _ in held:
    s.close()
while True:
    s, ok = ask()
    if ok:
        break
s.sendall(b"GET /again HTTP/1.0\\r\\n\\r\\n")
print(s.makefile("rb").read().splitlines()[-1].decode())
""")
        out, err = self.in_step("python3 many.py", [f"localhost:{port}"])
        self.assertEqual((out, err), ("256 of 270\nhello /again\n", ""))

    def test_a_killed_step_leaves_no_connection_open(self):
        port = self.serve().server_port
        self.steps_workflow(f"""
            ctx.run(name="a", cmd="exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT localhost:{port} HTTP/1.1\\\\r\\\\n\\\\r\\\\n' >&3; head -n 1 <&3; exec sleep NAP",
                    network=["localhost:{port}"], timeout="1s", continue_on_error=True)
            ctx.run(name="b", cmd="echo next")
            """)
        run = self.run_ci()
        self.assertEqual(self.step(run, "a")["outcome"], "timed_out")
        self.assertEqual(self.log(step="b"), "next\n")

    BIND = """
import os, socket
s = socket.socket()
s.bind(("127.0.0.1", 8123))
s.listen()
client = socket.create_connection(("127.0.0.1", 8123))
server = s.accept()[0]
server.close()      # first: this end waits for strays
client.recv(1)
client.close()
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\\0plue-e2e")
print(os.readlink("/proc/self/ns/net"))
"""

    def test_a_step_after_another_finds_the_network_as_new(self):
        self.write("bind.py", self.BIND)
        self.steps_workflow("""
            for name in ["a", "b", "c"]:
                ctx.run(name=name, cmd="python3 bind.py")
            """)
        self.run_ci()

    def test_steps_side_by_side_have_networks_of_their_own(self):
        self.write("bind.py", self.BIND)
        wait = "touch %s; until [ -e a -a -e b ]; do sleep 0.05; done; python3 bind.py; touch %s.done;" \
               " until [ -e a.done -a -e b.done ]; do sleep 0.05; done"
        self.steps_workflow(f"""
            ctx.run(name="a", cmd="{wait % ('a', 'a')}", depends_on=[])
            ctx.run(name="b", cmd="{wait % ('b', 'b')}", depends_on=[])
            """)
        self.run_ci("--slots", "2")
        self.assertNotEqual(self.log(step="a"), self.log(step="b"))
