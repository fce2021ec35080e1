"""Random programs of restricted Python: statements round the expressions of expressions.py.

Every program ends: loops run over short sequences or count down a name of their own, and functions
call only those that were defined before them.
"""
import random

from expressions import PROGRAM_TYPES, Expressions

# Shows a value the same way in Plue and CPython, whose sets have another order.
SHOW = '''\
def show(x, top=True):
    if isinstance(x, (set, frozenset)):
        return str(type(x)) + "{" + ", ".join(sorted([show(y, False) for y in x])) + "}"
    if isinstance(x, dict):
        return "{" + ", ".join([show(k, False) + ": " + show(v, False) for k, v in x.items()]) + "}"
    if isinstance(x, (list, tuple)):
        return str(type(x)) + "(" + ", ".join([show(y, False) for y in x]) + ")"
    if isinstance(x, Exception):
        return str(type(x)) + show(x.args, False) + (" " + str(x) if top else "")
    if x is None or isinstance(x, (int, float, str, range, slice)):
        return repr(x)
    return str(type(x))
'''
EXCEPTIONS = ["Exception", "ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "ZeroDivisionError",
              "ArithmeticError", "AttributeError", "NameError", "AssertionError", "RuntimeError", "StopIteration",
              "(ValueError, TypeError)", "(KeyError, IndexError, NameError)", "OverflowError", "UnicodeError"]
AUGMENTED = {"I": ["+=", "-=", "*=", "//=", "%=", "&=", "|=", "^=", ">>="], "F": ["+=", "-=", "*=", "/=", "//=", "%="],
             "S": ["+="], "L": ["+="], "M": ["+="], "T": ["+="], "D": ["|="], "X": ["|=", "&=", "-=", "^="]}
MUTATIONS = {
    "L": ["append(<I>)", "extend(<L>)", "insert(<J>, <I>)", "remove(<I>)", "pop()", "pop(<J>)", "reverse()", "sort()", "clear()",
          "sort(reverse=True)", "sort(key=<f>)", "sort(key=<f>, reverse=<B>)", "extend(<G>)", "extend(<T>)"],
    "M": ["append(<S>)", "sort()", "sort(key=len)", "reverse()", "insert(<J>, <S>)", "extend(<S>)"],
    "D": ["update(<D>)", "update(a=<I>)", "update([(<S>, <I>)])", "pop(<S>)", "pop(<S>, None)", "popitem()", "setdefault(<S>, <I>)",
          "clear()", "update(<D>, b=<I>)", "setdefault(<S>)"],
    "X": ["add(<I>)", "discard(<I>)", "remove(<I>)", "update(<L>)", "clear()", "intersection_update(<L>)",
          "difference_update(<L>)", "symmetric_difference_update(<L>)", "update(<L>, <T>)"],
}


