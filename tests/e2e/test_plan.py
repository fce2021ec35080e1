"""plue workflow plan: what a workflow file becomes."""
import json
import subprocess

from harness import PlueTest

PUSH = {"type": "push", "ref": "refs/heads/main", "sha": "0123456789abcdef0123456789abcdef01234567"}
HOSTILE = "'; touch /tmp/owned; echo \"$(id) `id` \\\n# x"


class Shape(PlueTest):
    def test_keys_and_their_order(self):
        self.steps_workflow("""ctx.run(name="install", cmd="npm ci", env={"A": "1"}, timeout="1m30s", retries=2)""",
                            decorator='@workflow(triggers=[manual()], image="node:22")')
        plan = self.plan()
        self.assertEqual(list(plan), ["version", "workflow", "source", "event", "triggers", "image", "dockerfile",
                                      "steps", "awaits", "result", "worst_case"])
        self.assertEqual((plan["version"], plan["workflow"], plan["event"], plan["image"]), (1, "ci", "manual", "node:22"))
        self.assertEqual(list(plan["source"]), ["path", "sha256", "files"])
        self.assertEqual(plan["source"]["path"], ".plue/workflows/ci.py")
        [step] = plan["steps"]
        self.assertEqual(list(step), ["id", "name", "type", "config", "depends_on"])
        self.assertEqual(step["config"], {
            "cmd": "npm ci", "env": {"A": "1"}, "cwd": None, "shell": None, "image": None, "network": None, "cache": None,
            "artifacts": None, "outputs": None, "timeout_ms": 90000, "retries": 2, "continue_on_error": False,
            "when": "on_success", "idempotent": True})
        self.assertEqual(plan["awaits"], None)
        self.assertEqual(plan["result"], {"status": "success", "outputs": {}, "reason": None})

    def test_the_same_source_gives_the_same_bytes(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo")
            ctx.run(name="b", cmd=f"echo {a.stdout}", env={k: a.stdout for k in {"Z", "A", "M"}})
            """)
        first = self.plue("workflow", "plan", "ci", "--json", expect=0).out
        self.assertEqual(first, self.plue("workflow", "plan", "ci", "--json", expect=0).out)

    def test_without_json_a_plan_is_shown_for_people(self):
        self.steps_workflow("""ctx.run(name="build it", cmd="make")""")
        result = self.plue("workflow", "plan", "ci", expect=0)
        self.assertIn("build-it", result.out)

    def test_an_unknown_workflow_has_a_suggestion(self):
        self.steps_workflow("pass", name="deploy")
        result = self.plue("workflow", "plan", "deplyo", expect=2)
        self.assertIn("deploy", result.err)


class Ids(PlueTest):
    def ids(self, body):
        self.steps_workflow(body)
        return [s["id"] for s in self.plan()["steps"]]

    def test_ids_come_from_names_and_are_made_unique_in_order(self):
        self.assertEqual(self.ids("""
            for name in ["Run tests", "run-tests", "RUN  TESTS!", "é a", "a"]:
                ctx.run(name=name, cmd="true")
            """), ["run-tests", "run-tests-2", "run-tests-3", "a", "a-2"])

    def test_unnamed_steps_are_named_by_their_first_words(self):
        [first] = self.ids("""ctx.run(cmd="npm ci")""")
        self.assertEqual(first, "npm-ci")

    def test_a_group_has_an_id_of_its_own(self):
        self.assertEqual(self.ids("""
            ctx.parallel([ctx.run(name="a", cmd="true")])
            ctx.parallel([ctx.run(name="b", cmd="true")])
            """), ["a", "parallel-1", "b", "parallel-2"])


class Order(PlueTest):
    def edges(self, body):
        self.steps_workflow(body)
        return {s["id"]: s["depends_on"] for s in self.plan()["steps"]}

    def test_a_step_comes_after_the_one_before(self):
        self.assertEqual(self.edges("""
            ctx.run(name="a", cmd="true")
            ctx.run(name="b", cmd="true")
            ctx.run(name="c", cmd="true")
            """), {"a": [], "b": ["a"], "c": ["b"]})

    def test_depends_on_replaces_the_order(self):
        self.assertEqual(self.edges("""
            a = ctx.run(name="a", cmd="true")
            b = ctx.run(name="b", cmd="true", depends_on=[])
            ctx.run(name="c", cmd="true", depends_on=a)
            ctx.run(name="d", cmd="true", depends_on=[a, b])
            """), {"a": [], "b": [], "c": ["a"], "d": ["a", "b"]})

    def test_members_of_a_group_follow_what_preceded_it_and_the_group_follows_them(self):
        self.assertEqual(self.edges("""
            ctx.run(name="a", cmd="true")
            g = ctx.parallel([ctx.run(name="b", cmd="true"), ctx.run(name="c", cmd="true")])
            ctx.run(name="d", cmd="true")
            ctx.run(name="e", cmd="true", depends_on=[g])
            """), {"a": [], "b": ["a"], "c": ["a"], "parallel-1": ["b", "c"], "d": ["parallel-1"], "e": ["parallel-1"]})

    def test_using_a_result_makes_the_dependency(self):
        edges = self.edges("""
            a = ctx.run(name="a", cmd="true")
            b = ctx.run(name="b", cmd="true", depends_on=[])
            ctx.run(name="c", cmd=f"echo {a.stdout}", depends_on=[b])
            ctx.run(name="d", cmd="true", env={"X": b.stdout}, depends_on=[])
            """)
        self.assertEqual((sorted(edges["c"]), edges["d"]), (["a", "b"], ["b"]))

    def test_a_group_refuses_an_older_step(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="true")
            ctx.parallel([a, ctx.run(name="b", cmd="true")])
            """)
        self.assertEqual(self.plan_error()["at"]["line"], 4)

    def test_a_group_refuses_a_decision_among_its_members(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="true")
            ctx.parallel([ctx.run(name="b", cmd="true"), ctx.run(name="c" if a.ok else "d", cmd="true")])
            """)
        results = self.top / "results.json"
        results.write_text('{"a": {"exit_code": 0}}')
        error = self.plan_error("--results", results)
        self.assertEqual(error["at"]["line"], 4)


class Deferred(PlueTest):
    def test_a_result_that_is_passed_on_is_an_expression(self):
        self.steps_workflow("""
            build = ctx.run(name="build", cmd="make")
            tests = ctx.run(name="run tests", cmd="make test")
            ctx.run(name="use", cmd="true", env={
                "A": build.stdout, "B": tests.outputs.version, "C": build.stdout.strip().upper(), "D": f"<{build.exit_code}>",
                "E": "$expr", "F": str(build.exit_code + 1)})
            """)
        env = self.plan()["steps"][2]["config"]["env"]
        self.assertEqual(env["A"], {"$expr": "steps.build.stdout"})
        self.assertEqual(env["B"], {"$expr": 'steps["run-tests"].outputs.version'})
        self.assertEqual(env["C"], {"$expr": "steps.build.stdout.strip().upper()"})
        self.assertEqual(env["E"], "$expr")
        self.assertIn("steps.build.exit_code", env["D"]["$expr"])
        self.assertIn("steps.build.exit_code", env["F"]["$expr"])

    def test_a_decision_is_an_await_and_results_let_the_plan_grow(self):
        self.steps_workflow("""
            tests = ctx.run(name="test", cmd="make test")
            if tests.failed:
                ctx.run(name="report", cmd="tail log", when="always")
                return ctx.fail(f"exit code {tests.exit_code}")
            return ctx.success(ok=True)
            """)
        plan = self.plan()
        self.assertEqual([s["id"] for s in plan["steps"]], ["test"])
        self.assertEqual(plan["result"], None)
        self.assertEqual(plan["awaits"], {"step": "test", "steps": ["test"], "for": "if tests.failed",
                                          "at": {"path": ".plue/workflows/ci.py", "line": 4, "column": 8}})
        results = self.top / "results.json"
        results.write_text('{"test": {"exit_code": 2}}')
        grown = self.plan("--results", results)
        self.assertEqual(([s["id"] for s in grown["steps"]], grown["awaits"]), (["test", "report"], None))
        self.assertEqual(grown["result"]["status"], "fail")
        results.write_text('{"test": {"exit_code": 0}}')
        self.assertEqual(self.plan("--results", results)["result"],
                         {"status": "success", "outputs": {"ok": True}, "reason": None})

    def test_results_of_unknown_steps_are_refused(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""")
        results = self.top / "results.json"
        results.write_text('{"b": {"exit_code": 0}}')
        self.assertIn("b", self.plan_error("--results", results)["message"])

    def test_deciding_places_are_awaits(self):
        for decide in ("bool(a.stdout)", "len(a.stdout)", "a.stdout and 1", "'x' in a.stdout", "[c for c in a.stdout]",
                       "a.exit_code is None", "sorted(a.stdout)", "max(a.exit_code, 1)", "list(map(str, a.stdout))",
                       "{a.stdout: 1}", "[1, 2][a.exit_code]", "a.exit_code == 0 or 1", "not a.ok", "any([a.ok])"):
            with self.subTest(decide=decide):
                self.steps_workflow(f"""
                    a = ctx.run(name="a", cmd="true")
                    x = {decide}
                    """)
                awaits = self.plan()["awaits"]
                self.assertEqual((awaits["step"], awaits["at"]["line"]), ("a", 4))

    def test_places_that_pass_on_are_no_awaits(self):
        for use in ("str(a.exit_code)", "a.exit_code + 1", "a.stdout[1:3]", "f'{a.stdout}'", "a.stdout.split(',')[0]", "-a.exit_code",
                    "json.loads(a.stdout).x", "a.exit_code == 0", "a.stdout % 1", "int(a.stdout)", "json.dumps([a.stdout])",
                    "round(a.duration)"):
            with self.subTest(use=use):
                self.steps_workflow(f"""
                    a = ctx.run(name="a", cmd="true")
                    x = {use}
                    """)
                self.assertEqual(self.plan()["awaits"], None)

    def test_mutating_a_deferred_value_is_refused(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="true")
            x = json.loads(a.stdout)
            x["k"] = 1
            """)
        self.assertEqual(self.plan_error()["at"]["line"], 5)

    def test_a_literal_object_with_the_key_of_an_expression_is_kept_as_a_literal(self):
        self.steps_workflow("""return ctx.success(x={"$expr": "steps.a.stdout"})""")
        self.assertEqual(self.plan()["result"]["outputs"], {"x": {"$literal": {"$expr": "steps.a.stdout"}}})


class Events(PlueTest):
    def test_an_events_fields_are_there_and_missing_known_ones_are_none(self):
        self.steps_workflow("""
            e = ctx.event
            return ctx.success(type=e.type, ref=e.ref, sha=e.sha, pr=e.pull_request, comment=e.comment)
            """, decorator="@workflow(triggers=[push()])")
        outputs = self.plan("--event", self.event(PUSH))["result"]["outputs"]
        self.assertEqual(outputs, {"type": "push", "ref": PUSH["ref"], "sha": PUSH["sha"], "pr": None, "comment": None})

    def test_an_unknown_field_is_an_attribute_error(self):
        self.steps_workflow("return ctx.success(x=ctx.event.colour)", decorator="@workflow(triggers=[push()])")
        error = self.plan_error("--event", self.event(PUSH))
        self.assertIn("colour", error["message"])
        self.assertEqual(error["at"]["line"], 3)

    def test_an_unknown_type_of_event_is_an_error(self):
        self.steps_workflow("pass")
        self.assertIn("blorp", self.plan_error("--event", self.event({"type": "blorp"}))["message"])

    def test_an_event_that_is_no_json_has_a_place(self):
        self.steps_workflow("pass")
        path = self.top / "e.json"
        path.write_text('{"type": \n}')
        error = self.plan_error("--event", path)
        self.assertEqual(error["at"]["line"], 2)

    def test_a_missing_event_file_is_named(self):
        self.steps_workflow("pass")
        self.assertIn("gone.json", self.plan_error("--event", "gone.json")["message"])

    def test_inputs_are_checked_and_typed(self):
        self.steps_workflow(
            "return ctx.success(n=ctx.inputs.n, s=ctx.inputs.s, d=ctx.inputs.get('s', 'default'))",
            decorator='@workflow(triggers=[manual(inputs={"n": int, "e": enum("a", "b"), "s": optional(str)})])')
        outputs = self.plan("--input", "n=5", "--input", "e=a")["result"]["outputs"]
        self.assertEqual(outputs, {"n": 5, "s": None, "d": "default"})
        error = self.plan_error("--input", "n=x", "--input", "e=c", "--input", "q=1")
        text = json.dumps(error)
        for part in ("/n", "/e", "q"):
            self.assertIn(part, text)

    def test_every_trigger_is_recorded(self):
        self.steps_workflow("pass", decorator="""
