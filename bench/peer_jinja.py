"""The peer: Python's Jinja2 renders a template of a folder.

    /usr/bin/python3 -I bench/peer_jinja.py FOLDER NAME CONTEXT COUNT render|compile|print
"""
import json
import sys
import time

import jinja2


def main():
    folder, name, path, count, how = sys.argv[1:]
    with open(path) as file:
        context = json.load(file)

    def environment():
        return jinja2.Environment(loader=jinja2.FileSystemLoader(folder))

    template = environment().get_template(name)
    if how == "print":
        sys.stdout.write(template.render(context))
        return
    spent = 0
    for _ in range(int(count)):
        began = time.process_time()
        if how == "compile":
            template = environment().get_template(name)
        template.render(context)
        spent += time.process_time() - began
    print(f"{spent / int(count) * 1e6:.3f}")


main()