class Program(Expressions):
    """One program as lines; `names` makes variables of one program differ from another's."""

    def __init__(self, rng, in_function):
        super().__init__(rng)
        self.lines = []
        self.level = 1
        self.count = 0
        self.functions = []     # (name, parameters by type)
        self.in_loop = False
        self.depth_of_functions = int(in_function)
        self.outer = set()      # names that belong to an enclosing function

    def put(self, text):
        self.lines.append("    " * self.level + text)

    def fresh(self, prefix="v"):
        self.count += 1
        return f"{prefix}{self.count}"

    def expression(self, kind, depth=None):
        return self.make(kind, self.rng.choice([1, 2, 2, 3, 4]) if depth is None else depth)

    def remember(self, name, kind):
        self.scopes[-1][name] = kind

    def new_variable(self, kind):
        name = self.fresh() if self.rng.random() < 0.7 else self.rng.choice("xyz")
        if name in self.outer:
            name = self.fresh()
        self.remember(name, kind)
        return name

    # statements

    def block(self, nesting, least=1, most=3):
        self.level += 1
        self.scopes.append({})
        for _ in range(self.rng.randint(least, most)):
            self.statement(nesting + 1)
        self.scopes.pop()
        self.level -= 1

    def statement(self, nesting):
        rows = [(6, self.assign), (3, self.augment), (4, self.mutate), (2, self.unpack), (3, self.item), (4, self.show), (1, self.delete), (1, self.check)]
        if nesting < 4:
            rows += [(3, self.branch), (3, self.loop), (1, self.repeat), (3, self.attempt), (3, self.define), (1, self.closure)]
        if self.functions:
            rows += [(4, self.invoke)]
        if self.in_loop:
            rows += [(1, self.leave)]
        if nesting > 1:
            rows += [(1, self.throw)]
        if self.depth_of_functions > 1:
            rows += [(1, self.give)]
        weights, makers = zip(*rows)
        self.rng.choices(makers, weights)[0](nesting)

    def assign(self, nesting):
        kind = self.rng.choice(PROGRAM_TYPES)
        text = self.expression(kind)
        name = self.new_variable(kind)
        form = self.rng.random()
        if form < 0.1:
            self.put(f"{name} = {self.new_variable(kind)} = {text}")
        elif form < 0.15:
            self.put(f"{name}: int = {text}")
        else:
            self.put(f"{name} = {text}")

    def own(self, kinds):
        names = [(n, k) for scope in self.scopes for n, k in scope.items() if k in kinds and n not in self.outer]
        return self.rng.choice(names) if names else None

    def augment(self, nesting):
        found = self.own("IFSLMTDX")
        if not found:
            return self.assign(nesting)
        name, kind = found
        operator = self.rng.choice(AUGMENTED[kind])
        self.put(f"{name} {operator} {self.expression(kind if operator != '*=' else 'K', 2)}")

    def mutate(self, nesting):
        kind = self.rng.choice("LLMDDX")
        names = self.variables(kind)
        name = self.rng.choice(names) if names else self.literal(kind)
        call = self.fill(self.rng.choice(MUTATIONS[kind]), kind, 2)
        self.put(f"print(show({name}.{call}))" if self.rng.random() < 0.3 else f"{name}.{call}")

    def item(self, nesting):
        kind = self.rng.choice("LLLDDM")
        names = self.variables(kind)
        if not names:
            return self.assign(nesting)
        name, form = self.rng.choice(names), self.rng.random()
        if kind == "D":
            target = f"{name}[{self.make('S', 1)}]"
        else:
            target = f"{name}[{self.make('s' if form < 0.5 else 'J', 1)}]"
        if self.rng.random() < 0.15:
            self.put(f"del {target}")
        elif self.rng.random() < 0.2:
            self.put(f"{target} += {self.make('L' if form < 0.5 else 'I', 2)}")
        else:
            self.put(f"{target} = {self.make('L' if kind != 'D' and form < 0.5 else 'S' if kind == 'M' else 'I', 2)}")

    def unpack(self, nesting):
        rng = self.rng
        source = self.make(rng.choice("LTTRGMS" if rng.random() < 0.1 else "LTT"), 2)
        count = rng.randint(1, 4)
        targets = [self.new_variable("I") for _ in range(count)]
        starred = rng.random()
        if starred < 0.5:
            i = rng.randrange(count)
            self.scopes[-1][targets[i]] = "L"
            targets[i] = "*" + targets[i]
        elif starred < 0.7:
            source = "(" + ", ".join(self.make("I", 1) for _ in range(count)) + ",)"
        elif starred < 0.8:
            source = f"({source}), {self.make('I', 1)}"
            targets = [f"({', '.join(targets)},)", self.new_variable("I")]
        self.put(f"{', '.join(targets)}{',' if len(targets) == 1 else ''} = {source}")

    def show(self, nesting):
        if self.rng.random() < 0.2:
            self.put(f"print({self.make('E', 2)}, {self.make('E', 1)}, sep={self.literal('S')}, end='|\\n')")
        else:
            self.put(f"print(show({self.expression(self.rng.choice(PROGRAM_TYPES + 'Q'))}))")

    def delete(self, nesting):
        found = self.own(PROGRAM_TYPES)
        self.put(f"del {found[0]}" if found and self.rng.random() < 0.5 else "pass")

    def check(self, nesting):
        self.put(f"assert {self.make('B', 2)}" + self.rng.choice(["", f", {self.make('E', 1)}"]))

    def branch(self, nesting):
        self.put(f"if {self.make(self.rng.choice('BBA'), 2)}:")
        self.block(nesting)
        while self.rng.random() < 0.3:
            self.put(f"elif {self.make('B', 2)}:")
            self.block(nesting, 1, 2)
        if self.rng.random() < 0.5:
            self.put("else:")
            self.block(nesting, 1, 2)

    def looped(self, nesting):
        was, self.in_loop = self.in_loop, True
        self.block(nesting)
        self.in_loop = was
        if self.rng.random() < 0.25:
            self.put("else:")
            self.block(nesting, 1, 1)

    def loop(self, nesting):
        rng = self.rng
        form = rng.random()
        self.scopes.append({})
        if form < 0.5:
            source = self.make(rng.choice("LTRG"), 2)
            self.put(f"for {self.new_variable('I')} in list({source})[:5]:")
        elif form < 0.6:
            source = self.make("L", 1)
            self.put(f"for {self.new_variable('I')}, {self.new_variable('I')} in enumerate({source}, {self.make('I', 1)}):")
        elif form < 0.7:
            source = self.make("D", 1)
            self.put(f"for {self.new_variable('S')}, {self.new_variable('I')} in ({source}).items():")
        elif form < 0.8:
            sources = f"{self.make('L', 1)}, {self.make('M', 1)}" + rng.choice(["", ", strict=True"])
            self.put(f"for {self.new_variable('I')}, {self.new_variable('S')} in zip({sources}):")
        elif form < 0.9:
            source = self.make("S", 1)
            self.put(f"for {self.new_variable('S')} in ({source})[:4]:")
        else:
            source = self.make(rng.choice("TD"), 1)
            self.put(f"for {self.new_variable('I')}, *{self.new_variable('L')} in zip({source}, {source}):")
        self.looped(nesting)
        self.scopes.pop()

    def repeat(self, nesting):
        counter = self.fresh("w")
        self.put(f"{counter} = {self.rng.randint(0, 4)}")
        self.put(f"while {counter} > 0{self.rng.choice(['', ' and ' + self.make('B', 1)])}:")
        self.level += 1
        self.put(f"{counter} -= 1")
        self.level -= 1
        self.looped(nesting)

    def leave(self, nesting):
        self.put(f"if {self.make('B', 1)}: {self.rng.choice(['break', 'continue'])}")

    def attempt(self, nesting):
        rng = self.rng
        self.put("try:")
        self.block(nesting, 1, 3)
        handlers = rng.choice([0, 1, 1, 1, 2])
        for _ in range(handlers):
            name = rng.choice(["", " as e"])
            self.put(f"except {rng.choice(EXCEPTIONS)}{name}:")
            self.level += 1
            self.put("print('caught'" + (", show(e))" if name else ")"))
            self.level -= 1
            self.block(nesting, 0, 2)
        if handlers and rng.random() < 0.15:
            self.put("except:")
            self.block(nesting, 1, 1)
        if handlers and rng.random() < 0.3:
            self.put("else:")
            self.block(nesting, 1, 2)
        if not handlers or rng.random() < 0.3:
            self.put("finally:")
            self.level += 1
            self.put("print('finally')")
            self.level -= 1
            self.block(nesting, 0, 1)

    def throw(self, nesting):
        rng = self.rng
        name = rng.choice(["ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "Exception", "LookupError", "StopIteration"])
        text = rng.choice([name, f"{name}()", f"{name}({self.make('E', 1)})", f"{name}({self.make('I', 1)}, {self.make('S', 1)})"])
        cause = rng.choice(["", "", "", " from None", " from ValueError('cause')", " from TypeError"])
        text = f"raise {text}{cause}" if rng.random() < 0.9 else "raise"
        self.put(f"if {self.make('B', 1)}: {text}" if rng.random() < 0.6 else text)

    def give(self, nesting):
        text = f"return {self.expression('A', 2)}"
        self.put(f"if {self.make('B', 1)}: {text}" if self.rng.random() < 0.7 else text)

    # functions

    def parameters(self):
        """The text of a signature, and (names by position, names by keyword, *args, **kwargs)."""
        rng = self.rng
        parts, names, typed, defaults = [], [], {}, False
        count = rng.randint(0, 4)
        slash = rng.randint(1, count) if count and rng.random() < 0.15 else 0
        for i in range(count):
            kind = rng.choice("IISLD")
            name = f"p{i}"
            names.append(name)
            typed[name] = kind
            defaults = defaults or rng.random() < 0.3
            parts.append(f"{name}={self.make(kind, 1)}" if defaults else name)
            if i + 1 == slash:
                parts.append("/")
        star = rng.choice(["", "", "*args", "*"])
        if star:
            parts.append(star)
            if star == "*args":
                typed["args"] = "T"
            for i in range(rng.randint(1 if star == "*" else 0, 2)):
                kind = rng.choice("IS")
                typed[f"k{i}"] = kind
                names.append(f"k{i}")
                parts.append(rng.choice([f"k{i}", f"k{i}={self.make(kind, 1)}"]))
        if rng.random() < 0.2:
            parts.append("**kwargs")
            typed["kwargs"] = "D"
        return ", ".join(parts), names, typed

    def define(self, nesting):
        rng = self.rng
        name = self.fresh("f")
        signature, names, typed = self.parameters()
        if rng.random() < 0.1:
            self.put(f"@{rng.choice(['(lambda f: f)', '(lambda f: lambda *a, **k: f(*a, **k))'])}")
        self.put(f"def {name}({signature}):")
        outer, in_loop = self.outer, self.in_loop
        self.outer = outer | {n for scope in self.scopes for n in scope}
        self.in_loop = False
        self.depth_of_functions += 1
        functions = self.functions
        self.functions = functions[:]
        self.scopes.append(typed)
        self.block(nesting + 1, 1, 3)
        self.level += 1
        self.put(f"return {self.expression('A', 2)}")
        self.level -= 1
        self.scopes.pop()
        self.functions = functions
        self.depth_of_functions -= 1
        self.outer, self.in_loop = outer, in_loop
        self.functions.append((name, names, typed))

    def invoke(self, nesting):
        name, names, typed = self.rng.choice(self.functions)
        self.put(f"print(show({name}({self.arguments(names, typed)})))")

    def arguments(self, names, typed):
        rng = self.rng
        parts, by_name = [], False
        for n in names:
            if rng.random() < 0.05:
                continue
            by_name = by_name or n[0] == "k" or rng.random() < 0.2
            text = self.make(typed[n], 1)
            parts.append(f"{n}={text}" if by_name else text)
        extra = rng.random()
        if extra < 0.1:
            parts.insert(0, f"*{self.make('T', 1)}")
        elif extra < 0.2:
            parts.append("**" + rng.choice(["{'p0': 1}", "{'zz': 1}", "{'k0': 'a', 'k1': 2}", self.make("D", 1)]))
        elif extra < 0.24:
            parts.append(rng.choice(["zz=1", "*[1]", "*(), **{}", "p9=0"]))
        elif extra < 0.28 and not by_name:
            parts.append(self.make("I", 1))
        return ", ".join(parts)

    def closure(self, nesting):
        """A counter that a nested function changes, and lambdas that see the last value."""
        rng = self.rng
        name, cell = self.fresh("f"), self.fresh("c")
        if self.depth_of_functions == 0:
            return self.show(nesting)
        self.put(f"{cell} = {self.make('I', 1)}")
        self.put(f"def {name}(step=1):")
        self.level += 1
        self.put(f"nonlocal {cell}")
        self.put(f"{cell} {rng.choice(['+=', '-=', '^='])} step")
        self.put(f"return {cell}, [f() for f in [lambda: {cell} + i for i in range({rng.randint(0, 3)})]]")
        self.level -= 1
        for _ in range(rng.randint(1, 3)):
            self.put(f"print({name}({rng.choice(['', '2', self.make('I', 1)])}), {cell})")


def make_program(rng):
    """The text of one program, which shows all of its variables at its end."""
    in_function = rng.random() < 0.7
    program = Program(rng, in_function)
    for _ in range(rng.randint(3, 9)):
        program.statement(0)
    for name in program.scopes[0]:
        if rng.random() < 0.7:
            program.put(f"print('{name}', show({name}))")
    if not in_function:
        return "\n".join(["try:", *program.lines, "except Exception as e:", "    print('!', show(e))", ""])
    return "\n".join(["def program():", *program.lines, "try:", "    print(show(program()))", "except Exception as e:",
                      "    print('!', show(e))", ""])


def program_of(seed, number):
    """Each program depends on the seed and its number alone, and is valid for python3."""
    rng = random.Random(f"{seed}/{number}")
    while True:
        text = make_program(rng)
        try:
            compile(text, "t.py", "exec")
            return text
        except SyntaxError:
            pass


def uncaught(text):
    """The same program without the handler round it."""
    if text.startswith("def program"):
        return text[:text.rindex("try:\n    print(show(program()))")] + "print(show(program()))\n"
    lines = text.split("\n")[1:-3]
    return "\n".join(line[4:] for line in lines) + "\n"
