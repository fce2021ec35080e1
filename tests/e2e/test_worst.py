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
