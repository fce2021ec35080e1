#!/usr/bin/python3
"""The parser against CPython's own: the same tree with the same places, or the refusals that are true.

compare.py SYNTAX_DUMP [--all]
    accepted.txt: snippets, one tree each
    the standard library: whole files, and of files that hold what the language refuses every function
    that does not; a sample of the files, or all of them with --all
"""
import ast
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import warnings

HERE = pathlib.Path(__file__).parent
LIBRARY = [pathlib.Path("/usr/lib/python3.11"), pathlib.Path("/usr/lib/python3")]
MAX_SOURCE = 1 << 20
SAMPLE = 12  # every so-manieth file of the library, unless --all
LIMITS = ("limit_exceeded:",)


# ---- CPython's tree in the form of dump.c ----

class Dump:
    def __init__(self, source):
        self.starts = [3 if source.startswith(b"\xef\xbb\xbf") else 0]
        self.starts += [m.end() for m in re.finditer(rb"\r\n|\n|\r", source)]
        self.out = []
        self.in_fstring = 0

    def begin(self, kind, node):
        at = ""
        if not self.in_fstring:
            from_ = self.starts[node.lineno - 1] + node.col_offset
            to = self.starts[node.end_lineno - 1] + node.end_col_offset
            at = f"@{from_}:{to - from_}"
        return f"{kind}{at}("

    def list(self, nodes):
        return "[" + ", ".join("-" if n is None else self.expr(n) for n in nodes) + "]"

    def optional(self, node):
        return "-" if node is None else self.expr(node)

    def text(self, s):
        return "-" if s is None else json.dumps(s, ensure_ascii=False)

    def op(self, op):
        return type(op).__name__

    def expr(self, e):
        kind = type(e).__name__
        return getattr(self, "expr_" + kind, self.expr_any)(e, kind)

    def expr_any(self, e, kind):
        """Fields in order: expressions, lists of them, operators, contexts, names."""
        fields = []
        for name in e._fields:
            value = getattr(e, name)
            if isinstance(value, list):
                if value and isinstance(value[0], ast.cmpop):
                    fields.append("[" + ", ".join(map(self.op, value)) + "]")
                else:
                    fields.append(self.list(value))
            elif isinstance(value, ast.expr):
                fields.append(self.expr(value))
            elif isinstance(value, ast.AST):
                fields.append(self.op(value))
            else:
                fields.append(self.text(value))
        return self.begin(kind, e) + ", ".join(fields) + ")"

    def expr_Constant(self, e, kind):
        v = e.value
        text = "Ellipsis" if v is ... else self.text(v) if isinstance(v, str) else repr(v)
        return self.begin(kind, e) + text + ")"

    def expr_JoinedStr(self, e, kind):
        self.in_fstring += 1
        text = "JoinedStr(" + self.list(e.values) + ")"
        self.in_fstring -= 1
        return text

    def expr_FormattedValue(self, e, kind):
        spec = self.optional(e.format_spec)
        return f"FormattedValue({self.expr(e.value)}, {e.conversion}, {spec})"

    def expr_Call(self, e, kind):
        args = [f"Star({self.expr(a.value)})" if isinstance(a, ast.Starred) else self.expr(a)
                for a in e.args]
        keywords = [f"keyword({self.text(k.arg)}, {self.expr(k.value)})" for k in e.keywords]
        return (self.begin(kind, e) + self.expr(e.func) + ", [" + ", ".join(args) + "], ["
                + ", ".join(keywords) + "])")

    def comprehension(self, c):
        return f"comprehension({self.expr(c.target)}, {self.expr(c.iter)}, {self.list(c.ifs)})"

    def expr_comp(self, e, kind):
        parts = [e.key, e.value] if kind == "DictComp" else [e.elt]
        return (self.begin(kind, e) + ", ".join(map(self.expr, parts)) + ", ["
                + ", ".join(map(self.comprehension, e.generators)) + "])")

    expr_ListComp = expr_SetComp = expr_DictComp = expr_GeneratorExp = expr_comp

    def expr_Lambda(self, e, kind):
        return self.begin(kind, e) + self.parameters(e.args) + ", " + self.expr(e.body) + ")"

    def parameters(self, a):
        out = []

        def add(kind, arg, default):
            out.append(f"{kind}({self.text(arg.arg)}, {self.optional(arg.annotation)}, "
                       f"{self.optional(default)})")

        both = a.posonlyargs + a.args
        defaults = [None] * (len(both) - len(a.defaults)) + a.defaults
        for i, arg in enumerate(both):
            add("pos" if i < len(a.posonlyargs) else "normal", arg, defaults[i])
        if a.vararg:
            add("var", a.vararg, None)
        for arg, default in zip(a.kwonlyargs, a.kw_defaults):
            add("kwonly", arg, default)
        if a.kwarg:
            add("kw", a.kwarg, None)
        return "[" + ", ".join(out) + "]"

    # ---- statements ----

    def block(self, body):
        return "[" + ", ".join(map(self.stmt, body)) + "]"

    def stmt(self, s):
        kind = type(s).__name__
        return getattr(self, "stmt_" + kind, self.stmt_any)(s, kind)

    def stmt_any(self, s, kind):
        fields = []
        for name in s._fields:
            value = getattr(s, name)
            if name in ("type_comment",):
                continue
            if isinstance(value, list):
                fields.append(self.list(value))
            elif isinstance(value, ast.operator):
                fields.append(self.op(value))
            elif isinstance(value, int):
                fields.append(str(value))
            else:
                fields.append(self.optional(value))
        return f"{kind}({', '.join(fields)})"

    def stmt_If(self, s, kind):
        return f"{kind}({self.expr(s.test)}){self.block(s.body)}{self.block(s.orelse)}"

    stmt_While = stmt_If

    def stmt_For(self, s, kind):
        return (f"For({self.expr(s.target)}, {self.expr(s.iter)})"
                f"{self.block(s.body)}{self.block(s.orelse)}")

    def stmt_Try(self, s, kind):
        handlers = [f"ExceptHandler({self.optional(h.type)}, {self.text(h.name)}, "
                    f"{self.block(h.body)})" for h in s.handlers]
        return (f"Try({self.block(s.body)}, [{', '.join(handlers)}], {self.block(s.orelse)}, "
                f"{self.block(s.finalbody)})")

    def stmt_FunctionDef(self, s, kind):
        return (f"FunctionDef({self.text(s.name)}, {self.parameters(s.args)}, "
                f"{self.block(s.body)}, {self.list(s.decorator_list)}, "
                f"{self.optional(s.returns)})")

    def stmt_Global(self, s, kind):
        return f"{kind}([{', '.join(map(self.text, s.names))}])"

    stmt_Nonlocal = stmt_Global

    def aliases(self, s):
        return "[" + ", ".join(f"alias({self.text(n.name)}, {self.text(n.asname)})"
                               for n in s.names) + "]"

    def stmt_Import(self, s, kind):
        return f"Import({self.aliases(s)})"

    def stmt_ImportFrom(self, s, kind):
        return f"ImportFrom({self.text(s.module)}, {self.aliases(s)})"


