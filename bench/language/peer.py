"""/usr/bin/python3 -I peer.py PROGRAMS ROUNDS: a line of name, value and processor microseconds for each, the median."""
import statistics
import sys
import time

names = {}
with open(sys.argv[1]) as file:
    exec(compile(file.read(), sys.argv[1], "exec"), names)


def once(function):
    began = time.process_time_ns()
    value = function()
    return value, (time.process_time_ns() - began) / 1000


for name in sorted(n for n in names if callable(names[n]) and not names[n].__code__.co_argcount):
    results = [once(names[name]) for _ in range(int(sys.argv[2]))]
    print(name, results[0][0], f"{statistics.median(r[1] for r in results):.1f}")
