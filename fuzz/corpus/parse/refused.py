class A:
    def f(self): return 1
def f():
    class A:
        return 1
from . import x
from .a import x
from a import *
x = '\ud800'
x = '\N{DASH}'
b'a'
1j
9223372036854775808
-9223372036854775808 ** 2
x = yield
async def f(): await x
match x:
    case 1:
        y = 1
    case [a, *b]: z
    case _:
        class B: pass
with a as b, c: pass
with (a as b, c): pass
try: pass
except* A: pass
lambda: (yield)
async x
await x
for i in range(3):
    def inner():
        continue
    class A:
        break
async def f():
    async with a as b:
        async for c in d:
            await e
    return [x async for x in y]
match command.split():
    case ["go", direction] if direction in exits:
        x y
    case {"a": 1, **rest} | Point(x=0):
        with a: pass
match = 1
match x:
    pass
try:
    x
except* (A, B) as e:
    y
from . import a
from .. import b
from ...c.d import e
from .f import *
import g, h.i as j