@workflow(triggers=[
    push(branches=["main"], tags=["v*"], paths=["src/**", "!**/*.md"]),
    pull_request(types=["opened"], branches=["main"], paths=["a"]), issue_comment(contains="@plue"),
    issues(types=["opened"]), release(types=["published"]), schedule("0 6 * * 1"), manual(inputs={"a": str}),
    workflow_run(workflows=["other"], types=["completed"])])""".strip())
        triggers = self.plan()["triggers"]
        self.assertEqual([t["type"] for t in triggers], ["push", "pull_request", "issue_comment", "issues", "release",
                                                         "schedule", "manual", "workflow_run"])
        self.assertEqual(triggers[0], {"type": "push", "branches": ["main"], "tags": ["v*"], "paths": ["src/**", "!**/*.md"]})
        self.assertEqual(triggers[5], {"type": "schedule", "cron": "0 6 * * 1"})

    def test_a_wrong_cron_is_an_error_at_its_place(self):
        self.steps_workflow("pass", decorator='@workflow(triggers=[schedule("61 * * * *")])')
        self.assertEqual(self.plan_error()["at"]["line"], 1)


    def test_wrong_triggers_are_named(self):
        for trigger, says in [
                ('push(branches="main")', "TypeError: push(branches=) must be a list of texts, not str"),
                ('push(branches=[1])', "TypeError: push(branches=) must be a list of texts, not of int"),
                ('push(branches=["!main"])', 'ValueError: push(branches=): patterns with ! only take away: write "**" before them'),
                ('push(tags=["v[0-9"])', "ValueError: push(tags=): the pattern 'v[0-9' has a bracket that is not closed"),
                ('push(paths=["+x"])', "ValueError: push(paths=): the pattern '+x' has a ? or + without a character before it"),
                ('push(paths=[""])', "ValueError: push(paths=): the pattern '' is empty"),
                ('pull_request(types=["opend"])', "ValueError: pull_request(types=): unknown type 'opend'. Did you mean: 'opened'?"),
                ('release(types=["x"])', "ValueError: release(types=): unknown type 'x'; there are: published, unpublished, "
                                         "created, edited, deleted, prereleased, released"),
                ('workflow_run(types=["complete"])', "ValueError: workflow_run(types=): unknown type 'complete'. "
                                                     "Did you mean: 'completed'?"),
                ('issue_comment(contains=["a"])', "TypeError: issue_comment(contains=) must be a text, not list"),
                ('push(tags=["a"] * 1001)', "ValueError: push(tags=) has more than 1000 entries"),
                ('push(branch=["main"])', "TypeError: 'branch' is an invalid keyword argument for push()"),
                ('schedule("0 6 * *")', "ValueError: schedule('0 6 * *'): five fields are wanted "
                                        "(minute hour day month weekday, in UTC)"),
                ('schedule("0 24 * * *")', "ValueError: schedule('0 24 * * *'): the hour must be from 0 to 23, *, a range or a list"),
                ('schedule("*/0 * * * *")', "ValueError: schedule('*/0 * * * *'): the minute must be from 0 to 59, *, a range or a list"),
                ('schedule("0 0 31-1 * *")', "ValueError: schedule('0 0 31-1 * *'): the day of the month must be from 1 to 31, "
                                             "*, a range or a list"),
                ('schedule()', "TypeError: schedule() missing required argument 'cron' (pos 1)"),
                ('manual(inputs=["a"])', "TypeError: manual(inputs=) must be a dict of names and types, not list"),
                ('manual(inputs={"a": 1})', "TypeError: manual(inputs=): 'a' must be a type (str, int, float, bool, schema(...), "
                                            "enum(...), list(T), optional(T), dict(T) or any), not int")]:
            self.steps_workflow("pass", decorator=f"@workflow(triggers=[{trigger}])")
            self.assertEqual(self.plan_error()["message"], says, trigger)

    def test_every_form_of_cron_is_taken(self):
        for cron in ["* * * * *", "0 6 * * 1", "*/15 0-6,22-23 1,15 jan-mar MON-fri", "5  4 * * sun", "0 0 1-31/2 */3 7"]:
            self.steps_workflow("pass", decorator=f'@workflow(triggers=[schedule("{cron}")])')
            self.assertEqual(self.plan()["triggers"], [{"type": "schedule", "cron": cron}])

    def test_an_event_that_a_filter_keeps_out_is_planned_and_said_so(self):
        self.steps_workflow("pass", decorator='@workflow(triggers=[push(branches=["main", "release/**", "!release/old"])])')
        for ref, says in [("main", ""), ("release/a/b", ""),
                          ("release/old", "plue: push(branches=) does not match the branch 'release/old'; "
                                          "'ci' is planned all the same\n")]:
            event = self.event({"type": "push", "ref": f"refs/heads/{ref}"})
            result = self.plue("workflow", "plan", "ci", "--json", "--event", event)
            self.assertEqual((result.status, result.err), (0, says), ref)


class Quoting(PlueTest):
    def cmd(self, template, title=HOSTILE):
        self.steps_workflow(f"ctx.run(name='a', cmd={template})", decorator="@workflow(triggers=[issues()])")
        event = self.event({"type": "issues", "action": "opened", "issue": {"number": 1, "title": title}})
        return self.plue("workflow", "plan", "ci", "--json", "--event", event)

    def assert_cmd(self, template, expected, title):
        result = self.cmd(template, title)
        self.assertEqual(result.status, 0, str(result))
        self.assertEqual(result.json["steps"][0]["config"]["cmd"], expected)

    def test_a_plain_word_is_quoted_as_shlex_does(self):
        self.assert_cmd('f"echo {ctx.event.issue.title} x"', "echo safe-word x", "safe-word")
        self.assert_cmd('f"echo {ctx.event.issue.title} x"', "echo 'a b' x", "a b")
        self.assert_cmd('f"echo {ctx.event.issue.title}"', "echo ''", "")
        self.assert_cmd('f"echo {ctx.event.issue.title}"', "echo 'it'\"'\"'s'", "it's")

    def test_a_double_quoted_word_stays_one(self):
        result = self.cmd("""'echo "t: ' + ctx.event.issue.title + '"'""", 'a "b" $c `d` \\')
        self.assertEqual(result.status, 0, str(result))
        done = subprocess.run(["bash", "-c", result.json["steps"][0]["config"]["cmd"]], capture_output=True, text=True)
        self.assertEqual(done.stdout, 't: a "b" $c `d` \\\n')

    def test_hostile_text_stays_text_in_every_context_that_is_quoted(self):
        for template in ('f"printf %s {ctx.event.issue.title}"', """'printf %s "' + ctx.event.issue.title + '"'""",
                         '''"printf %s '" + ctx.event.issue.title + "'"''', 'f"x=1 printf %s {ctx.event.issue.title}"',
                         'f"true && printf %s {ctx.event.issue.title}"'):
            with self.subTest(template=template):
                result = self.cmd(template)
                self.assertEqual(result.status, 0, str(result))
                done = subprocess.run(["bash", "-c", result.json["steps"][0]["config"]["cmd"]], capture_output=True, text=True)
                self.assertEqual((done.stdout, done.stderr), (HOSTILE, ""))

    def test_places_without_safe_quoting_are_refused_with_a_way_out(self):
        for template in ('f"x=$(echo {ctx.event.issue.title})"', 'f"echo `echo {ctx.event.issue.title}`"',
                         'f"echo ${{x:-{ctx.event.issue.title}}}"', 'f"cat <<EOF\\n{ctx.event.issue.title}\\nEOF"',
                         'f"true # {ctx.event.issue.title}"', 'f"echo $(({ctx.event.issue.title}))"', 'f"{ctx.event.issue.title} x"',
                         'f"make CC={ctx.event.issue.title}"', 'f"eval {ctx.event.issue.title}"', 'f"sh -c {ctx.event.issue.title}"',
                         'f"xargs {ctx.event.issue.title}"', 'f"sudo env bash -c {ctx.event.issue.title}"',
                         'f"python3 -c {ctx.event.issue.title}"', 'f"awk {ctx.event.issue.title}"', 'f"[[ {ctx.event.issue.title} -eq 1 ]]"'):
            with self.subTest(template=template):
                result = self.cmd(template)
                self.assertEqual(result.status, 2, str(result))
                error = result.json["error"]
                self.assertTrue(error["hint"])
                self.assertEqual((error["code"].split("_")[0], error["at"]["line"]), ("shell", 3))

    def test_trust_goes_with_the_text(self):
        self.assert_cmd('"echo {} end".format(ctx.event.issue.title[1:] + "-x")', "echo 'b c'-x end", "ab c")

    def test_raw_opts_out(self):
        self.assert_cmd('f"echo {raw(ctx.event.issue.title)}"', "echo a; b", "a; b")

    def test_the_acceptance_greeting_is_safe(self):
        self.steps_workflow(
            """ctx.run(name="log title", cmd=f"printf '%s\\\\n' \\"New issue: {ctx.event.issue.title}\\" >> titles.log; cat titles.log")""",
            decorator="@workflow(triggers=[issues()])")
        event = self.event({"type": "issues", "action": "opened", "issue": {"number": 1, "title": HOSTILE}})
        cmd = self.plan("--event", event)["steps"][0]["config"]["cmd"]
        done = subprocess.run(["bash", "-c", cmd], capture_output=True, text=True, cwd=self.top)
        self.assertEqual(done.stdout, f"New issue: {HOSTILE}\n")


class Secrets(PlueTest):
    def test_a_secret_is_an_expression_in_env(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true", env={"T": ctx.secrets.TOKEN})""")
        self.assertEqual(self.plan()["steps"][0]["config"]["env"], {"T": {"$expr": "secrets.TOKEN"}})

    def test_a_secret_elsewhere_is_an_error(self):
        for body in ("""ctx.run(name="a", cmd=f"echo {ctx.secrets.T}")""", """print(ctx.secrets.T)""",
                     """x = 1 if ctx.secrets.T else 2""", """ctx.log(ctx.secrets.T)""", """return ctx.fail(f"x {ctx.secrets.T}")""",
                     """return ctx.success(x=ctx.secrets.T)""",
                     """ctx.run(name="a", cmd="x" + ("y" + ctx.secrets.T).upper())""", """len(ctx.secrets.T)"""):
            with self.subTest(body=body):
                self.steps_workflow(body)
                error = self.plan_error()
                self.assertIn(error["at"]["line"], (2, 3))      # an output belongs to the whole workflow
                self.assertIn("secret", error["message"])


