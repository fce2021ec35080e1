if 1: print("one line"); print("two")
if 0: print("no")
elif []: print("no")
elif "x": print("elif")
else: print("no")
if 0:
    pass
else:
    if 1:
        print("nested")
x = 5; y = 6; print(x, y);
x = (1 +
     2
     # a comment within
     + 3); print(x)
z = 1 + \
    2; print(z)
def f(
    a,
    b=2,
): return a + b
print(f(
    1,
))
l = [
    1,
    2,  # two

    3,
]; print(l)
"a docstring-like statement"
5
None
...
pass
d = {
    "a": 1,
    **{"b": 2},
}; print(d)
if True:
	print("tab indent")
if x > 5 and (
    y
): print("continued")
print("end")   # trailing comment
---
"""Module docstring."""
def f():
    """Function docstring."""
    return 1
def g():
    "only a docstring"
print(f(), g())
x = 1 if f() else 2; print(x)
a = b = c = 3; print(a, b, c)
del a
del b, c
try: print(a)
except NameError as e: print(e)
d = {"k": 1, "l": 2}; del d["k"]; print(d); l = [1, 2, 3]; del l[0], l[0]; print(l); m = [[1], [2]]; del m[0][0], (m[1]); print(m)
del (l), [d]
def h():
    x: int
    y: int = 1
    return y
print(h())
obj = [1]
obj[0]: int = 5
print(obj)
(paren): int = 3
print(paren)
x = y = 0
x, y = y + 1, x + 2; print(x, y)
x += y; y -= x; x *= 3; print(x, y); s = "a"; s += "b"; s *= 2; print(s); l = [1]; l += (2,); print(l); t = (1,); t += (2,); print(t); st = {1}; st |= {2}; print(st == {1, 2}); v = {"a": [1]}; v["a"] += [2]; v["a"][0] -= 5; print(v); b = True; b &= False; print(b); n = 7; n //= 2; n **= 2; n >>= 1; n <<= 3; n ^= 5; n %= 7; print(n); q = 7; q /= 2; print(q)
---
if (n := 10) > 5: print(n)
while (n := n - 3) > 0: print(n, end=" ")
print(n)
print((y := 3) + y, [z := 1, z + 1], (w := (1, 2)), w)
def f(a, b=(c := 5)): return a + b
print(f(1), c)
print({(k := "x"): 1}, k, f"{(m := 5)}", m, (lambda: (q := 3))())
if any((found := v) > 2 for v in [1, 3, 5]): print(found)
---
x = 5
def f(): return x; print("unreachable")
print(f())
def g():
    if x: return "a"
    return "b"
print(g())
for i in range(2): pass; print(i)
while x > 3: x -= 1; print(x)
try: x / 0
except ZeroDivisionError: print("zero")
finally: print("fin")
lam = lambda x, *y, z=1, **k: (x, y, z, k); print(lam(1, 2, z=3, w=4))
print((lambda: (yield_ := 5))())
print(1 if 1 else 2, (1 if 0 else 2) + 1, [1, 2][0 if x else 1], not x is None, x is not None, x not in [1])
print("semi"); print("colon")
print("é" == "\u00e9", "ﬁ", "x" in "xyz" and "y", 0xAB, 1_0)
été = 1; print(été)
变量 = "unicode names"; print(变量)
ﬁ = 3; print(fi)
