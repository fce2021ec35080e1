"""Random expressions of restricted Python, by type.

A type is a capital letter; TEMPLATES holds what makes a value of it, where `<X>` stands for an
expression of type X. Sets have another order in Plue than in CPython, so that no template lets the
order of one be seen, and repetition and powers have small operands.
"""
from formats import format_call, fstring, percent

NAMES = "abcdefghpqrstuvw"
WORDS = ["", "a", "b", "ab", "ba", "abc", "Hello World", " x ", "a,b,,c", "1", "-12", "0x1f", "3.5", "1e3", "nan",
         "\\t", "l1\\nl2\\r\\nl3", "é", "ß", "ǅ", "日本", "🙂", "İ", "a\\u0301", "A B", "Zz9", "%", "{}", "_", "\\x00", "'", "\"",
         "ﬁ", "Σς", "١٢", "½", "\\u2028"]
INTS = [0, 1, -1, 2, 3, 5, 7, -7, 10, 63, 64, 100, 255, 256, 1000, -1000, 12345, 2**31, 2**53, 2**63 - 1, -2**63]
FLOATS = ["0.0", "-0.0", "0.5", "1.5", "2.5", "-2.5", "0.1", "3.14159", "1e16", "1e-7", "1e22", "123456789.125", "1e308", "2.0",
          "1/3", "float('inf')", "float('-inf')", "float('nan')", "5e-324"]