class Mistakes(PlueTest):
    def assert_error(self, body, line, *words, decorator="@workflow(triggers=[manual()])"):
        self.steps_workflow(body, decorator=decorator)
        error = self.plan_error()
        self.assertEqual(error["at"]["line"], line, error)
        self.assertEqual(error["at"]["path"], ".plue/workflows/ci.py")
        for word in words:
            self.assertIn(word, error["message"] + " " + str(error["hint"]))

    def test_wrong_arguments_are_named(self):
        self.assert_error("""ctx.run(name="a")""", 3, "cmd")
        self.assert_error("""ctx.run(name="a", cmd="true", retris=1)""", 3, "retris", "retries")
        self.assert_error("""ctx.run(name="a", cmd=5)""", 3, "cmd")
        self.assert_error("""ctx.run(name="a", cmd="true", retries=-1)""", 3, "retries")
        self.assert_error("""ctx.run(name="a", cmd="true", timeout="5 parsecs")""", 3, "timeout")
        self.assert_error("""ctx.run(name="a", cmd="true", when="sometimes")""", 3, "when", "always")
        self.assert_error("""ctx.run(name="a", cmd="true", shell="zsh")""", 3, "shell", "bash")
        self.assert_error("""ctx.run(name="a", cmd="true", depends_on=["a"])""", 3, "depends_on")
        self.assert_error("""ctx.run(name="a", cmd="true", env={"A": [1]})""", 3, "env")
        self.assert_error("""ctx.runn(cmd="true")""", 3, "runn", "run")
        self.assert_error("pass", 1, "trigers", "triggers", decorator="@workflow(trigers=[manual()])")
        self.assert_error("pass", 1, "timeout", decorator='@workflow(triggers=[manual()], timeout="soon")')

    def test_what_the_first_version_has_not_is_refused_by_name(self):
        self.steps_workflow("""ctx.run(name="a", cmd="true")""",
                            "@workflow(triggers=[manual()], services={'db': service('postgres:16')})")
        run = self.plue("workflow", "run", "ci", expect=2)
        self.assertIn("services= of 'ci' has no executor yet", run.err)

    def test_an_exception_has_its_place_and_python_message(self):
        self.assert_error("x = {}['k']", 3, "KeyError: 'k'")

    def test_a_file_without_a_workflow_says_so(self):
        self.write(".plue/workflows/ci.py", "x = 1\n")
        result = self.plue("workflow", "plan", "ci", expect=2)
        self.assertIn("ci", result.err)

    def test_endless_evaluation_is_ended(self):
        self.assert_error("while True: pass", 3, "instruction")


