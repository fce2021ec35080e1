"""Logs: what lines tell the runner, searching, attempts, and watching late."""
import base64
import sqlite3

from harness import PlueTest, dedent


class Commands(PlueTest):
    def show(self, lines):
        self.write("lines", lines)
        self.steps_workflow("""ctx.run(name="a", cmd="cat lines")""")
        self.run_ci()
        return self.plue("run", "view", 1, "--step", "a", expect=0).out

    def test_groups_and_annotations_are_shown_as_people_read_them(self):
        self.assertEqual(self.show("::group::Build\nmake\n::endgroup::\n::error file=a.c,line=3,col=7::it%0Abroke\n"
                                   "::warning title=Old::use 50%25\n::notice::n\nplain ::error::no\n"),
                         "▼ Build\nmake\nerror: a.c:3:7: it broke\nwarning: Old: use 50%\nnotice: n\nplain ::error::no\n")

    def test_json_has_the_lines_as_they_came(self):
        self.show("::group::Build\n")
        self.assertEqual(self.log(step="a"), "::group::Build\n")

    def test_add_mask_hides_a_value_from_then_on_in_every_form_and_stream(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo before tok-12345; echo ::add-mask::tok-12345; echo now tok-12345; "
                                      "echo tok-12345 >&2; printf tok-12345 | base64; echo v=tok-12345 >> $PLUE_OUTPUT")
            ctx.run(name="b", cmd="echo later tok-12345")
            return ctx.success(v=a.outputs.v)
            """)
        run = self.run_ci()
        # The step's own earlier line was told already; what it left as values is masked.
        self.assertEqual(sorted(self.log(step="a").splitlines()),
                         sorted(["before tok-12345", "::add-mask::***", "now ***", "***", "***"]))
        self.assertEqual((self.log(step="b"), run["outputs"]), ("later ***\n", {"v": "***"}))

    def test_nothing_is_a_command_while_commands_are_stopped(self):
        self.assertEqual(self.show("::stop-commands::t\n::add-mask::plain\n::t::\nplain\n"), "::add-mask::plain\nplain\n")

    def test_a_mask_is_read_whatever_its_case_and_form(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo ::Add-Mask::one-word; echo 'x ##[add-mask]two-word'; echo one-word two-word")
            """)
        self.run_ci()
        self.assertEqual(self.log(step="a"), "::add-mask::***\n::add-mask::***\n*** ***\n")

    def test_colons_and_commas_are_escaped_in_properties_alone(self):
        self.assertEqual(self.show("::ERROR file=a%2Cb%3Ac.c,line=1,line=2::x%3Ay\nlog ##[warning file=w.c;line=4]%5D%3B\n"),
                         "error: a,b:c.c:2: x%3Ay\nwarning: w.c:4: ];\n")


