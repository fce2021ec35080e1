"""Prompts: their frontmatter, and what calling one in a workflow does to the plan."""
import hashlib
import json
from pathlib import Path

import jinja2

from harness import PlueTest

CODE_REVIEW = """---
name: Review
type: agent
inputs: {diff: string, lines: integer?, tags: "string[]?", level: low | high}
output:
  issues:
    - {file: string, line: integer, note: string?}
  summary: string
tools: [read_file, dynamic]
---
Look at {{ diff }}.
"""
IMPORTS = "from plue.prompts import Review\nfrom plue.tools import shell\n"


class Calls(PlueTest):
    def review(self, body, prompt=CODE_REVIEW):
        self.write(".plue/prompts/review.prompt.md", prompt)
        self.write(".plue/tools/check.py", "from plue import tool\n@tool()\ndef check(ctx):\n    pass\n")
        self.steps_workflow(body, decorator=IMPORTS + "@workflow(triggers=[manual()])")

    def refused(self, body, message, hint=None, prompt=CODE_REVIEW):
        self.review(body, prompt)
        error = self.plan_error()
        self.assertIn(message, error["message"])
        self.assertEqual(error["at"]["path"], ".plue/workflows/ci.py")
        if hint:
            self.assertEqual(error["hint"], hint)

    def test_a_call_is_a_step_with_all_keys(self):
        self.review("""
            r = Review(diff="x", level="low", max_turns=3, timeout="2m", client="fast", tools=["//tools:check"])
            ctx.log(r.summary)""")
        step, log = self.plan()["steps"]
        tool = {"builtin": True, "path": None, "repo": None, "ref": None,
                "config": {"allow": None, "deny": None, "timeout_ms": None}}
        self.assertEqual(step["config"], {
            "prompt_path": ".plue/prompts/review.prompt.md", "inputs": {"diff": "x", "lines": None, "tags": None, "level": "low"},
            "client": "fast", "tools": [{"name": "read_file", **tool}, {"name": "check", **tool, "builtin": False, "path": "//tools:check"}],
            "max_turns": 3, "temperature": None, "max_tokens": None, "timeout_ms": 120000, "retries": 0, "repairs": 2,
            "budget": None, "cache": None})
        self.assertEqual((step["id"], step["type"]), ("review", "agent"))
        self.assertEqual(log["config"]["text"], {"$expr": "steps.review.output.summary"})

    def test_arguments_are_checked_where_the_call_stands(self):
        self.refused('Review(diff="x", levle="low")', "unexpected keyword argument 'levle'", "did you mean 'level'?")
        self.refused('Review(diff="x")', "missing required argument: 'level'")
        self.refused('Review("x")', "takes named arguments only")
        self.refused('Review(diff=1, level="mid", tags=["a", 2])', 'Review: input /diff: expected str, found an integer; '
                     'Review: input /tags/1: expected str, found an integer; '
                     'Review: input /level: expected enum("low", "high"), found "mid"')
        self.refused('Review(diff="x", level="low", max_turns="3")', "max_turns=) takes an integer")

    def test_deferred_arguments_pass_and_their_surroundings_are_checked(self):
        self.review("""
            a = ctx.run(name="a", cmd="true")
            Review(diff=a.stdout, level="low", tags=[a.stdout, "b"])""")
        self.assertEqual(self.plan()["steps"][1]["depends_on"], ["a"])
        self.refused("""
            a = ctx.run(name="a", cmd="true")
            Review(diff=a.stdout, level="low", tags=[a.stdout, 1])""", "/tags/1: expected str")

    def test_a_wrong_field_of_the_answer_is_an_error_of_the_plan(self):
        self.refused('Review(diff="x", level="low").sumary', "the output of Review has no attribute 'sumary'. "
                     "Did you mean: 'summary'?")

    def test_tools_are_checked(self):
        call = 'Review(diff="x", level="low", tools=[%s])'
        self.refused(call % '"red_file"', "there is no tool 'red_file'")
        self.refused(call % '"//tools:none"', "there is no tool //tools:none")
        self.refused(call % 'shell(), "shell"', "two tools called 'shell'")
        self.refused(call % 'shell()', "takes no further tools", prompt=CODE_REVIEW.replace(", dynamic", ""))

    def test_results_must_fit_the_output(self):
        self.review("""
            r = Review(diff="x", level="low")
            for i in r.issues:
                ctx.log(str(i.note))""")
        results = self.top / "results.json"
        results.write_text(json.dumps({"review": {"output": {"issues": [{"file": "a", "line": 1.0}], "summary": ""}}}))
        self.assertEqual(self.plan("--results", results)["steps"][1]["config"]["text"], "None")
        results.write_text(json.dumps({"review": {"output": {"issues": [{"file": "a", "line": "1"}], "summary": ""}}}))
        self.assertEqual(self.plan_error("--results", results)["message"],
                         "output of step 'review' /issues/0/line: expected int, found a string")

    def test_unknown_prompts_have_suggestions(self):
        self.write(".plue/prompts/review.prompt.md", CODE_REVIEW)
        self.steps_workflow("pass", decorator="from plue.prompts import Reviw\n@workflow(triggers=[manual()])")
        self.assertEqual(self.plan_error()["hint"], "did you mean 'Review'?")


