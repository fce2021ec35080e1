"""What a plan's models may cost at worst, printed with the plan."""
from test_agents import FIX
from test_models import IMPORTS, TRIAGE, ModelTest

CONFIG = """clients:
  priced: {provider: anthropic, model: m, prices: {input: 2, output: 10}}
  free: {provider: anthropic, model: n}
"""


class Worst(ModelTest):
    def worst(self, body, prompt=TRIAGE, config=CONFIG):
        self.write(".plue/config.yaml", config)
        self.write(".plue/prompts/fix.prompt.md", FIX)
        self.triage(prompt=prompt, body=body)
        path = self.repo / ".plue/workflows/ci.py"
        path.write_text(path.read_text().replace("import Triage", "import Triage, Fix"))
        out = self.plue("workflow", "plan", "ci", expect=0).out
        return out[out.index("\nAt worst"):].strip() if "At worst" in out else None

    def test_turns_repairs_retries_and_prices_are_multiplied(self):
        # 1 + 2 repairs, 8,192 tokens each, $10 and $2 per million, 150,000 tokens of context.
        self.assertEqual(self.worst('Triage(title="x", client="priced")'),
                         "At worst 1 step that asks models makes 3 calls with 24,576 tokens of answers: $0.25, and $1.15 with full contexts.")
        self.assertEqual(self.worst('Triage(title="x", client="priced", retries=1)'),
                         "At worst 1 step that asks models makes 6 calls with 49,152 tokens of answers: $0.49, and $2.29 with full contexts.")
        # Two agents of 6 turns and 2 repairs.
        self.assertEqual(self.worst('Fix(goal="x", client="priced")\nFix(goal="y", client="priced")'),
                         "At worst 2 steps that ask models make 16 calls with 131,072 tokens of answers: $1.31, and $6.11 with full contexts.")
        self.assertEqual(self.worst('Triage(title="x", client="priced")', prompt=TRIAGE.replace("repairs: 2", "repairs: 0\nmax_tokens: 100000")),
                         "At worst 1 step that asks models makes 1 call with 100,000 tokens of answers: $1.00, and $1.30 with full contexts.")

    def test_a_budget_bounds_it(self):
        self.assertEqual(self.worst('Triage(title="x", client="priced", budget=0.1)'),
                         "At worst 1 step that asks models makes 3 calls with 24,576 tokens of answers: $0.10, and $0.10 with full contexts.")
        self.assertEqual(self.worst('Triage(title="x", client="priced", budget={"tokens": 50000})'),
                         "At worst 1 step that asks models makes 3 calls with 24,576 tokens of answers: $0.25, and $0.30 with full contexts.")

    def test_unknown_prices_and_plans_that_grow_are_said(self):
        self.assertEqual(self.worst('a = Triage(title="x", client="free")\nb = Triage(title="x", client="priced")\nif a.severity == "low":\n    ctx.log("x")'),
                         "At worst 2 steps that ask models make, so far, 6 calls with 49,152 tokens of answers: $0.25, and $1.15 with full contexts.\n"
                         "The prices of free are unknown and not counted: give them under clients: in .plue/config.yaml.")

    def test_a_plan_without_models_has_no_such_line(self):
        self.assertIsNone(self.worst('ctx.run(name="a", cmd="true")'))
        self.assertIsNone(self.plan()["worst_case"])

    def test_the_plans_json_has_it(self):
        self.worst('Triage(title="x", client="priced")\nTriage(title="y", client="free")')
        self.assertEqual(self.plan()["worst_case"], {
            "steps": 2, "calls": 6, "input_tokens": 900000, "output_tokens": 49152, "answers_usd": 0.24576, "usd": 1.14576,
            "unpriced": ["free"], "uncounted": []})

    def test_agents_that_agents_call_are_counted_as_often_as_they_could_be(self):
        self.write(".plue/tools/look.prompt.md", FIX.replace("name: Fix", "name: Look").replace("anthropic/claude-sonnet", "priced").replace(
            "tools: [", "repairs: 0\nmax_tokens: 1000\ntools: [").replace("max_turns: 6", "max_turns: 3"))
        self.write(".plue/tools/check.py", """from plue import tool, schema
@tool(description="Check.", inputs={}, output=schema(ok=bool))
def check(ctx):
    return ctx.success(ok=True)
""")
        # 2 turns may call 32 tools each, of 3 turns and 1,000 tokens: 192 calls beside the 3 turns and 2 repairs of its own.
        body = 'Fix(goal="x", client="priced", max_turns=3, tools=["//tools:look", "//tools:check"])'
        self.assertEqual(self.worst(body),
                         "At worst 1 step that asks models makes 197 calls with 232,960 tokens of answers: $2.33, and $61.43 with full contexts.\n"
                         "What the functions //tools:check ask of models is not counted, where no budget= bounds it.")
        self.assertEqual(self.plan()["worst_case"]["uncounted"], ["check"])
        self.assertIn("$5.00, and $5.00 with", self.worst(body.replace("max_turns=3", "max_turns=20, budget=5")))