def dump(source, tree):
    d = Dump(source)
    return "".join(d.stmt(s) + "\n" for s in tree.body)


# ---- what the language refuses ----

REFUSED_NODES = {
    ast.ClassDef: "'class'", ast.With: "'with'", ast.AsyncFunctionDef: "'async def'",
    ast.AsyncFor: "'async for'", ast.AsyncWith: "'async with'", ast.Await: "'await'",
    ast.Yield: "'yield'", ast.YieldFrom: "'yield from'", ast.Match: "'match'",
    ast.TryStar: "'except*'",
}
MESSAGES = {
    "bytes literals": "bytes", "complex numbers": "complex", "integer literal": "int",
    "\\N{...} escapes": "named", "lone surrogates": "surrogate", "star imports": "star",
    "relative imports": "relative", "asynchronous comprehensions": "async comprehension",
}


def constant_refusal(v):
    if isinstance(v, bytes):
        return "bytes"
    if isinstance(v, complex):
        return "complex"
    if isinstance(v, int) and abs(v) >= 1 << 63:
        return "int"
    if isinstance(v, str) and re.search("[\ud800-\udfff]", v):
        return "surrogate"
    return None


def refusals(tree, text):
    """Names of what is refused below the node."""
    found = set()
    smallest = set()
    for n in ast.walk(tree):
        if type(n) in REFUSED_NODES:
            found.add(REFUSED_NODES[type(n)])
        if isinstance(n, ast.comprehension) and n.is_async:
            found.add("async comprehension")
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.USub):
            if isinstance(n.operand, ast.Constant) and n.operand.value == 1 << 63:
                smallest.add(n.operand)
        if isinstance(n, ast.Constant) and n not in smallest:
            found.add(constant_refusal(n.value))
        if isinstance(n, ast.ImportFrom):
            found.add("relative" if n.level else None)
            found.add("star" if n.names[0].name == "*" else None)
    if "\\N{" in text:
        found.add("named?")
    found.discard(None)
    return found


def reported(lines):
    """The same names from our messages; None where an error is none of a refusal or a limit."""
    found = set()
    for line in lines:
        if line.startswith(LIMITS):
            continue
        if not line.startswith("not_supported: "):
            return None
        message = line[len("not_supported: "):]
        named = re.match(r"'[a-z *]+'", message)
        found.add(named[0] if named else next(
            (name for start, name in MESSAGES.items() if message.startswith(start)), message))
    return found


# ---- cases ----

Case = collections.namedtuple("Case", "name source tree refused")


