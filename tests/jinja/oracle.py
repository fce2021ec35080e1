"""Renders a folder of templates with Python's Jinja2 and with plue, and says where they differ."""
import json
import os
import re
import subprocess
import sys
import traceback

sys.path.insert(0, "/usr/lib/python3/dist-packages")
import jinja2  # noqa: E402

if jinja2.__version__ != "3.1.2":
    sys.exit(f"jinja: the oracle is Jinja2 3.1.2, found {jinja2.__version__}")

MODES = {"lenient": jinja2.Undefined, "strict": jinja2.StrictUndefined,
         "chainable": jinja2.ChainableUndefined}
# What Jinja2 refuses when it compiles and plue when it is reached.
LATER = re.compile(r"No (filter|test) named")


def environment(folder, mode):
    return jinja2.Environment(loader=jinja2.FileSystemLoader(folder), undefined=MODES[mode],
                              extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def innermost(error, folder):
    """(name, line) of the template line that failed."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return os.path.basename(error.filename or error.name or ""), error.lineno
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        if os.path.dirname(frame.filename).startswith(folder) or frame.filename == "<template>":
            found = os.path.relpath(frame.filename, folder), frame.lineno
    return found


def by_jinja(folder, name, context, mode):
    """("text", str) or ("error", file, line, message)."""
    try:
        return "text", environment(folder, mode).get_template(name).render(context)
    except RecursionError:
        return "error", None, None, "recursion"
    except Exception as error:  # noqa: BLE001
        place = innermost(error, folder) or (None, None)
        return "error", place[0], place[1], f"{type(error).__name__}: {error}"


PLACE = re.compile(r"^(.*?):(\d+):(\d+): error: (.*)$", re.M)


def by_plue(plue, folder, name, context_path, mode):
    made = subprocess.run([plue, "template", os.path.join(folder, name), "--context", context_path,
                           "--undefined", mode], capture_output=True)
    if made.returncode == 0:
        return "text", made.stdout.decode()
    stderr = made.stderr.decode(errors="replace")
    match = PLACE.search(stderr)
    if made.returncode != 2 or made.stdout or not match:
        return "broken", made.returncode, stderr, made.stdout
    return ("error", os.path.relpath(match[1], folder) if os.path.isabs(match[1]) else match[1],
            int(match[2]), match[4])


def differ(want, have, check_line=True):
    """A sentence, or None."""
    if want[0] == "text" and have[0] == "text":
        return None if want[1] == have[1] else f"want {want[1]!r}\n  have {have[1]!r}"
    if want[0] != have[0]:
        return f"want {want!r}\n  have {have!r}"
    if check_line and want[2] is not None and (want[1], want[2]) != (have[1], have[2]):
        return f"want {want!r}\n  have {have!r}"
    return None


def write(folder, files, context):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as out:
            out.write(text)
    path = os.path.join(folder, "context.json")
    with open(path, "w") as out:
        json.dump(context, out)
    return path