# Every mistake of a head that has a message of its own, and mistakes of templates behind a head.
WRONG = {
    "body": """---
name: Body
inputs: {n: integer}
---
{{ n | uper }}
{% if n is evn %}é {{ n | upper | lowr }}{% endif %}
""",
    "body_syntax": """---
name: BodySyntax
---
{% if x %}
é {{ a b }}
""",
    "keys": """---
name: 1st
description: [a]
system: {a: b}
type: chat
client:
temperature: 3
max_tokens: 1.5
max_turns: 0
repairs: 21
inputs: [diff]
output: string
tools: read_file
types: string
extends: nothing.prompt.md
budget: .inf
---
""",
    "tools": """---
nmae: Tools
inputs:
  tools: string
tools: [red_file, grep, grep, "//tools:grep", frobnicate, [a]]
---
""",
    "types": """---
name: Types
types:
  Loop: Loop[]
  Comment: {line: int}
inputs:
  a: strng
  b: string | integer
  c:
  d?: string
  1st: string
output:
  e: [string, integer]
  f: []
  g: a | a
  h: a | b c
  i: (a | b)[
  j: Coment?
  k: object
  l: null
---
""",
    "cycle": """---
name: Cycle
extends: cycle.prompt.md
---
""",
    "no_head": "name: NoHead\n",
    "open": "---\nname: Open\n",
    "list": "---\n[a]\n---\n",
    "tab": "---\nname: Tab\n\tclient: x\nnmae: x\n---\n{{ n | uper }}\n",
    "tab_inside": "---\nname: TabInside\ninputs:\n\ta: strng\n\tb: string\ntemperature: 3\n---\n",
    "twice": "---\nname: 2nd\nname: Again\ntype: chat\ninputs: {a: strng, a: int}\n---\n",
    "alias": "---\nname: &a x\ndescription: *a\ntyp: llm\n---\n",
    "bomb": """---
name: Bomb
types:
  a: &a {x: string}
  b: {x: *a, y: *a}
output: {c: a, d: "strng[]"}
max_turns: 0
---
""",
    "open_keys": "---\nname: OpenKeys\nclinet: x\ninputs: {a: strng}\n\nReview: {{ diff }}\n",
    "unclosed": """---
name: Unclosed
tools: [read_file, grep
max_turns: 0
client: "fast
description: a: b
just words
types: {A: string
inputs: {x: A, y: [B}
repairs: 21
---
{% if %}
""",
}


