if x
    y = 1
if x = 3:
    pass
if x:
pass
while 1:
    def f():
        break
if a:
    b
      c
if a:
        b
    c
    d
e
if a:
	b
        c
try:
    x
y = 1
try:
    x
except:
    y
except A:
    z
try:
    x
except A, B:
    y
else:
    x
elif x:
    pass
if x:
    pass
else
    pass
for x in y
    z
while x
    z
try:
    a b
except ValueError as:
    c
finally:
    d e
f = 1 1
if a:
    b
  c
d e
if a:
pass
else:
pass
x y
while True:
    x = (1 +
    if x:
        break
print(x y)
if x:
    pass
elif y
    pass
elif z z:
    pass
else:
    pass
w w
