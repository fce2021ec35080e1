"""plue workflow test: what the repository's tests expect of its plans."""
from harness import PlueTest, dedent

CI = """
    @workflow(triggers=[push(), manual(inputs={"n": int})])
    def ci(ctx):
        build = ctx.run(name="build", cmd="make")
        tests = ctx.run(name="test", cmd="make test", depends_on=[build])
        if tests.failed:
            ctx.run(name="report", cmd="cat log", when="always")
            return ctx.fail(f"exit code {tests.exit_code}")
        text = ctx.read("VERSION")
        ctx.run(name="after", cmd="true")
        if ctx.event.ref == "refs/heads/main":
            return ctx.success(version=tests.stdout.strip())
        if text.startswith("1."):
            ctx.run(name="old", cmd="true")
    """


AGENTS = """
- name: a review with an error asks for changes
  workflow: review
  event: {type: pull_request, action: opened, pull_request: {number: 7, title: t, body: "", base: main, head: change}}
  results:
    codereview: {output: {summary: s, issues: [{file: b.c, line: 2, severity: error, message: m, suggestion: null}]}}
    codereview-2: {output: {summary: s, issues: [{file: a.c, line: 1, severity: info, message: n, suggestion: null}]}}
  expect:
    steps_include: [codereview, codereview-2]
    edges: [[codereview-2, codereview]]
    result: {status: fail, reason: 1 error in b.c}
- name: a review waits for its first pass
  workflow: review
  event: {type: pull_request, action: opened, pull_request: {number: 7, title: t, body: "", base: main, head: change}}
  results: {codereview: {output: {summary: s, issues: []}}, codereview-2: {output: {summary: s, issues: []}}}
  expect: {result: {status: success, outputs: {issues: 0}}}
- name: a stuck agent ends the repair
  workflow: fix_build
  event: {type: push, ref: refs/heads/fix/a, sha: "89abcdef0123456789abcdef0123456789abcdef"}
  results: {build-1: {exit_code: 2, stdout: "error: x"}, fixbuilderrors: {output: {status: stuck, summary: I cannot, files_changed: []}}}
  expect: {steps: [build-1, fixbuilderrors, log], result: {status: fail, reason: "the agent is stuck: I cannot"}}
- name: a question is asked
  workflow: issue_helper
  event: {type: issue_comment, issue: {number: 3, title: t, body: null}, comment: {body: "@plue help"}}
  results: {issuehelper: {output: {action: ask, text: "", question: Which one?}}}
  expect: {absent: [try-the-patch], result: {status: success, outputs: {action: ask}}}
- name: a patch is tried
  workflow: issue_helper
  event: {type: issue_comment, issue: {number: 3, title: t, body: null}, comment: {body: "@plue help"}}
  results: {issuehelper: {output: {action: patch, text: p, question: null}}, try-the-patch: {exit_code: 0}}
  expect: {steps_include: [try-the-patch], edges: [[try-the-patch, issuehelper]], result: {status: success, outputs: {action: patch}}}
"""