class Heads(PlueTest):
    def problems(self, text):
        self.write(".plue/prompts/a.prompt.md", text)
        result = self.plue("workflow", "lint", "--json", expect=2)
        return [(p["at"]["line"], p["at"]["column"], p["message"], p["hint"]) for p in result.json["problems"]]

    def test_every_mistake_has_its_place(self):
        self.assertEqual(self.problems("""---
nmae: A
type: chat
client: [a]
inputs:
  a: strng
  b: string | integer
  tools: string
output:
  x: [string, integer]
  y: a | a
max_turns: 0
tools: [red_file, grep, grep]
types: [a, b]
---
"""), [
            (1, 1, "the prompt has no name", "write name: NAME; workflows import it by this name"),
            (2, 1, "a prompt has no key 'nmae'", "did you mean 'name'?"),
            (3, 7, "type: expected llm or agent, found 'chat'", "llm answers once, agent uses tools in turns"),
            (4, 9, "client: expected a text, found a list", "write client: TEXT"),
            (6, 6, "there is no type 'strng'", "did you mean 'string'?"),
            (7, 6, "'string' is a type, not a word of an enum",
             "there are no unions of types: use any, or an object with optional fields"),
            (8, 3, "an input cannot be called 'tools': calls of prompts have an option of this name", "give it another name"),
            (10, 6, "a list as a type has exactly one element, this one has 2", "an enum is written a | b | c"),
            (11, 10, "the word 'a' stands here twice", "remove one of the two"),
            (12, 12, "max_turns: expected an integer from 1 to 1000, found 0", "write max_turns: 10"),
            (13, 9, "there is no tool 'red_file'", "did you mean 'read_file'?"),
            (13, 25, "there are two tools called 'grep'", "remove one of the two"),
            (14, 8, "types: expected a mapping of names and types, found a list",
             "write types: {Comment: {path: string, line: integer}}")])

    def test_a_budget_is_tokens_and_dollars(self):
        for budget in ("0.5", "{tokens: 1000}", "{usd: 0.25, tokens: 5}"):
            self.write(".plue/prompts/a.prompt.md", f"---\nname: A\nbudget: {budget}\n---\n")
            self.plue("workflow", "lint", expect=0)
        for budget in ("{tokens: x}", "{tokens: 1.5}", "{}", "[1]", "-1", "lots", "{usd: 1, eur: 1}"):
            self.assertEqual(self.problems(f"---\nname: A\nbudget: {budget}\n---\n"), [
                (3, 9, "budget: expected US dollars, or a mapping of tokens and usd",
                 "write budget: {tokens: 100000}, or budget: {usd: 0.50}")], budget)

    def test_templates_are_linted_where_they_stand(self):
        self.assertEqual(self.problems("""---
name: A
inputs: {a: string}
---
{{ a | uper }}
{% if a is oddd %}{% endif %}
"""), [
            (5, 8, "No filter named 'uper'.", "did you mean 'upper'?"), (6, 12, "No test named 'oddd'.", "did you mean 'odd'?")])
        self.assertEqual([p[:2] for p in self.problems("---\nnmae: A\n---\n\n{% for x in %}\n")], [(1, 1), (2, 1), (5, 13)])
        self.assertEqual(self.problems("---\nname: A\n---\n\n{% for x in %}\n"), [
            (5, 13, "Expected an expression, got 'end of statement block'", None)])

    def test_mistakes_are_printed_with_place_line_caret_and_hint(self):
        for name, text in WRONG.items():
            self.write(f".plue/prompts/{name}.prompt.md", text)
        fields = "".join(f"  f{i}: string\n" for i in range(501))
        self.write(".plue/prompts/wide.prompt.md", f"---\nname: Wide\ninputs:\n{fields}---\n")
        result = self.plue("workflow", "lint", expect=2)
        self.assert_golden("prompts-wrong.txt", result.err)
        self.assertEqual(result.out, "17 files: 77 errors, 0 warnings\n")

    def undeclared(self, body, head="inputs: {goal: string, items: any}\n"):
        """What lint says of the template's variables: (file, line, name) each."""
        self.write(".plue/prompts/a.prompt.md", f"---\nname: A\n{head}---\n{body}")
        problems = self.plue("workflow", "lint", "--json").json["problems"]
        return [(p["at"]["path"].removeprefix(".plue/prompts/"), p["at"]["line"], p["message"].split()[0]) for p in problems]

    def test_a_templates_variables_are_inputs(self):
        self.assertEqual(self.undeclared("{{ gaol }}\n{{ goal }} {{ output_schema }}\n{% if other %}{% endif %}{{ gaol }}\n"),
                         [("a.prompt.md", 5, "gaol"), ("a.prompt.md", 7, "other")])
        out = self.plue("workflow", "lint", expect=2).err
        self.assertIn(".plue/prompts/a.prompt.md:5:4: error: gaol is no input of the prompt A\n    5 | {{ gaol }}\n      |    ^^^^\n  hint: did you mean 'goal'?\n", out)
        self.assertIn("hint: declare it under inputs:, or write other | default(...)\n", out)

    def test_what_jinja_calls_undeclared_is_reported(self):
        import jinja2
        import jinja2.meta
        env = jinja2.Environment()
        for body in ("{% for i in items %}{{ i.x }}{{ loop.index }}{{ j }}{% else %}{{ k }}{% endfor %}", "{% set a = b %}{{ a }}{{ range(3) }}{{ dict(x=c) }}",
                     "{% macro m(p, q=r) %}{{ p }}{{ q }}{{ varargs }}{{ s }}{% endmacro %}{{ m(t) }}", "{% with a = goal %}{{ a }}{{ b }}{% endwith %}",
                     "{{ goal.upper() ~ x[y] }}{{ z | join(w) }}{{ 3 is divisibleby(v) }}", "{% filter replace(a, b) %}{{ c }}{% endfilter %}",
                     "{% call(n) goal(m) %}{{ n }}{{ o }}{{ caller }}{% endcall %}", "{% set ns = namespace(x=1) %}{% set ns.x = q %}{{ ns.x }}",
                     "{% block one %}{{ self.one() }}{{ u }}{% endblock %}", "{% autoescape a %}{% endautoescape %}{{ (b, [c], {d: e}) }}{{ f if g else h }}",
                     "{% set t %}{{ a }}{% endset %}{{ t }}{{ -b + c // d and not e }}{{ f[g:h:i] }}"):
            expected = jinja2.meta.find_undeclared_variables(env.parse(body)) - {"goal", "items"}
            self.assertEqual({name for _, _, name in self.undeclared(body)}, expected, body)

    def test_names_that_are_asked_for_are_no_mistake(self):
        self.assertEqual(self.undeclared("{{ a | default('x') }}{% if b is defined %}{{ b }}{% endif %}{{ c | d(1) }}{% if e is not defined %}{% endif %}"
                                         "{% if goal %}{% set f = 1 %}{% endif %}{{ f }}"), [])

    def test_templates_that_it_includes_see_its_inputs(self):
        self.write(".plue/prompts/parts/list.md", "{{ goal }}\n{{ mode }}{{ own }}\n{% include 'parts/deep.md' %}")
        self.write(".plue/prompts/parts/deep.md", "{{ deep }}{% include 'parts/list.md' %}")
        self.write(".plue/prompts/parts/macros.md", "{% macro m(a) %}{{ a }}{{ free }}{% endmacro %}{{ goal }}")
        self.assertEqual(self.undeclared("{% set own = 1 %}{% include 'parts/list.md' %}{% import 'parts/macros.md' as ms %}{{ ms.m(1) }}"
                                         "{% from 'parts/macros.md' import m %}{{ m(2) }}{% include 'none.md' ignore missing %}"),
                         [("parts/deep.md", 1, "deep"), ("parts/list.md", 2, "mode")])

    def test_computed_names_of_templates_are_followed_where_they_are_known(self):
        for part in "abcd":
            self.write(f".plue/prompts/{part}.md", "{{ in_%s }}" % part)
        self.write(".plue/prompts/base.md", "{{ in_base }}{% block one %}{% endblock %}")
        for body, parts in (
                ("{% include 'a.md' if goal else 'b.md' %}", "ab"), ("{% include 'a.md' if goal %}", "a"),
                ("{% include goal or 'a.md' %}", "a"), ("{% include goal and 'a.md' %}", "a"),
                ("{% include 'a' ~ '.md' %}", "a"), ("{% include ('a' if goal else 'b') + '.md' %}", "ab"),
                ("{% include ['none.md', 'b.md', 'a.md'] %}", "b"), ("{% include [goal, 'a.md', 'b.md'] %}", "a"),
                ("{% include ('c.md' if goal else 'none.md', 'a.md') %}", "ac"), ("{% include ['x.md', 'y.md'] ignore missing %}", ""),
                ("{% set p = 'a.md' %}{% include p %}", "a"), ("{% set p = ['x.md', 'b.md'] %}{% include p %}", "b"),
                ("{% set p = 'a' %}{% set q = p ~ '.md' %}{% include q %}", "a"),
                ("{% if goal %}{% set p = 'a.md' %}{% endif %}{% include p %}", "a"),
                ("{% for p in ['a.md', 'b.md'] %}{% include p %}{% endfor %}", "ab"),
                ("{% with p = 'a.md' %}{% include p %}{% endwith %}", "a"),
                ("{% set p = 'a.md' %}{% block x %}{% include p %}{% endblock %}", "a"),
                ("{% import 'a' ~ '.md' as m with context %}{{ m }}", "a"), ("{% from ('a.md' if goal) import x with context %}{{ x }}", "a")):
            self.assertEqual([name for _, _, name in self.undeclared(body)], [f"in_{p}" for p in parts], body)
        self.assertEqual([name for _, _, name in self.undeclared("{% extends 'base' ~ '.md' %}{% block one %}{% include ('b' ~ '.md') %}{% endblock %}")],
                         ["in_b", "in_base"])

    def test_names_in_blocks_that_are_replaced_are_not_asked_for(self):
        self.write(".plue/prompts/part.md", "{{ in_part }}")
        self.write(".plue/prompts/base.md", "{{ top }}{% block one %}{{ in_one }}{% block inner %}{{ in_inner }}{% endblock %}{% endblock %}"
                                            "{% block two %}{% if goal %}{{ in_two }}{% include 'part.md' %}{% endif %}{% endblock %}{{ in_one_too }}")
        self.write(".plue/prompts/middle.md", "{% extends 'base.md' %}{% block one %}{{ middle }}{{ super() }}{% endblock %}{{ dropped }}")

        def names(body):
            return sorted(name for _, _, name in self.undeclared(body))

        base = "{% extends 'base.md' %}"
        self.assertEqual(names(base), ["in_inner", "in_one", "in_one_too", "in_part", "in_two", "top"])
        self.assertEqual(names(base + "{% block one %}x{% endblock %}"), ["in_one_too", "in_part", "in_two", "top"])
        self.assertEqual(names(base + "{% block inner %}x{% endblock %}"), ["in_one", "in_one_too", "in_part", "in_two", "top"])
        self.assertEqual(names(base + "{% block two %}x{% endblock %}"), ["in_inner", "in_one", "in_one_too", "top"])
        self.assertEqual(names(base + "{% block two %}{{ super() }}{% endblock %}"), ["in_inner", "in_one", "in_one_too", "in_part", "in_two", "top"])
        self.assertEqual(names(base + "{% block one %}{% block two %}{{ super() }}{% endblock %}{% endblock %}"), ["in_one_too", "in_part", "in_two", "top"])
        middle = "{% extends 'middle.md' %}{% block two %}{% endblock %}"
        self.assertEqual(names(middle), ["in_inner", "in_one", "in_one_too", "middle", "top"])
        self.assertEqual(names(middle + "{% block one %}{{ super() }}{% endblock %}"), ["in_inner", "in_one", "in_one_too", "middle", "top"])
        self.assertEqual(names(middle + "{% block one %}{% endblock %}"), ["in_one_too", "top"])
        self.assertEqual(names(base + "{{ dropped }}{% set x = used %}{% block one %}{% endblock %}{% block two %}{% endblock %}"),
                         ["in_one_too", "top", "used"])

    def test_what_a_template_includes_is_not_guessed(self):
        for part in "ab":
            self.write(f".plue/prompts/{part}.md", "{{ in_%s }}" % part)
        for body in ("{% include goal %}", "{% include goal ~ '.md' %}", "{% include 'a.md' | lower %}", "{% include items[0] %}",
                     "{% set p = 'a.md' %}{% set p = goal %}{% include p %}", "{% include p | default('a.md') %}{% set p = 'a.md' %}",
                     "{% for i in items %}{% set p = 'a.md' %}{% endfor %}{% include goal %}{{ p is defined }}{% include p %}",
                     "{% macro m(p) %}{% include p %}{% endmacro %}{% set p = 'a.md' %}{{ m('b.md') }}",
                     "{% set p = 'a.md' %}{% macro m(p) %}{% include p %}{% endmacro %}{{ m(goal) }}",
                     "{% set p = 'a.md' %}{% for p, q in items %}{% include p %}{% endfor %}",
                     "{% for p in items %}{% include p %}{% else %}{% set q = 'a.md' %}{% endfor %}{{ q is defined }}{% include q %}",
                     "{% with p = goal, q = p %}{% set p = 'a.md' %}{% include q %}{% endwith %}", "{% include 'a.md' and goal %}",
                     "{% with p = 'a.md', q = p %}{% include q %}{% endwith %}", "{% import ('a.md' if goal) as m %}{{ m }}",
                     "{% include ['a.md' ~ goal, ['b.md']] ignore missing %}", "{% set p = ['a.md'] %}{% include p ~ 'x' ignore missing %}",
                     "{% include " + " ~ ".join(["('a' if goal else 'b')"] * 30) + " ignore missing %}",
                     "{% set a = ['a.md'] %}" + "".join(f"{{% set {b} = {a} or {a} %}}" for a, b in zip("abcdefghij", "bcdefghijk")) + "{% include k ~ 'x' %}"):
            self.assertEqual([name for _, _, name in self.undeclared(body) if name.startswith("in_")], [], body)

    def test_documents_that_cannot_be_read(self):
        for text, line, message in (
                ("name: A\n", 1, "does not begin with a frontmatter"), ("---\nname: A\n", 1, "no closing ---"),
                ("---\nname: A\n\tx: 1\n---\n", 3, ""), ("---\nname: A\nname: B\n---\n", 3, ""),
                ("---\nname: &a x\nb: *a\n---\n", 2, ""), ("---\n[]\n---\n", 2, "not a mapping"),
                ("---\nname: A\ntypes: {T: \"T[]\"}\n---\n", 3, "nested too deep"),
                ("---\nname: A\nextends: a.prompt.md\n---\n", 3, "extends itself"),
                ("---\nname: A\ntypes:\n" + "".join(f"  T{i}: {{a: T{i + 1}, b: T{i + 1}}}\n" for i in range(13)) +
                 "  T13: {a: string}\noutput: T0\n---\n", 16, "the types of this prompt, written out, are more than 5000"),
                ("---\nname: A\nextends: ../x.prompt.md\n---\n", 3, "no prompt")):
            problems = self.problems(text)
            self.assertEqual(problems[0][0], line, (text, problems))
            self.assertIn(message, problems[0][2])
            self.assertTrue(problems[0][3], problems)

    def test_missing_keys_come_from_the_base(self):
        self.write(".plue/prompts/base.prompt.md", "---\nname: Base\nclient: c\ninputs: {a: string}\ntools: [grep]\n---\n")
        self.write(".plue/prompts/sub/b.prompt.md", "---\nname: B\nextends: base.prompt.md\ntools: [glob]\n---\nx")
        prompts = self.plue("prompt", "list", "--json", expect=0).json["prompts"]
        b = next(p for p in prompts if p["name"] == "B")
        self.assertEqual((b["client"], b["tools"], b["inputs"]["required"], b["extends"]),
                         ("c", ["glob"], ["a"], ".plue/prompts/base.prompt.md"))

    def test_a_definition_has_a_hash_of_what_it_means(self):
        def sha256(head, body="{{ a }}\n"):
            self.write(".plue/prompts/a.prompt.md", f"---\n{head}---\n{body}")
            return self.plue("prompt", "list", "--json", expect=0).json["prompts"][0]["sha256"]

        head = "name: A\ninputs: {a: string, b: integer?}\ntools: [grep]\ntype: agent\n"
        same = sha256(head)
        self.assertRegex(same, "^[0-9a-f]{64}$")
        self.assertEqual(sha256(head), same)
        self.assertEqual(sha256("# why\ntype: 'agent'\ntools:\n- grep\ninputs:\n  a: string\n  b: integer?\nname: A\n"), same)
        listed = self.plue("prompt", "list", "--json", expect=0).json["prompts"][0]
        del listed["sha256"]
        text = json.dumps(listed, ensure_ascii=False) + "\n{{ a }}\n"
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), same)
        others = [sha256(head.replace(*change)) for change in (
            ("name: A", "name: B"), ("b: integer?", "b: integer"), ("a: string, b: integer?", "b: integer?, a: string"), ("[grep]", "[glob]"),
            ("type: agent", "type: agent\nrepairs: 3"), ("type: agent", "type: agent\nsystem: x"))]
        others.append(sha256(head, "{{ b }}\n"))
        self.write(".plue/prompts/base.prompt.md", "---\nname: Base\n---\n")
        others.append(sha256(head + "extends: base.prompt.md\n"))
        self.assertEqual(len({same, *others}), 9)

    def test_types_become_json_schema(self):
        self.write(".plue/prompts/a.prompt.md", """---
name: A
types: {P: {x: float}}
output: {a: "P[]?", b: (u | v)?, c: [{d: any}], e: u | null}
---
""")
        output = self.plue("prompt", "list", "--json", expect=0).json["prompts"][0]["output"]
        point = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": False}
        self.assertEqual(output["properties"], {
            "a": {"anyOf": [{"type": "array", "items": point}, {"type": "null"}]},
            "b": {"anyOf": [{"enum": ["u", "v"]}, {"type": "null"}]},
            "c": {"type": "array", "items": {"type": "object", "properties": {"d": {}}, "required": ["d"],
                                             "additionalProperties": False}},
            "e": {"anyOf": [{"enum": ["u"]}, {"type": "null"}]}})
        self.assertEqual(output["required"], ["c"])


