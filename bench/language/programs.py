# Read by Plue, python3 and starlark-go alike; programs.lua says the same in Lua. Each function is one
# measurement and gives a value, which must be the same everywhere.


def fib_of(n):
    return n if n < 2 else fib_of(n - 1) + fib_of(n - 2)


def recursion():
    return fib_of(24)


def arithmetic():
    total = 0
    for i in range(1000000):
        total = (total + i * 3) % 1000003
    return total


def add(a, b):
    return a + b


def calls():
    total = 0
    for i in range(1000000):
        total = add(total, i)
    return total


def closures():
    total = 0
    for i in range(200000):
        step = lambda x: x + i
        total = step(total) % 1000003
    return total


def list_append():
    numbers = []
    for i in range(1000000):
        numbers.append(i)
    total = 0
    for n in numbers:
        total += n
    return total


def dict_update():
    counts = {}
    for i in range(300000):
        key = i % 5003
        counts[key] = counts.get(key, 0) + i
    total = 0
    for key, value in counts.items():
        total += value * (key % 7)
    return total


def string_build():
    parts = []
    for i in range(300000):
        parts.append(str(i))
    return len(",".join(parts))


def string_grow():
    s = ""
    for i in range(20000):
        s = s + "x"
    return len(s)


def formatting():
    n = 0
    for i in range(200000):
        n += len("{}-{}".format(i, "step"))
    return n


def sorting():
    numbers = []
    x = 12345
    for i in range(100000):
        x = (x * 1103515245 + 12345) % 2147483648
        numbers.append(x)
    numbers = sorted(numbers)
    return numbers[0] + numbers[50000] + numbers[99999]


def sorting_by_key():
    rows = []
    x = 12345
    for i in range(50000):
        x = (x * 1103515245 + 12345) % 2147483648
        rows.append((x % 1000, i))
    rows = sorted(rows, key=lambda row: row[0])
    return rows[0][1] + rows[25000][1] + rows[49999][1]


def comprehension():
    squares = [i * 2 for i in range(1000000) if i % 3]
    return len(squares) + squares[1000]
