# displays and comprehensions
(), (a,), (a, b), (a, b,), (a), ((a)), ((a, b)), (*a,), (*a, b), (a, *b), ((a, b), c)
[], [a], [a,], [a, b], [*a], [*a, *b], [a := 1, b], [(a, b)]
{a}, {a,}, {a, b}, {*a}, {*a, b}, {}, {a: b}, {a: b,}, {a: b, c: d}, {**a}, {**a, b: c, **d}, {(a := 1)}, {a := 1, b}
{a: lambda: 0}, {a if b else c: d}, {(a, b): c}