def sample(schema):
    """A value of this schema that filters and loops can do something with."""
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: sample(field) for name, field in schema.get("properties", {}).items()}
    return {"array": lambda: [sample(schema["items"])] * 2, "integer": lambda: 3, "number": lambda: 1.5,
            "boolean": lambda: True}.get(kind, lambda: "é <first>\n  second\n")()


class Preview(PlueTest):
    def test_a_prompt_is_rendered_behind_its_head(self):
        self.copy_acceptance()
        result = self.plue("prompt", "preview", ".plue/prompts/CodeReview.prompt.md", "--input", "focus=security",
                           "--input", 'checks=["a", "b"]', expect=0)
        self.assertTrue(result.out.startswith("You review for SECURITY only.\n\n## Code\n\n```diff\n[diff]\n```\n"), result.out)
        self.assertIn("\n- a;\n- b.", result.out)
        self.assertIn('{\n  "type": "object",\n  "properties": {\n    "issues": {', result.out)
        self.assertIn("made up: diff", result.err)

    def test_typescript_is_the_short_form_of_the_schema(self):
        self.write(".plue/prompts/a.prompt.md", """---
name: A
types: {P: {x: float, y: integer}}
output: {a: "P[]?", b: (u | v)?, c: [{d: any}], e: u | null, f: "string[]", g: x | y, h: "(p | q)[]", i: boolean}
---
{{ output_schema | typescript }}
{{ "" | typescript }}{{ {"type": "object", "additionalProperties": {"type": "array", "items": {"anyOf": [{}, {"type": "null"}]}}} | typescript }}
""")
        self.assertEqual(self.plue("prompt", "preview", ".plue/prompts/a.prompt.md", expect=0).out, '''
{a?: {x: number, y: integer}[], b?: "u" | "v", c: {d: any}[], e?: "u", f: string[], g: "x" | "y", h: ("p" | "q")[], i: boolean}
{[key: string]: (any | null)[]}
'''.strip("\n"))

    def test_every_prompt_of_the_corpus_renders_as_jinja2_renders_it(self):
        self.copy_acceptance()
        folder = self.repo / ".plue/prompts"
        loader = jinja2.FunctionLoader(lambda name: (folder / name).read_text().split("---\n", 2)[-1])
        oracle = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined)
        prompts = self.plue("prompt", "list", "--json", expect=0).json["prompts"]
        self.assertGreater(len(prompts), 2)
        for prompt in prompts:
            inputs = {name: sample(schema) for name, schema in prompt["inputs"]["properties"].items()}
            output = prompt.get("output")
            context = dict(inputs, output_schema=json.dumps(output, indent=2, ensure_ascii=False) if output else "")
            name = Path(prompt["path"]).name
            with self.subTest(prompt=name):
                given = self.write("inputs.json", json.dumps(inputs))
                result = self.plue("prompt", "preview", prompt["path"], "--inputs", given, expect=0)
                self.assertEqual(result.out, oracle.get_template(name).render(context))

    def test_wrong_inputs_and_wrong_templates_have_their_places(self):
        self.write(".plue/prompts/a.prompt.md", "---\nname: A\ninputs: {n: integer}\n---\n{{ n }}\n{{ m }}\n")
        result = self.plue("prompt", "preview", ".plue/prompts/a.prompt.md", "--input", "n=x", expect=2)
        self.assertIn("input /n: expected int, found a string", result.err)
        self.write(".plue/prompts/l.prompt.md", "---\nname: L\ninputs:\n  l:\n    - {path: string, line: integer}\n---\n{{ l }}\n")
        result = self.plue("prompt", "preview", ".plue/prompts/l.prompt.md", "--input",
                           'l=[{"path": "a", "line": "x", "col": 1}, {"path": 2, "line": 3}]', expect=2)
        self.assertEqual([line for line in result.err.splitlines() if line.startswith("error")], [
            "error: input /l/0/line: expected int, found a string", "error: input /l/0: there is no field 'col'",
            "error: input /l/1/path: expected str, found an integer"])
        result = self.plue("prompt", "preview", ".plue/prompts/a.prompt.md", "--input", "n=1", expect=2)
        self.assertEqual(result.out, "")
        self.assertIn(".plue/prompts/a.prompt.md:6:", result.err)