class Hostile(PlueTest):
    def test_a_hundred_megabytes_without_a_newline_are_kept_in_pieces(self):
        self.steps_workflow("""ctx.run(name="a", cmd="head -c 104857600 /dev/zero | tr '\\\\0' x; echo; echo after")""")
        self.assertEqual(self.outcomes(self.run_ci()), {"a": "success"})
        with sqlite3.connect(self.data / "plue.db") as db:
            rows = db.execute("select length(content), ltrim(content, 'x') from workflow_logs"
                              " where log_type = 'stdout' order by sequence").fetchall()
        self.assertEqual(rows, [(65536, "")] * 1600 + [(5, "after")])

    def test_what_steers_a_terminal_is_kept_and_never_shown(self):
        evil = "\x1b]0;owned\x07\x1b[2Jcleared\x1b[1A \x9b31m\x08\x7f\u202etxt"
        self.write("evil", evil + "\n")
        self.steps_workflow("""ctx.run(name="a", cmd="cat evil; echo ::group::$(cat evil); echo ::error file=$(cat evil)::x; exit 1")""")
        self.plue("workflow", "run", "ci", expect=1)
        self.assertEqual(self.log(step="a").split("\n")[0], evil)
        for args in (("run", "view", 1, "--log"), ("run", "view", 1, "--step", "a"), ("run", "watch", 1), ("run", "view", 1),
                     ("run", "view", 1, "--log-failed"), ("run", "view", 1, "--search", "cleared"), ("why", 1)):
            with self.subTest(args=args):
                result = self.plue(*args)
                for bad in ("\x1b]", "\x1b[2J", "\x1b[1A", "\x07", "\x08", "\x7f", "\x9b", "\u202e"):
                    self.assertNotIn(bad, result.out + result.err)

    def test_nothing_that_is_said_after_the_end_of_a_step_gets_into_its_log(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo said; (trap '' HUP TERM; until [ -e next ]; do sleep 0.02; done; echo late; echo v=late >> $PLUE_OUTPUT) & exit 0")
            ctx.run(name="b", cmd="touch next; sleep 0.5; echo second")
            """)
        self.run_ci()
        self.assertEqual((self.log(step="a"), self.log(step="b")), ("said\n", "second\n"))
        self.assertEqual(self.step(self.view(), "a")["outputs"], {})


class Secrets(PlueTest):
    def test_a_secret_is_masked_across_chunks_and_in_its_escaped_forms(self):
        secret = 'a b"c/ü+'
        self.write("t.py", dedent("""
            import base64, json, os, sys, time, urllib.parse
            t = os.environ["T"]
            for half in (t[:3], t[3:] + "\\n"):
                sys.stdout.write(half)
                sys.stdout.flush()
                time.sleep(0.05)
            print(json.dumps(t, ensure_ascii=False), urllib.parse.quote(t, safe=""))
            print(base64.b64encode(t.encode()).decode(), base64.urlsafe_b64encode(b"x" + t.encode()).decode())
            """))
        self.steps_workflow("""ctx.run(name="a", env={"T": ctx.secrets.TOKEN}, cmd="/usr/bin/python3 t.py")""")
        self.run_ci(env={"PLUE_SECRET_TOKEN": secret})
        log = self.log(step="a")
        self.assertEqual(log.splitlines()[:2], ["***", '"***" ***'])
        self.assertEqual(log.count("***"), 5)
        for form in (secret, "a%20b", "YSBiImMv"):
            self.assertNotIn(form, log)

    def test_a_long_secret_is_masked_in_base64_of_several_lines(self):
        secret, hidden = "".join(f"{i:x}~" for i in range(7, 43)), "".join(f"<{i * 7919:x}>" for i in range(1, 20))
        tools = ("base64", "base64 -w 64", "openssl base64", "/usr/bin/python3 -c 'import base64, sys; "
                 "print(base64.encodebytes(sys.stdin.buffer.read()).decode())'", "base64 | tr +/ -_", "base64 | tee made >&2")
        self.write("t.sh", f"echo '::add-mask::{hidden}'\n" + "".join(
            f"printf %s '{before}'\"${value}\"' tail' | {tool}\n"
            for value in ("T", "H") for before in ("", "q", "qq", "q" * 40) for tool in tools))
        self.steps_workflow(f"""ctx.run(name="a", env={{"T": ctx.secrets.TOKEN, "H": "{hidden}"}}, cmd="sh t.sh")""")
        self.run_ci(env={"PLUE_SECRET_TOKEN": secret})
        shown = "".join(self.log(step="a").split()).replace("-", "+").replace("_", "/")
        for value in (secret, hidden):
            for skew in range(3):
                text = base64.b64encode(b"q" * skew + value.encode())[4:-4].decode()
                found = [text[i:i + 8] for i in range(len(text) - 7) if text[i:i + 8] in shown]
                self.assertEqual(found, [], shown)


class Search(PlueTest):
    def test_only_lines_with_the_text_are_shown(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="printf 'one\\\\nTwo\\\\nthree\\\\n'")
            ctx.run(name="b", cmd="echo two more")
            """)
        self.run_ci()
        self.assertEqual(self.plue("run", "view", 1, "--search", "two", expect=0).out, "a | Two\nb | two more\n")
        self.assertEqual(self.plue("run", "view", 1, "--log", "--step", "a", "--search", "Two", expect=0).out, "Two\n")
        lines = self.plue("run", "view", 1, "--search", "three", "--json", expect=0).json["lines"]
        self.assertEqual([(line["step"], line["line"]) for line in lines], [("a", "three")])

    def test_the_logs_of_attempts_are_kept_apart(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo kept")
            ctx.run(name="b", cmd="echo x >> n; echo attempt $(wc -l < n); [ $(wc -l < n) = 2 ]")
            """)
        self.run_ci(expect=1)
        self.plue("run", "rerun", 1, "--failed", expect=0)

        def shown(*args):
            return self.plue("run", "view", 1, "--log", *args, expect=0).out
        self.assertEqual(shown(), "a | kept\nb | attempt 2\n")
        self.assertEqual(shown("--attempt", 1), "a | kept\nb | attempt 1\n")
        self.assertEqual(shown("--attempt", "all"), "a | kept\nb | attempt 1\nb | attempt 2\n")
        self.assertEqual(shown("--attempt", 1, "--step", "b"), "attempt 1\n")


class Watch(PlueTest):
    def test_joined_late_it_tells_everything_from_the_beginning(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo early")
            ctx.run(name="b", cmd="while [ ! -e go ]; do sleep 0.05; done; echo late")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("b", "running")
        watch = self.start("run", "watch", 1, "--follow")
        self.wait_for(lambda: "early" in open(watch.out_path).read(), "the watcher has told what was before")
        (self.data / "workspaces/1/workspace/go").touch()
        self.finish(process, expect=0)
        out = self.finish(watch, expect=0).out
        self.assertEqual((out.count("a | early"), out.count("b | late")), (1, 1))