class Tests(PlueTest):
    def setUp(self):
        super().setUp()
        self.workflow(CI)

    def case(self, text, name="ci"):
        return self.write(f".plue/tests/{name}.yaml", dedent(text))

    def check(self, text, out, *args, expect=0):
        self.case(text)
        self.assertEqual(self.plue("workflow", "test", *args, expect=expect).out, dedent(out))

    def failures(self, expectations, given="event: {type: push}"):
        """Messages with line and column of one test's failures; its expectations begin in line 4."""
        self.write(".plue/tests/ci.yaml", f"- name: it\n  workflow: ci\n  {given}\n  expect: {expectations}\n")
        result = self.plue("workflow", "test", "--json")
        self.assertEqual(result.status, 1 if result.json["failed"] else 0, str(result))
        return [f"{f['at']['line']}:{f['at']['column']} {f['message']}" for f in result.json["tests"][0]["failures"]]

    def test_all_kinds_of_expectations_hold(self):
        self.check("""
            - name: a push to main is done
              workflow: ci
              event: {type: push, ref: refs/heads/main}
              results: {test: {stdout: "1.2\\n"}}
              expect:
                steps: [build, test, read-version, after]
                steps_include: [after]
                absent: [report, old]
                edges: [[test, build], [after, read-version]]
                no_edges: [[after, build]]
                awaits: []
                result: {status: success, outputs: {version: "1.2"}, reason: null}
                run: success
                outcomes: {build: success, after: success}
            - name: a failure is reported
              workflow: ci
              event: {type: push}
              results: {test: {exit_code: 2}}
              expect:
                result: {status: fail, reason: exit code 2}
                run: failed
                outcomes: {test: failed, report: success}
            - name: what is not given stops the plan
              workflow: ci
              event: {type: push}
              expect: {awaits: [read-version], absent: [old]}
            - name: what is given lets it grow
              workflow: ci
              event: {type: push}
              results: {read-version: {output: "1.5"}}
              expect: {steps: [build, test, read-version, after, old], result: {status: success}}
            - name: a failed build skips what comes after it
              workflow: ci
              event: {type: push, ref: refs/heads/main}
              results: {build: {exit_code: 1}}
              expect: {outcomes: {build: failed, test: skipped, after: skipped}, run: failed}
            """, """
            ok    a push to main is done
            ok    a failure is reported
            ok    what is not given stops the plan
            ok    what is given lets it grow
            ok    a failed build skips what comes after it
            5 passed, 0 failed
            """)

    def test_each_kind_of_expectation_can_fail(self):
        self.assertEqual(self.failures("{steps: [build, test]}"),
                         ["4:19 the plan has a step 'read-version' that is not expected"])
        self.assertEqual(self.failures("{steps: [build, test, read-version, after, x]}"), ["4:54 the plan has no step 'x'"])
        self.assertEqual(self.failures("{steps: [test, build, read-version, after]}"),
                         ["4:19 the steps are planned in another order"])
        self.assertEqual(self.failures("{steps_include: [test, x]}"), ["4:34 the plan has no step 'x'"])
        self.assertEqual(self.failures("{absent: [x, test]}"), ["4:24 the plan has the step 'test', which should be absent"])
        self.assertEqual(self.failures("{edges: [[build, test]]}"), ["4:20 step 'build' does not depend on 'test'"])
        self.assertEqual(self.failures("{no_edges: [[test, build]]}"), ["4:23 step 'test' depends on 'build'"])
        self.assertEqual(self.failures("{no_edges: [[test, x]]}"), ["4:30 the plan has no step 'x'"])
        self.assertEqual(self.failures("{awaits: []}"), ["4:20 the plan waits for [read-version]"])
        self.assertEqual(self.failures("{result: {status: success}}"), [
            "4:20 the plan has no result: it waits for the file step 'read-version' to decide "
            "`if text.startswith(\"1.\")`"])
        failed = "event: {type: push}\n  results: {test: {exit_code: 1}}"
        self.assertEqual(self.failures("{result: {status: success, reason: no, outputs: {a: 1}}}", failed), [
            "5:29 the result's status is fail", "5:46 the result's reason is \"exit code 1\"",
            "5:59 the result's outputs is {}"])
        self.assertEqual(self.failures("{run: success}", failed), ["5:17 the run's status is failed"])
        self.assertEqual(self.failures("{outcomes: {build: failed, nil: skipped}}"),
                         ["4:30 the outcome of step 'build' is success", "4:38 the plan has no step 'nil'"])
        self.assertEqual(self.failures("{error: boom}"), ["4:19 the evaluation ends without an error"])
        self.assertEqual(self.failures("{absent: [x]}", "event: {type: push}\n  results: {tset: {exit_code: 1}}"),
                         ["4:13 there is a result of step 'tset', and the plan has no such step"])
        self.assertEqual(self.failures("{absent: [x]}", "event: {type: pull}"), ["3:10 there are no events of type 'pull'"])
        self.assertEqual(self.failures("{absent: [x]}", "event: {type: manual, inputs: {n: x}}"),
                         ["3:10 input /n: expected int, found a string"])

    def test_an_error_of_the_evaluation_is_a_failure_unless_it_is_expected(self):
        self.steps_workflow("raise ValueError('boom')")
        self.assertEqual(self.failures("{steps: []}"), ["3:5 ValueError: boom"])
        self.assertEqual(self.failures("{error: boom}"), [])
        self.assertEqual(self.failures("{error: {code: exception, message: 'ValueError: boom'}}"), [])
        self.assertEqual(self.failures("{error: bang}"), ["4:19 the error is: ValueError: boom"])
        self.assertEqual(self.failures("{error: {code: syntax_error}}"), ["4:26 the error's code is exception"])

    def test_a_failing_test_shows_the_line(self):
        self.check("""
            - name: it
              workflow: cj
              expect: {steps: []}
            """, f"""
            FAIL  it
                  .plue/tests/ci.yaml:2:13: error: there is no workflow 'cj' in {self.repo}/.plue
                      2 |   workflow: cj
                        |             ^^
                    hint: did you mean 'ci'?
            0 passed, 1 failed
            """, expect=1)

    def test_a_wrong_file_is_refused_with_all_its_mistakes(self):
        self.case("""
            - nam: it
              workflow: ci
              expect: {stesp: [a], edges: [a], result: {status: failed}, run: fail, steps: {a: b}}
            - name: fine
              workflow: ci
              results: {test: 0}
            """)
        result = self.plue("workflow", "test", expect=2)
        self.assertEqual((result.out, [line for line in result.err.splitlines() if "error:" in line or "hint:" in line]), ("", [
            ".plue/tests/ci.yaml:1:3: error: a test has no key 'nam'", "  hint: did you mean 'name'?",
            ".plue/tests/ci.yaml:3:12: error: expect has no key 'stesp'", "  hint: did you mean 'steps'?",
            ".plue/tests/ci.yaml:3:32: error: edges must be a list of pairs of step ids, not a text",
            "  hint: each is [STEP, DEPENDENCY], such as [[test, build]]",
            ".plue/tests/ci.yaml:3:53: error: status must be success or fail, not a text",
            ".plue/tests/ci.yaml:3:67: error: run must be success or failed, not a text",
            ".plue/tests/ci.yaml:3:80: error: steps must be a list of step ids, not a mapping",
            "  hint: such as [build, test]",
            ".plue/tests/ci.yaml:6:19: error: a step's result must be a mapping, not a number",
            '  hint: such as {exit_code: 0, stdout: "...", outputs: {version: "1.2"}}']))
        self.case("- name: [\n")
        error = self.plue("workflow", "test", "--json", expect=2).json["errors"][0]
        self.assertEqual((error["code"], error["at"]["line"]), ("invalid_yaml", 2))

    def test_update_writes_what_is_planned_and_nothing_else(self):
        path = self.case("""
            # Tests of ci.
            - name: a push   # the usual
              workflow: ci
              event: {type: push, ref: refs/heads/main}
              results: {test: {stdout: "it's \\"1: 2\\"\\n"}}
              expect:
                absent: [report]
                steps:
                  - build
                  - x
                result:
                  # only these
                  status: fail
                  outputs: {}

            - name: a failure
              workflow: ci
              event: {type: push}
              results:
                test: {exit_code: 1}
            - {name: same, workflow: ci, event: {type: push}, expect: {awaits: [old]}}
            """)
        self.assertEqual(self.plue("workflow", "test", "--update", expect=0).out,
                         "ok    a push\nok    a failure\nok    same\n3 passed, 0 failed\n")
        self.assertEqual(path.read_text(), dedent("""
            # Tests of ci.
            - name: a push   # the usual
              workflow: ci
              event: {type: push, ref: refs/heads/main}
              results: {test: {stdout: "it's \\"1: 2\\"\\n"}}
              expect:
                absent: [report]
                steps:
                  [build, test, read-version, after]
                result:
                  # only these
                  status: success
                  outputs: {version: "it's \\"1: 2\\""}

            - name: a failure
              workflow: ci
              event: {type: push}
              results:
                test: {exit_code: 1}
              expect:
                steps: [build, test, report]
                result: {status: fail, reason: exit code 1}
            - {name: same, workflow: ci, event: {type: push}, expect: {awaits: [read-version]}}
            """))
        before = path.stat().st_mtime_ns
        self.plue("workflow", "test", "--update", expect=0)
        self.assertEqual(path.stat().st_mtime_ns, before, "a file that is right is not written")

    def test_paths_choose_files_and_folders(self):
        self.case("- {name: one, workflow: ci, expect: {absent: [x]}}\n", "one")
        self.case("- {name: two, workflow: ci, expect: {absent: [x]}}\n", "two")
        self.assertEqual(self.plue("workflow", "test", ".plue/tests/two.yaml", expect=0).out, "ok    two\n1 passed, 0 failed\n")
        self.assertEqual(self.plue("workflow", "test", ".plue/tests", expect=0).out,
                         "ok    one\nok    two\n2 passed, 0 failed\n")
        error = self.plue("workflow", "test", "none.yaml", "--json", expect=2).json["error"]
        self.assertEqual(error["code"], "file_missing")

    def test_nothing_is_executed_or_recorded(self):
        self.case("- {name: one, workflow: ci, expect: {absent: [x]}}\n")
        self.plue("workflow", "test", expect=0)
        self.assertFalse(self.data.exists())

    def test_without_tests_there_is_a_note(self):
        result = self.plue("workflow", "test", expect=0)
        self.assertEqual((result.out, result.err), ("0 passed, 0 failed\n", f"plue: there are no tests in {self.repo}"
                                                    "/.plue/tests; docs/testing.md shows how to write one\n"))

    def test_the_shape_of_the_json(self):
        self.case("- name: one\n  workflow: ci\n  expect: {absent: [test]}\n")
        answer = self.plue("workflow", "test", "--json", expect=1).json
        self.assertEqual(answer, {
            "tests": [{"name": "one", "path": ".plue/tests/ci.yaml", "line": 1, "workflow": "ci", "status": "failed",
                       "failures": [{"code": "test_failed", "message": "the plan has the step 'test', which should be absent",
                                     "hint": None, "at": {"path": ".plue/tests/ci.yaml", "line": 3, "column": 21},
                                     "details": []}]}],
            "errors": [], "passed": 0, "failed": 1})

    def test_help_has_an_example(self):
        self.assertIn("plue workflow test .plue/tests/ci.yaml --update", self.plue("workflow", "test", "--help", expect=0).out)


class Acceptance(PlueTest):
    def test_the_acceptance_repositorys_own_tests(self):
        self.copy_acceptance()
        result = self.plue("workflow", "test", expect=0)
        self.assertEqual(result.out, dedent("""
            ok    a push to main packages after the tests pass
            ok    failing tests end in a report and no package
            ok    a quick manual run builds one target
            3 passed, 0 failed
            """))

    def test_workflows_of_agents_grow_with_given_answers(self):
        self.copy_acceptance()
        self.write(".plue/tests/agents.yaml", AGENTS)
        done = self.plue("workflow", "test", ".plue/tests/agents.yaml", expect=0)
        self.assertIn("5 passed, 0 failed", done.out + done.err)
        self.write(".plue/tests/agents.yaml", AGENTS.replace("severity: error", "severity: fatal"))
        done = self.plue("workflow", "test", ".plue/tests/agents.yaml", expect=1)
        self.assertIn("/issues/0/severity", done.out + done.err)