TEMPLATES = {
    # int
    "I": """<I>+<I> | <I>-<I> | <I>*<K> | <I>//<I> | <I>%<I> | <K>**<K> | -<I> | +<I> | ~<I> | <I>&<I> | <I> '|' <I> | <I>^<I>
        | <I><< <K> | <I>>> <K> | abs(<I>) | len(<C>) | int(<F>) | int(<S>) | int(<B>) | int(<S>, <K>) | int(<S>, base=16) | ord(<S>) | round(<F>) | round(<I>, <J>)
        | sum(<L>) | sum(<L>, <I>) | sum(<L>, start=<I>) | max(<L>) | min(<L>) | max(<I>, <I>) | min(<I>, <I>, <I>) | max(<L>, default=<I>) | min(<L>, key=<f>) | max(<L>, key=<f>, default=<I>)
        | <L>[<J>] | <T>[<J>] | <L>.index(<I>) | <L>.index(<I>, <J>) | <L>.index(<I>, <J>, <J>) | <L>.count(<I>) | <T>.index(<I>) | <T>.count(<I>) | <S>.find(<S>)
        | <S>.rfind(<S>) | <S>.index(<S>) | <S>.rindex(<S>, <J>) | <S>.count(<S>) | <S>.count(<S>, <J>, <J>) | <S>.find(<S>, <J>) | <S>.rfind(<S>, <J>, <J>)
        | <D>[<S>] | <D>.get(<S>, <I>) | <D>.pop(<S>) | <D>.pop(<S>, <I>) | <D>.setdefault(<S>, <I>) | <L>.pop() | <L>.pop(<J>) | divmod(<I>, <I>)[0] | divmod(<I>, <I>)[1]
        | pow(<K>, <K>) | pow(<I>, <K>, <I>) | pow(<I>, -1, <I>) | <I> if <B> else <I> | <B> + <I> | <I>.bit_length() | <I>.bit_count() | (<n> := <I>) | <f>(<I>) | (lambda <n>: <n>+<I>)(<I>)
        | <R>[<J>] | len(<R>) | <R>.index(<I>) | <R>.count(<I>) | <R>.start | <R>.stop | <R>.step | next(iter(<L>)) | next(iter(<L>), <I>) | next(<G>) | next(<G>, <I>)
        | <I>.numerator | <I>.denominator | <I>.real | <I>.imag | <I>.conjugate() | getattr(<I>, 'real') | hash_free(<I>) | <I> and <I> | <I> or <I> | sum(<G>) | max(*<L>) | [*<L>][<J>]
        | <F>.as_integer_ratio()[1] | int(<F>.is_integer()) | json.loads(str(<I>)) | int.from_bytes if <B> else <I> | int.bit_length(<I>) | True + <I> | (<I>, <I>)[<B>]""",
    "F": """<F>+<F> | <F>-<F> | <F>*<F> | <F>/<F> | <I>/<I> | <F>//<F> | <F>%<F> | <F>**<K> | <K>**-<K> | -<F> | abs(<F>) | float(<I>) | float(<S>) | round(<F>, <J>) | round(<F>, None)
        | sum([<F>, <F>, <I>]) | max(<F>, <I>) | min(<F>, <F>) | <F> if <B> else <F> | divmod(<F>, <F>)[1] | divmod(<F>, <I>)[0] | <F>.real | <F>.conjugate() | <I>*<F> | <F>+<B>
        | float.fromhex('0x1.8p3') | sum(<L>)/len(<L>) | pow(<F>, <K>) | pow(abs(<F>), <F>) | abs(<F>)**<F> | json.loads('1.5') | float(repr(<F>)) | sum([<F>], <F>) | <F>.__class__ if False else <F>""",
    "B": """<I><<I> | <I><=<I> | <I>==<I> | <I>!=<I> | <F><<F> | <F>>=<I> | <F>==<I> | <S><<S> | <S>==<S> | <L><<L> | <L>==<L> | <T><=<T> | <T>==<T> | <D>==<D> | <D>!=<D> | <X>==<X> | <X><=<X> | <X><<X> | <X>>=<X>
        | <I> in <L> | <S> in <S> | <S> not in <S> | <S> in <D> | <I> in <X> | <I> in <R> | <I> in <T> | (<S>, <I>) in <D>.items() | not <A> | <B> and <B> | <B> or <B> | bool(<A>) | all(<L>) | any(<L>) | all(<G>) | any(<G>)
        | <A> is None | <A> is not None | isinstance(<A>, int) | isinstance(<A>, (str, list)) | isinstance(<A>, dict) | callable(<A>) | <I><<I><=<I> | <I> < <F> < <I> != <I> | <S>.startswith(<S>) | <S>.endswith(<S>)
        | <S>.startswith((<S>, <S>)) | <S>.startswith(<S>, <J>) | <S>.endswith(<S>, <J>, <J>) | <S>.isdigit() | <S>.isalpha() | <S>.isalnum() | <S>.isspace() | <S>.islower() | <S>.isupper() | <S>.istitle()
        | <S>.isnumeric() | <S>.isdecimal() | <S>.isidentifier() | <S>.isprintable() | <S>.isascii() | <X>.issubset(<X>) | <X>.issuperset(<L>) | <X>.isdisjoint(<X>) | <F>.is_integer() | hasattr(<A>, 'append')
        | <B> ^ <B> | <B> & <B> | <B> == <I> | <D>.keys() == <X> | <D>.keys() <= <D>.keys() | <D>.keys().isdisjoint(<M>) | type(<A>) == type(<A>) | type(<A>) is int | <R> == <R> | <I> in <L> in [<L>] | slice(<J>) == slice(<J>)
        | <A> == <A> | <A> != <A> | isinstance(<B>, int) | issubclass_free(<A>)""",
    "S": """<S>+<S> | <S>*<K> | <K>*<S> | str(<A>) | repr(<E>) | <S>[<J>] | <S>[<s>] | <S>.upper() | <S>.lower() | <S>.title() | <S>.capitalize() | <S>.swapcase() | <S>.casefold() | <S>.strip() | <S>.lstrip(<S>) | <S>.rstrip(<S>)
        | <S>.strip(<S>) | <S>.strip(None) | <S>.replace(<S>, <S>) | <S>.replace(<S>, <S>, <J>) | <S>.join(<M>) | <S>.center(<K>) | <S>.center(<K>, '*') | <S>.ljust(<K>, '-') | <S>.rjust(<K>) | <S>.zfill(<K>) | <S>.expandtabs(<K>)
        | <S>.expandtabs() | <S>.removeprefix(<S>) | <S>.removesuffix(<S>) | <S>.translate({97: 'xy', 98: None}) | <S>.translate(str.maketrans('ab', 'xy')) | <S>.translate(str.maketrans('ab', 'xy', 'c')) | <M>[<J>] | chr(<O>)
        | hex(<I>) | oct(<I>) | bin(<I>) | <S> if <B> else <S> | ''.join(sorted(<S>)) | ''.join(reversed(<S>)) | min(<M>) | max(<M>, key=len) | next(iter(<S>), '?') | str.upper(<S>) | <S> or <S> | <S>.partition(<S>)[<K>]
        | <S>.rpartition(<S>)[2] | json.dumps(<Q>) | json.dumps(<Q>, indent=<K>) | json.dumps(<D>, sort_keys=True) | json.dumps(<S>, ensure_ascii=False) | ascii_free(<S>) | <S>.split(<S>)[<J>] | format(<I>, <S>) | format(<F>, '.3f')
        | repr(<S>) | str(<F>) | repr(<F>) | <S>.splitlines()[<J>] | <%> | <f-> | <{> | <%> | <f-> | <{> | str(<S>) | repr(<R>) | repr(<D>.keys()) | repr(<D>.items()) | repr(slice(<J>, None, <I>)) | json.dumps(<Q>, separators=(',', ':'))""",
    "L": """[] | [<I>] | [<I>, <I>] | [<I>, <I>, <I>] | [*<L>, <I>] | [*<T>, *<R>] | <L>+<L> | <L>*<K> | <L>[<s>] | list(<R>) | list(<T>) | sorted(<L>) | sorted(<L>, reverse=True) | sorted(<L>, key=<f>) | sorted(<X>) | sorted(<T>, key=lambda <n>: -<n>)
        | list(reversed(<L>)) | list(map(<f>, <L>)) | list(filter(<p>, <L>)) | list(filter(None, <L>)) | [<n> for <n> in <L>] | <c> | <L>.copy() | list(<D>.values()) | <L> if <B> else <L> | [len(<n>) for <n> in <M>] | list(<G>)
        | [ord(<n>) for <n> in <S>] | <L> or <L> | sorted(<D>.values()) | list(map(max, <L>, <L>)) | [<n>[0] for <n> in enumerate(<L>)] | json.loads(json.dumps(<L>)) | [*range(<K>)] | list(divmod(<I>, <I>)) | [<n>*<I> for <n> in <T> if <n>]
        | [*map(int, str(abs(<I>)))] | list(range(<J>, <J>, <J>))""",
    "M": """[] | [<S>] | [<S>, <S>] | [<S>, <S>, <S>] | <S>.split() | <S>.split(<S>) | <S>.split(<S>, <J>) | <S>.rsplit(<S>, <J>) | <S>.rsplit(None, <J>) | <S>.split(None, <J>) | <S>.split(sep=<S>, maxsplit=<K>) | <S>.splitlines() | <S>.splitlines(True)
        | list(<S>) | sorted(<M>) | sorted(<M>, key=len) | sorted(<M>, key=str.lower, reverse=<B>) | <M>+<M> | <M>[<s>] | list(<D>) | list(<D>.keys()) | list(<S>.partition(<S>)) | [*<S>] | [str(<n>) for <n> in <L>] | list(map(str, <L>))
        | <M>*<K> | list(map(str.upper, <M>)) | sorted(<S>, key=lambda <n>: (-ord(<n>), <n>)) | list(dict.fromkeys(<M>)) | list(filter(str.isalpha, <S>)) | [*<D>] | list(zip(*[<M>, <M>])) and <M> | sorted(set(<M>))""",
    "T": """() | (<I>,) | (<I>, <I>) | (<I>, <I>, <I>) | tuple(<L>) | <T>+<T> | <T>*<K> | <T>[<s>] | divmod(<I>, <I>) | tuple(<G>) | (*<L>, <I>) | <T> if <B> else <T> | tuple(sorted(<T>)) | tuple(map(<f>, <T>)) | tuple(<R>)
        | <F>.as_integer_ratio() | <I>.as_integer_ratio() | slice(<J>, <J>, <J>).indices(<K>) | tuple(reversed(<T>))""",
    "D": """{} | {<S>: <I>} | {<S>: <I>, <S>: <I>} | dict(a=<I>, b=<I>) | dict(<D>, c=<I>) | dict(<D>) | {**<D>, <S>: <I>} | {**<D>, **<D>} | dict(zip(<M>, <L>)) | dict.fromkeys(<M>, <I>) | dict.fromkeys(<S>, 0) | {<n>: len(<n>) for <n> in <M>}
        | <D> '|' <D> | <D>.copy() | dict([(<S>, <I>)]) | {str(<n>): <n> for <n> in <L> if <n> > <I>} | dict(enumerate(<L>)) | dict(sorted(<D>.items())) | json.loads(json.dumps(<D>)) | {<n>: <I> for <n> in <S>} | {'k': <I>} | dict(**<D>)
        | dict(reversed(<D>.items())) | {<n>[0]: <n>[1] for <n> in <D>.items()} | {'a': <I>, 'b': <I>, 'c': <I>} | dict([*<D>.items()], z=<I>) | dict([<A>])""",
    "X": """set() | {<I>} | {<I>, <I>} | {<I>, <I>, <I>} | set(<L>) | <X> '|' <X> | <X>&<X> | <X>-<X> | <X>^<X> | <X>.union(<L>) | <X>.union(<L>, <T>) | <X>.intersection(<R>) | <X>.intersection(<L>, <L>) | <X>.difference(<L>) | <X>.difference(<T>, <L>)
        | <X>.symmetric_difference(<L>) | {<n>%<I> for <n> in <L>} | frozenset(<L>) | <X>.copy() | set(<R>) | {*<L>, <I>} | frozenset(<X>) '|' <X> | set(map(<f>, <L>)) | frozenset(<T>) - <X> | set() or <X> | frozenset([<X>, frozenset()])""",
    "R": "range(<K>) | range(<J>, <J>) | range(<J>, <J>, <J>) | <R>[<s>] | range(len(<C>)) | range(-<K>, <K>, 2) | range(<I>)[:<K>]",
    "G": "(<n> for <n> in <L>) | (<n>*<I> for <n> in <L> if <n> != <I>) | iter(<L>) | iter(<T>) | map(<f>, <L>) | filter(<p>, <L>) | reversed(<L>) | iter(<R>) | map(len, <M>) | (<n>+<I> for <n> in <R>)",
    # what can be compared with anything, printed, and passed where anything goes
    "A": "<I> | <F> | <B> | <S> | <L> | <M> | <T> | <D> | None | <R> | <Q> | ... | <U>",
    "U": "int | str | len | print | sorted | dict | ValueError | [].append | ''.join | slice(1) | type(None) | json",
    "E": "<I> | <F> | <B> | <S> | <L> | <M> | <T> | <D> | None | <R> | <Q> | slice(<J>, <A>) | ValueError(<S>) | KeyError(<I>, <S>) | [<E>, <E>] | (<E>,) | {<S>: <E>} | {<I>: <E>} | dict(a=<E>).values() | <D>.keys()",
    "Q": "<I> | <F> | <B> | <S> | None | [<Q>] | [<Q>, <Q>] | {<S>: <Q>} | {<S>: <Q>, <S>: <Q>} | (<Q>, <Q>) | {<I>: <Q>} | [] | {} | {None: <Q>} | {<F>: <B>} | <L> | <D>",
    "C": "<S> | <L> | <M> | <T> | <D> | <X> | <R>",
    "f": "(lambda <n>: <n>+<I>) | (lambda <n>: -<n>) | (lambda <n>: abs(<n>)) | (lambda <n>: <n>%3) | (lambda <n>, *rest: (len(rest), <n>)[1]) | (lambda <n>, k=<I>: <n>*2-k) | str | (lambda <n>: <I>) | int",
    "p": "(lambda <n>: <n>%2) | (lambda <n>: <n> > <I>) | bool | None | (lambda <n>: <B>) | (lambda <n>: not <n>)",
    "s": "<J>: | :<J> | <J>:<J> | ::<J> | <J>:<J>:<J> | ::-1 | : | <J>::<J> | :<J>:<J>",
    "K": "0 | 1 | 2 | 3 | 4 | 5 | 9 | 12",
    "J": "0 | 1 | 2 | 3 | 5 | -1 | -2 | -3 | -7 | 9 | None | <K>",
    "O": "97 | 65 | 0 | 233 | 0x1f642 | 0x10ffff | -1 | 0x110000 | <I>",
}
# Where the nesting ends.
LEAVES = {
    "R": ["range(3)", "range(2, 9, 3)", "range(5, -5, -4)", "range(0)"], "G": ["iter([1, 2])", "iter(())", "(i for i in (3, 4))"],
    "f": ["(lambda q: abs(q))", "(lambda q: q)", "str"], "p": ["bool", "None", "(lambda q: q)"], "s": [":", "1:", ":2", "::-1", "-3:", "::2"],
    "K": ["0", "1", "2", "3", "5", "12"], "J": ["0", "1", "2", "-1", "-2", "9", "None"], "O": ["97", "233", "0x1f642", "-1", "0x110000"],
    "U": ["int", "len", "[].append", "None", "ValueError"],
}
MIXED = {"A": "IFBSLMTD", "E": "IFBSLMTD", "Q": "IFBSLMD", "C": "SLMTD"}
PROGRAM_TYPES = "IIIFBSSSLLMTTDDX"   # of what variables hold
WRONG = "IFSLMTDRQBG"               # what stands in place of the right type now and then
FUNCTIONS = {"%": percent, "f-": fstring, "{": format_call}