class Golden(PlueTest):
    """The acceptance repository's files, planned whole."""

    def check(self, golden, name, *args):
        self.copy_acceptance()
        result = self.plue("workflow", "plan", name, "--json", *args, expect=0)
        self.assert_golden(golden, json.dumps(result.json, indent=1, ensure_ascii=False) + "\n")

    def results(self, results):
        path = self.top / "results.json"
        path.write_text(json.dumps(results))
        return ["--results", str(path)]

    def test_ci_on_push(self):
        self.check("ci-push.json", "ci", "--event", self.event(PUSH))

    def test_ci_on_push_with_passing_tests(self):
        self.check("ci-push-passed.json", "ci", "--event", self.event(PUSH), *self.results({"test": {"exit_code": 0}}))

    def test_ci_on_a_pull_request_with_failing_tests(self):
        event = {"type": "pull_request", "action": "opened", "ref": "refs/pull/7/merge", "sha": PUSH["sha"]}
        self.check("ci-pull-request-failed.json", "ci", "--event", self.event(event),
                   *self.results({"test": {"exit_code": 2}}))

    def test_ci_by_hand(self):
        self.check("ci-manual-quick.json", "ci", "--event",
                   self.event({"type": "manual", "ref": PUSH["ref"], "sha": PUSH["sha"], "inputs": {"level": "quick"}}),
                   *self.results({"test": {"exit_code": 0}}))

    RELEASE = {"type": "manual", "ref": PUSH["ref"], "sha": PUSH["sha"], "inputs": {"part": "minor", "dry_run": False}}

    def test_release_to_its_first_decision(self):
        self.check("release.json", "release", "--event", self.event(self.RELEASE))

    def test_release_with_a_failed_publishing(self):
        self.check("release-failed.json", "release", "--event", self.event(self.RELEASE), *self.results({
            "bump": {"exit_code": 0, "stdout": "1.5.0\n"}, "publish": {"exit_code": 3}}))

    def test_release_published(self):
        self.check("release-published.json", "release", "--event", self.event(self.RELEASE), *self.results({
            "bump": {"exit_code": 0, "stdout": "1.5.0\n"}, "publish": {"exit_code": 0}}))

    PULL = {"type": "pull_request", "action": "opened", "ref": "refs/pull/7/merge", "sha": PUSH["sha"],
            "pull_request": {"number": 7, "title": "Add", "base": "1" * 40, "head": "2" * 40}}
    ISSUE = {"file": "src/calc.c", "line": 3, "severity": "error", "message": "it overflows"}

    def test_review_to_its_first_answer(self):
        self.check("review.json", "review", "--event", self.event(self.PULL))

    def test_review_with_an_error_found(self):
        self.check("review-failed.json", "review", "--event", self.event(self.PULL), *self.results({
            "codereview": {"output": {"issues": [self.ISSUE], "summary": "one"}},
            "codereview-2": {"output": {"issues": [], "summary": "none"}}}))

    def test_review_without_findings(self):
        empty = {"output": {"issues": [], "summary": "none"}}
        self.check("review-approved.json", "review", "--event", self.event(self.PULL),
                   *self.results({"codereview": empty, "codereview-2": empty}))

    HELP = {"type": "issue_comment", "action": "created", "issue": {"number": 3, "title": "It $(fails)", "body": "why?"},
            "comment": {"body": "@plue help"}}

    def helped(self, golden, output, more={}):
        self.check(golden, "issue_helper", "--event", self.event(self.HELP),
                   *self.results({"issuehelper": {"output": output}, **more}))

    def test_issue_helper_to_its_answer(self):
        self.check("issue-helper.json", "issue_helper", "--event", self.event(self.HELP))

    def test_issue_helper_asks_with_an_absent_question(self):
        self.helped("issue-helper-ask.json", {"action": "ask", "text": "?"})

    def test_issue_helper_with_a_patch_that_fails(self):
        self.helped("issue-helper-patch.json", {"action": "patch", "text": "diff"},
                    {"try-the-patch": {"exit_code": 1, "stderr": "no"}})

    def test_fix_build_that_is_stuck(self):
        self.check("fix-build-stuck.json", "fix_build", "--event", self.event(dict(PUSH, ref="refs/heads/fix/a")), *self.results({
            "build-1": {"exit_code": 2, "stdout": "error: x"},
            "fixbuilderrors": {"output": {"status": "stuck", "summary": "I cannot", "files_changed": []}}}))

    def test_fix_build_that_builds_the_second_time(self):
        self.check("fix-build-fixed.json", "fix_build", "--event", self.event(dict(PUSH, ref="refs/heads/fix/a")), *self.results({
            "build-1": {"exit_code": 2}, "build-2": {"exit_code": 0},
            "fixbuilderrors": {"output": {"status": "complete", "summary": "done", "files_changed": ["src/calc.c"]}}}))

    def test_the_tool(self):
        self.check("tool-run-tests.json", "//tools:run_tests")

    def test_every_workflow_without_prompts_lints_clean(self):
        self.copy_acceptance()
        problems = self.plue("workflow", "lint", "--json").json["problems"]
        for problem in problems:
            if problem["severity"] == "error":
                self.assertNotIn(problem["at"]["path"], (".plue/workflows/ci.py", ".plue/workflows/release.py",
                                                         ".plue/tools/run_tests.py", ".plue/lib/text.py"))
