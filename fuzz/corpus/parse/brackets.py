x = (1, 2
y = 3
x = [1, 2
def f():
    return 1
x = y z
{1 2}
[1 2]
x = )
x = (]
x = (
]
x = {
'a': 1
'b': 2
}
x = (yield) = 1
[a, b
c = 1
if c:
    d = [1, 2
    return 4
x = {a: b for a in c, d}
x = [
    1,
    2
y = {
    "a": (1,
}
x = {"a": 1, "b" 2}
y = {"a": 1, **b: 2}
z = {**a, *b}
