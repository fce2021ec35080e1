# operators
a + b - c * d / e // f % g @ h
a ** b ** c, -a ** b, a ** -b, -a ** -b ** -c, (-a) ** b
a << b >> c & d ^ e | f
a | b ^ c & d << e + f * g
~a, +a, -a, not a, not not a, ~-+a, - - a
a and b and c or d and not e or f
(a and b) and c, a and (b and c), (a or b) or c
a < b <= c == d != e > f >= g is h is not i in j not in k
not a in b, (not a) in b, a is not b, a is (not b), a not in b
a if b else c if d else e, (a if b else c) if d else e, a if (b if c else d) else e
lambda: 0, lambda a: a, lambda a, b=1, *c, d, e=2, **f: (a, b), lambda *a: a, lambda **k: k
lambda a, /, b, *, c: a, lambda a, /: a, lambda a=1, /: a, lambda *, a: a, lambda a,: a, lambda *a,: a
lambda x: lambda y: x + y
lambda: (yield_)