def make_case(name, source):
    """None where CPython itself cannot parse it."""
    try:
        tree = ast.parse(source)
        text = source.decode("utf-8-sig")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return Case(name, source, tree, refusals(tree, text))


def pieces(case):
    """Every outermost function of a file that holds nothing refused, made a file of its own."""
    lines = re.findall(r".*\n|.+", case.source.decode())  # splitlines cuts at form feeds too
    out = []

    def visit(nodes):
        for n in nodes:
            if isinstance(n, ast.FunctionDef):
                first = min([n.lineno] + [d.lineno for d in n.decorator_list])
                text = textwrap.dedent("".join(lines[first - 1:n.end_lineno]))
                piece = make_case("", text.encode())
                if piece and not piece.refused:
                    out.append(text if text.endswith("\n") else text + "\n")
                    continue
            visit(getattr(n, "body", None) if isinstance(getattr(n, "body", None), list) else [])

    visit(case.tree.body)
    return make_case(case.name + " (functions)", "".join(out).encode()) if out else None


def snippets(path):
    text = path.read_text()
    for i, chunk in enumerate(re.split(r"^---.*\n", text, flags=re.M)):
        source = chunk.encode()
        case = make_case(f"{path.name}[{i}]", source)
        if case is None:
            sys.exit(f"{path.name}[{i}]: CPython refuses this:\n{chunk}")
        if case.refused:
            sys.exit(f"{path.name}[{i}]: holds {case.refused}:\n{chunk}")
        yield case


def library(everything):
    folders = LIBRARY if everything else LIBRARY[:1]
    files = sorted(p for folder in folders for p in folder.rglob("*.py") if p.is_file())
    for i, path in enumerate(files):
        if (not everything and i % SAMPLE) or path.stat().st_size > MAX_SOURCE:
            continue
        case = make_case(str(path), path.read_bytes())
        if not case:
            continue
        yield case
        if case.refused:
            rest = pieces(case)
            if rest:
                yield rest


def run_dump(program, cases):
    """The answers of one call of the program, in the order of the cases."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for i, case in enumerate(cases):
            path = pathlib.Path(folder, f"{i}.py")
            path.write_bytes(case.source)
            names.append(str(path))
        done = subprocess.run([program] + names, capture_output=True, check=True)
        answers = re.split(r"^== .*\n", done.stdout.decode(), flags=re.M)[1:]
    if len(answers) != len(cases):
        sys.exit(f"{len(cases)} files, {len(answers)} answers")
    return answers


def first_difference(ours, theirs):
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    from_ = max(0, at - 120)
    return f"  ours:   ...{ours[from_:at + 120]!r}\n  theirs: ...{theirs[from_:at + 120]!r}"


def judge(case, answer):
    """What is wrong with the answer, or None; and whether a tree was compared."""
    if answer.startswith("errors:\n"):
        errors = [l for l in answer.split("\n")[1:] if re.match(r"[a-z_]+: ", l)]
        found = reported(errors)
        if found is None or not found <= {f.rstrip("?") for f in case.refused}:
            return "  reported: " + "\n            ".join(answer.split("\n")[1:12]), False
        sure = {f for f in case.refused if not f.endswith("?")}
        if len(errors) < 100 and not sure <= found and not any(e.startswith(LIMITS) for e in errors):
            return f"  not reported: {sure - found}", False
        return None, False
    if any(not f.endswith("?") for f in case.refused):
        return f"  accepted, but holds {case.refused}", False
    theirs = dump(case.source, case.tree)
    return (first_difference(answer, theirs) if answer != theirs else None), True


def refused_by_both(path):
    """What our error tests call an error of syntax, CPython must refuse too."""
    for chunk in path.read_text().split("----\n"):
        source, expected = chunk.split("====\n")
        if "supported" in expected or "64 bits" in expected or "limit" in expected:
            continue
        try:
            compile(source, "t.py", "exec")
        except SyntaxError:
            continue
        yield f"{path.name}: CPython accepts this:\n{source}"


def main():
    program, everything = sys.argv[1], "--all" in sys.argv
    sys.setrecursionlimit(20000)
    warnings.simplefilter("ignore")
    passed = failed = compared = 0
    cases = list(snippets(HERE / "accepted.txt")) + list(library(everything))
    for path in sorted((HERE.parent / "unit/syntax/errors").glob("*.txt")):
        for wrong in refused_by_both(path):
            failed += 1
            print(wrong)
    for from_ in range(0, len(cases), 50):
        some = cases[from_:from_ + 50]
        for case, answer in zip(some, run_dump(program, some)):
            wrong, was_compared = judge(case, answer)
            compared += was_compared
            passed += wrong is None
            failed += wrong is not None
            if wrong:
                print(f"{case.name}:\n{wrong}")
    print(f"{compared} trees compared")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
