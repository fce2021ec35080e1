"""plue workflow list and lint."""
import os

from harness import DATA, ROOT, PlueTest


class List(PlueTest):
    def test_the_json_has_the_documented_keys(self):
        self.workflow("""
            @workflow(triggers=[push(branches=["main"]), manual(inputs={"env": enum("a", "b"), "n": optional(int)})],
                      image="node:22")
            def deploy(ctx):
                ctx.run(name="a", cmd="true")
            """, "deploy")
        listing = self.plue("workflow", "list", "--json", expect=0).json
        self.assertEqual(listing["errors"], [])
        [found] = listing["workflows"]
        self.assertEqual(list(found), ["name", "path", "triggers", "image", "dockerfile", "inputs", "content_hash"])
        self.assertEqual((found["name"], found["path"], found["image"], found["dockerfile"]),
                         ("deploy", ".plue/workflows/deploy.py", "node:22", None))
        self.assertEqual([t["type"] for t in found["triggers"]], ["push", "manual"])
        self.assertEqual(found["triggers"][0]["branches"], ["main"])
        self.assertEqual(found["inputs"]["properties"]["env"]["enum"], ["a", "b"])
        self.assertEqual(found["inputs"]["required"], ["env"])
        self.assertEqual(found["inputs"]["additionalProperties"], False)

    def test_several_workflows_of_a_file_are_listed_by_name(self):
        self.workflow("""
            @workflow(triggers=[push()])
            def one(ctx): pass

            @workflow(name="second", triggers=[push()])
            def two(ctx): pass
            """)
        listing = self.plue("workflow", "list", "--json", expect=0).json
        self.assertEqual([w["name"] for w in listing["workflows"]], ["one", "second"])

    def test_a_broken_file_is_an_error_and_the_others_still_load(self):
        self.workflow("@workflow(triggers=[push()])\ndef good(ctx): pass\n", "good")
        self.workflow("def broken(:\n", "broken")
        listing = self.plue("workflow", "list", "--json").json
        self.assertEqual([w["name"] for w in listing["workflows"]], ["good"])
        [error] = listing["errors"]
        self.assertEqual(list(error), ["code", "message", "hint", "at", "details"])
        self.assertEqual((error["at"]["path"], error["at"]["line"]), (".plue/workflows/broken.py", 1))

    def test_the_repository_is_found_from_a_folder_below(self):
        self.workflow("@workflow(triggers=[push()])\ndef ci(ctx): pass\n")
        (self.repo / "a/b").mkdir(parents=True)
        listing = self.plue("workflow", "list", "--json", cwd=self.repo / "a/b", expect=0).json
        self.assertEqual([w["path"] for w in listing["workflows"]], [".plue/workflows/ci.py"])

    def test_people_see_name_and_path(self):
        self.workflow("@workflow(triggers=[push()])\ndef ci(ctx): pass\n")
        result = self.plue("workflow", "list", expect=0)
        self.assertRegex(result.out, r"ci\b.*\.plue/workflows/ci\.py")
        self.assertNotIn("\x1b", result.out)

    def test_the_acceptance_repository_lists_its_workflows(self):
        self.copy_acceptance()
        listing = self.plue("workflow", "list", "--json").json
        names = {w["name"] for w in listing["workflows"]}
        self.assertLessEqual({"ci", "release"}, names)
        for error in listing["errors"]:         # prompts are not built yet, and are refused by name
            self.assertRegex(error["message"], "prompt|agents' tools")


class Lint(PlueTest):
    def lint(self, expect=0):
        return self.plue("workflow", "lint", "--json", expect=expect).json

    def test_a_clean_repository_has_no_problems(self):
        self.workflow("@workflow(triggers=[push()])\ndef ci(ctx): ctx.run(name='a', cmd='true')\n")
        self.assertEqual(self.lint(), {"files": 1, "problems": []})
        self.assertEqual(self.plue("workflow", "lint", expect=0).err, "")

    def test_every_error_of_every_file_is_reported(self):
        self.workflow("import os\nx = eval('1')\n", "one")
        self.workflow("class A: pass\n", "two")
        problems = self.lint(expect=2)["problems"]
        self.assertEqual([(p["at"]["path"], p["at"]["line"]) for p in problems],
                         [(".plue/workflows/one.py", 1), (".plue/workflows/one.py", 2), (".plue/workflows/two.py", 1)])
        for problem in problems:
            self.assertEqual(list(problem), ["severity", "code", "message", "hint", "at", "details"])
            self.assertEqual(problem["severity"], "error")

    def test_an_unknown_name_is_an_error_with_a_suggestion(self):
        self.workflow("@workflow(triggers=[push()])\ndef ci(ctx):\n    region = 1\n    return regoin\n")
        [problem] = self.lint(expect=2)["problems"]
        self.assertIn("regoin", problem["message"])
        self.assertIn("region", problem["message"] + str(problem["hint"]))
        self.assertEqual(problem["at"], {"path": ".plue/workflows/ci.py", "line": 4, "column": 12})

    def test_raw_and_a_leading_dash_are_warnings(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd=f"cat {raw(ctx.event.ref)}")
            """, decorator="@workflow(triggers=[push()])")
        problems = self.lint()["problems"]
        self.assertTrue(problems)
        self.assertEqual({p["severity"] for p in problems}, {"warning"})

    def test_people_see_the_caret(self):
        self.workflow("x = open('a')\n")
        result = self.plue("workflow", "lint", expect=2)
        self.assertRegex(result.out + result.err, r"\.plue/workflows/ci\.py:1:5: error: 'open'")
        self.assertIn("^^^^", result.out + result.err)

    def test_two_workflows_of_one_name_are_an_error_that_names_both(self):
        text = "@workflow(triggers=[push()])\ndef ci(ctx): pass\n"
        self.workflow(text, "a")
        self.workflow(text, "b")
        problems = self.lint(expect=2)["problems"]
        self.assertTrue(any("ci" in p["message"] and "a.py" in str(p) and "b.py" in str(p) for p in problems), problems)

    def test_the_projects_own_workflow_and_the_examples_are_clean(self):
        for folder in (ROOT, ROOT / "examples/strlist"):
            problems = self.plue("workflow", "lint", "--json", cwd=folder, expect=0).json["problems"]
            self.assertEqual([p for p in problems if p["severity"] == "error"], [])


class Acceptance(PlueTest):
    """The vendored repository equals the shared one where that stands beside the checkout."""

    def test_the_copy_is_the_original(self):
        shared = ROOT.parent / "shared/acceptance"
        if not shared.is_dir():
            self.skipTest("there is no shared/acceptance beside this checkout")

        def files(root):
            return {os.path.relpath(os.path.join(folder, name), root): open(os.path.join(folder, name), "rb").read()
                    for folder, _, names in os.walk(root) for name in names}
        self.assertEqual(files(ROOT / "examples/calc"), files(shared))