def rng_kind(rng, kind):
    """A type with literals, for one that is a mixture."""
    return rng.choice(MIXED[kind]) if kind in MIXED else kind


def split_table(templates):
    table = {}
    for kind, text in templates.items():
        rows = [" ".join(row.split()) for row in text.replace("'|'", "\1").split("|")]
        table[kind] = [row.replace("\1", "|") for row in rows if "_free" not in row and "from_bytes" not in row
                       and "__class__" not in row]
    return table


TABLE = split_table(TEMPLATES)


class Expressions:
    """Makes expressions from a random source; knows the variables in scope by type."""

    def __init__(self, rng):
        self.rng = rng
        self.scopes = [{}]          # name -> type
        self.wrong = rng.choice([0, 0, 0, 0.02, 0.08])

    def variables(self, kind):
        return [n for scope in self.scopes for n, k in scope.items() if k == kind]

    def literal(self, kind):
        rng = self.rng
        if kind == "I":
            n = rng.choice(INTS) if rng.random() < 0.5 else rng.randint(-20, 20)
            return f"({n})" if n < 0 else str(n)
        if kind == "F":
            return "(" + rng.choice(FLOATS) + ")"
        if kind == "B":
            return rng.choice(["True", "False"])
        if kind == "S":
            word = rng.choice(WORDS)
            return '"' + word.replace('"', '\\"') + '"'
        if kind == "L":
            return "[" + ", ".join(str(rng.randint(-9, 9)) for _ in range(rng.randint(0, 5))) + "]"
        if kind == "M":
            return "[" + ", ".join(self.literal("S") for _ in range(rng.randint(0, 4))) + "]"
        if kind == "T":
            return "(" + "".join(f"{rng.randint(-9, 9)}, " for _ in range(rng.randint(0, 4))) + ")"
        if kind == "D":
            return "{" + ", ".join(f"{self.literal('S')}: {rng.randint(-9, 9)}" for _ in range(rng.randint(0, 4))) + "}"
        if kind == "X":
            return rng.choice(["set(", "frozenset("]) + self.literal("L") + ")"
        return rng.choice(LEAVES[kind])

    def leaf(self, kind):
        names = self.variables(kind)
        if names and self.rng.random() < 0.6:
            return self.rng.choice(names)
        return self.literal(rng_kind(self.rng, kind))

    def make(self, kind, depth):
        rng = self.rng
        if rng.random() < self.wrong and kind in PROGRAM_TYPES:
            kind = rng.choice(WRONG)
        if kind == "n":
            return rng.choice(NAMES)
        if kind in FUNCTIONS:
            return FUNCTIONS[kind](self, depth)
        if kind == "c":
            return self.comprehension(depth)
        if depth <= 0 or rng.random() < 0.15:
            return self.leaf(kind)
        return self.fill(rng.choice(TABLE[kind]), kind, depth)

    def fill(self, row, kind, depth):
        """Replaces each <X>; every <n> of a row is the same fresh name, and known inside."""
        name = self.rng.choice(NAMES)
        bound = "<n>" in row
        if bound:
            self.scopes.append({name: "S" if "in <M>" in row or "in <S>" in row else "I"})
        parts, at = [], 0
        while True:
            start = row.find("<", at)
            end = row.find(">", start + 1)
            while start >= 0 and (end < 0 or row[start + 1:end] not in TABLE and row[start + 1:end] not in ("n", "c", "%", "f-", "{")):
                start = row.find("<", start + 1)
                end = row.find(">", start + 1)
            if start < 0:
                break
            parts.append(row[at:start])
            hole = row[start + 1:end]
            text = name if hole == "n" else self.make(hole, depth - 1)
            simple = hole in ("n", "s", "K", "J") or text[0] in "([{" and "\0" not in text and balanced(text)
            simple = simple or text.isalnum() and not (text.isdigit() and row[end + 1:end + 2] == ".")
            parts.append(text if simple else f"({text})")
            at = end + 1
        parts.append(row[at:])
        if bound:
            self.scopes.pop()
        text = "".join(parts)
        return f"({text})" if kind in "fpGR" and not balanced(text) else text

    def comprehension(self, depth):
        """Nested for and if clauses over names that hide the outer ones."""
        rng = self.rng
        clauses, names = [], {}
        self.scopes.append(names)
        for _ in range(rng.randint(1, 3)):
            source = self.make(rng.choice("LLTR"), 1)
            name = rng.choice("xyzab")
            clauses.append(f"for {name} in ({source})[:6]")
            names[name] = "I"
            if rng.random() < 0.4:
                clauses.append(f"if {self.make('B', 1)}")
        value = self.make("I", depth - 1)
        self.scopes.pop()
        return f"[({value}) {' '.join(clauses)}]"


def balanced(text):
    """Whether text is one bracketed expression as a whole."""
    if text[0] not in "([{":
        return False
    level, quote, i = 0, "", 0
    while i < len(text):
        c = text[i]
        if quote:
            if c == "\\":
                i += 1
            elif c == quote:
                quote = ""
        elif c in "'\"":
            quote = c
        elif c in "([{":
            level += 1
        elif c in ")]}":
            level -= 1
            if level == 0:
                return i == len(text) - 1
        i += 1
    return False

