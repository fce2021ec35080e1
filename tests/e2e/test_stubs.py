"""plue stubs: types for editors, held against the program and against mypy."""
import ast
import re
import shutil
import subprocess
import unittest

from harness import ROOT, PlueTest, dedent

MYPY = shutil.which("mypy", path="/usr/bin")
SOURCES = ROOT / "src/workflow"


def signatures():
    """Parameters of the program's own functions, by name, as its tables document them."""
    found = {}
    for path in sorted(SOURCES.glob("*.c")):
        text = path.read_text()
        for match in re.finditer(r'\.name = "(\w+)",(?:(?!\.name = ).)*?\.signature =\s*((?:"(?:[^"\\]|\\.)*"\s*)+)', text, re.DOTALL):
            literal = "".join(ast.literal_eval(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', match[2]))
            found[path.stem, match[1]] = literal
        for match in re.finditer(r'ROW\("?(\w+)"?, [^"]*"(\([^"]*\))"', text):
            found[path.stem, match[1]] = match[2]
    return {key: parameters(f"def f{value}: ...") for key, value in found.items()}


def parameters(definition):
    function = ast.parse(definition).body[0]
    return names_of(function.args)


def names_of(args):
    names = [a.arg for a in args.posonlyargs + args.args + args.kwonlyargs if a.arg != "self"]
    return names + [a.arg for a in (args.vararg, args.kwarg) if a]


class Text(PlueTest):
    def setUp(self):
        super().setUp()
        self.text = self.plue("stubs", expect=0).out
        self.tree = ast.parse(self.text)

    def functions(self, body):
        return {node.name: names_of(node.args) for node in body if isinstance(node, ast.FunctionDef)}

    def class_body(self, name):
        return next(node.body for node in self.tree.body if isinstance(node, ast.ClassDef) and node.name == name)

    def test_functions_have_the_programs_parameters(self):
        real, checked = signatures(), 0
        places = {"define": self.tree.body, "trigger": self.tree.body, "options": self.tree.body, "typed": self.tree.body,
                  "ctx_run": self.class_body("Context"), "ctx_steps": self.class_body("Context"),
                  "ctx": self.class_body("Context")}
        for (file, name), expected in real.items():
            if file not in places or name == "dict" or file == "ctx_steps" and name in ("diff", "checkout", "changed_files", "log", "comment"):
                continue        # dict is CPython's too; these are ctx.git's and ctx.issue's as well
            self.assertEqual(self.functions(places[file]).get(name), expected, f"{name} of src/workflow/{file}.c")
            checked += 1
        self.assertGreater(checked, 25)
        for name in ("diff", "checkout", "changed_files"):
            self.assertEqual(self.functions(self.class_body("_Git"))[name], real["ctx_steps", name])

    def test_all_that_it_names_exists(self):
        names = sorted(set(self.functions(self.tree.body)) | {"any", "secret"})
        self.workflow(f"from plue import {', '.join(names)}\n@workflow(triggers=[push()])\ndef ci(ctx): pass\n")
        self.plan()
        members = sorted(set(self.functions(self.class_body("Context"))))
        self.steps_workflow("\n".join(f"ctx.{m}" for m in members))
        self.plan()

    def test_an_annotated_workflow_is_accepted(self):
        self.workflow("""
            import plue
            @plue.workflow(triggers=[plue.push()])
            def ci(ctx: plue.Context) -> None:
                ctx.run(cmd="true")
            """)
        self.assertEqual(self.plue("workflow", "lint", "--json", expect=0).json["problems"], [])

    def test_it_is_written_to_a_file_or_a_folder(self):
        self.copy_acceptance()
        self.plue("stubs", "-o", "plue.pyi", expect=0)
        self.assertEqual((self.repo / "plue.pyi").read_text(), self.text)
        self.assertEqual(self.plue("stubs", "--output", "stubs", expect=0).err, "plue: wrote 7 files below stubs/plue\n")
        self.assertEqual((self.repo / "stubs/plue/__init__.pyi").read_text(), self.text)
        self.assertEqual((self.repo / "stubs/plue/actions/setup_demo.pyi").read_text(), dedent('''
            """.plue/actions/setup_demo/action.py. Written by `plue stubs`."""
            from typing import Any, Literal

            from plue import Step

            def setup_demo(*, version: str) -> Step: ...
            '''))

    def test_types_of_actions_and_libraries(self):
        self.write(".plue/actions/de-ploy/action.py", dedent("""
            from plue import action, dict, enum, list, optional, schema, secret
            @action(inputs={"env": enum("a", "b"), "n": optional(int), "tags": list(str), "by": dict(float), "key": secret,
                            "x": schema(a=int)})
            def deploy(ctx): pass
            """))
        self.write(".plue/lib/deep/x-y.py", "A = B = 1\ndef f(a, b: int, /, c=2, *rest, d: list, e=None, **more) -> str: return ''\n"
                   "def g(*, a): pass\n")
        self.plue("stubs", "-o", "out", expect=0)
        self.assertIn('def deploy(*, env: Literal["a", "b"], n: int | None = None, tags: list[str], by: dict[str, float], '
                      'key: str, x: Any) -> Step: ...\n', (self.repo / "out/plue/actions/de_ploy.pyi").read_text())
        self.assertEqual((self.repo / "out/plue/lib/deep/x_y.pyi").read_text().split("\n\n", 1)[1], dedent("""
            A: Any
            B: Any
            def f(a: Any, b: int, /, c: Any = ..., *rest: Any, d: list, e: Any = ..., **more: Any) -> str: ...
            def g(*, a: Any) -> Any: ...
            """))

    def test_types_of_prompts(self):
        self.write(".plue/prompts/a.prompt.md", "---\nname: Ask\ninputs:\n  words: string[]\n  how: short | long\n  more: {a: integer}\n  near: string?\n"
                   "output:\n  ok: boolean\n  at:\n    line: integer\n    of:\n      - {name: string}\n  any: any\n---\n{{ words }}\n")
        self.write(".plue/prompts/b.prompt.md", "---\nname: Say\n---\nsay it\n")
        self.write(".plue/prompts/c.prompt.md", "---\nname: Broken\ninputs: {a: strng}\n---\n\n")
        self.plue("stubs", "-o", "out", expect=0)
        text = (self.repo / "out/plue/prompts.pyi").read_text()
        common = ("    tools: Sequence[Any] | None = None,\n    max_turns: int | None = None,\n    client: str | None = None,\n"
                  "    temperature: float | None = None,\n    timeout: Duration | None = None,\n    retries: int | None = None,\n"
                  "    budget: Any = None,\n    depends_on: After | None = None,\n")
        self.assertEqual(text.split("\n\n", 2)[2], dedent("""\
            class AskStep_at_of:
                name: str

            class AskStep_at:
                line: int
                of: list[AskStep_at_of]

            class AskStep(Step):
                at: AskStep_at
                any: Any

            def Ask(
                *,
                words: list[str],
                how: Literal["short", "long"],
                more: Any,
                near: str | None = None,
            COMMON) -> AskStep: ...

            class SayStep(Step):
                text: str

            def Say(
                *,
            COMMON) -> SayStep: ...

            Broken: Any

            """).replace("COMMON", common))

    def test_errors(self):
        self.write("file", "")
        self.assertEqual(self.plue("stubs", "-o", "file/x.pyi", expect=2).err, "error: file/x.pyi cannot be written: Not a directory\n")
        self.assertEqual(self.plue("stubs", "-o", expect=2).err, "error: -o needs a value: -o PATH\n")
        self.assertEqual(self.plue("stubs", "-x", expect=2).err,
                         "error: `plue stubs` has no option --x\n  hint: `plue stubs --help` shows all options\n")


@unittest.skipUnless(MYPY, "mypy is not installed")
class Mypy(PlueTest):
    def mypy(self, *args):
        self.plue("stubs", "-o", self.top / "stubs", expect=0)
        done = subprocess.run([MYPY, "--no-color-output", f"--cache-dir={self.top}/cache", *args], cwd=self.repo, text=True,
                              capture_output=True, env={**self.env, "MYPYPATH": str(self.top / "stubs")}, timeout=120)
        return done.stdout

    def files(self):
        return [str(p.relative_to(self.repo)) for part in ("workflows/*.py", "actions/*/*.py", "tools/*.py")
                for p in sorted((self.repo / ".plue").glob(part))]

    def test_the_acceptance_repository_is_clean(self):
        self.copy_acceptance()
        files = self.files()
        self.assertGreater(len(files), 5)
        self.assertIn("Success: no issues found", self.mypy(*files))
        for name in files:      # and inside of the functions
            path = self.repo / name
            path.write_text("import plue\n" + path.read_text().replace("(ctx):", "(ctx: plue.Context):"))
        self.assertIn("Success: no issues found", self.mypy("--disable-error-code", "var-annotated", *files))

    def test_the_stubs_themselves_are_strict(self):
        self.copy_acceptance()
        self.mypy("--version")
        self.assertIn("Success: no issues found", self.mypy("--strict", str(self.top / "stubs/plue")))

    def test_wrong_uses_are_reported(self):
        lines = [
            ("ctx.rnu(cmd='x')", 'has no attribute "rnu"'),
            ("ctx.run(comand='x')", 'Unexpected keyword argument "comand"'),
            ("ctx.run(cmd=3)", 'incompatible type "int"; expected "Optional[str]"'),
            ("ctx.run(cmd='x', when='sometimes')", "incompatible type \"Literal['sometimes']\""),
            ("ctx.run(cmd='x', depends_on=['a'])", "incompatible type"),
            ("a.exitcode", 'has no attribute "exitcode"'),
            ("a.exit_code + 'x'", "Unsupported"),
            ("ctx.event.pull", 'has no attribute "pull"'),
            ("ctx.event.pull_request.nmber", 'has no attribute "nmber"'),
            ("ctx.parallel(a)", 'incompatible type "ShellStep"'),
            ("ctx.review_comment('a', '1', 'b')", 'incompatible type "str"; expected "int"'),
            ("ctx.fail()", "Missing positional argument"),
            ("plue.push(branch=['x'])", 'Unexpected keyword argument "branch"'),
            ("plue.schedule()", 'Missing positional argument "cron"'),
            ("plue.concurrency('a', policy='lifo')", "incompatible type"),
            ("plue.manual(inputs={'a': 'str'})", "incompatible type"),
            ("setup_demo(verson='1')", 'Unexpected keyword argument "verson"'),
            ("setup_demo(version=1)", 'incompatible type "int"; expected "str"'),
            ("CodeReview(diff='x')", 'Missing named argument "focus"'),
            ("CodeReview(diff='x', focus=1)", 'incompatible type "int"; expected "str"'),
            ("CodeReview(diff='x', focus='y', temprature=1)", 'Unexpected keyword argument "temprature"'),
            ("CodeReview(diff='x', focus='y').isues", 'has no attribute "isues"'),
            ("CodeReview(diff='x', focus='y').issues[0].severity == 'bad'", "Non-overlapping equality check"),
            ("CodeReview(diff='x', focus='y').issues[0].line + 'x'", "Unsupported"),
            ("BaseReview(diff='x').text + 1", "Unsupported"),
            ("return 3", "Incompatible return value type"),
        ]
        self.copy_acceptance()
        body = "".join(f"    {code}\n" for code, _ in lines)
        self.workflow("import plue\nfrom plue.actions.setup_demo import setup_demo; from plue.prompts import BaseReview, CodeReview\n@plue.workflow(triggers=[plue.push()])\n"
                      "def wrong(ctx: plue.Context) -> plue.End:\n    a = ctx.run(cmd='true')\n" + body, "wrong")
        out = self.mypy("--strict-equality", ".plue/workflows/wrong.py")
        for number, (code, message) in enumerate(lines, 6):
            reported = [line for line in out.splitlines() if line.startswith(f".plue/workflows/wrong.py:{number}: error:")]
            self.assertTrue(any(message in line for line in reported), f"{code}\n{message}\n{reported}")
