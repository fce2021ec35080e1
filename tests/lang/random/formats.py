"""Random uses of the format mini-language, of % and of f-strings."""

FILLS = ["", "", "", "*", "0", " ", "é", "<", "}"]
VALUES = {"I": "bcdoxXneEfFgG%s", "F": "eEfFgGn%sd", "S": "sd", "B": "ds%"}


def spec(rng, kind, fills=FILLS):
    """One format specification: mostly valid for the type."""
    text = ""
    if rng.random() < 0.4:
        text += rng.choice(fills) + rng.choice("<>^=")
    if kind != "S" or rng.random() < 0.05:
        text += rng.choice(["", "", "", "+", "-", " "])
        text += rng.choice(["", "", "", "", "", "z"])
        text += rng.choice(["", "", "", "", "#"])
    text += rng.choice(["", "", "", "0"])
    text += rng.choice(["", "", "1", "5", "10", "17"])
    if kind != "S" or rng.random() < 0.05:
        text += rng.choice(["", "", "", "", ",", "_"])
    if kind in "FS" or rng.random() < 0.1:
        text += rng.choice(["", "", ".0", ".1", ".3", ".10", ".17"])
    if rng.random() < 0.7:
        text += rng.choice(VALUES[kind]) if rng.random() < 0.95 else rng.choice("cqZ!")
    return text


def value(made, depth):
    kind = made.rng.choice("IIFFSSB")
    return kind, made.make(kind, depth - 1)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def percent(made, depth):
    rng = made.rng
    fields, values = [], []
    for _ in range(rng.randint(1, 3)):
        kind, text = value(made, depth)
        letters = {"I": "dixXocsraeEfFgGu", "F": "eEfFgGsrdi", "S": "sracd", "B": "dsr"}[kind]
        flags = "".join(rng.choice(["", "", "", f]) for f in "-+ #0")
        width = rng.choice(["", "", "1", "6", "12"])
        if rng.random() < 0.05:
            width = "*"
            values.append(str(rng.randint(-5, 9)))
        precision = rng.choice(["", "", ".", ".0", ".2", ".5", ".12"])
        letter = rng.choice(letters) if rng.random() < 0.97 else rng.choice("%yl")
        fields.append("%" + flags + width + precision + letter)
        if letter != "%" or rng.random() < 0.1:
            values.append(f"({text})")
    if rng.random() < 0.03:
        values.append("1")
    if rng.random() < 0.03 and values:
        values.pop()
    template = quoted(rng.choice(["", "a", "é="]) + rng.choice(["|", "", " "]).join(fields) + rng.choice(["", "", "%%"]))
    if len(values) == 1 and rng.random() < 0.5:
        return f"{template} % {values[0]}"
    if rng.random() < 0.1 and values:
        return f'"%(a){fields[0][1:]}" % ' + "{'a': " + values[-1] + "}"
    return f"{template} % ({', '.join(values)}{',' if values else ''})"


def fstring(made, depth):
    rng = made.rng
    parts = []
    for _ in range(rng.randint(1, 3)):
        kind, text = value(made, depth)
        if any(c in text for c in "\"\\#\n") or "'" in text and rng.random() < 0.5:
            kind, text = "I", made.literal("I")
        if "'" in text or "{" in text or "lambda" in text or ":" in text or "!=" in text:
            text = f"({text})"
        sign = rng.choice(["", "", "", "", "=", " = "])
        conversion = rng.choice(["", "", "", "!r", "!s", "!a"])
        fields = spec(rng, "S" if conversion else kind, ["", "*", "0", " "])
        if rng.random() < 0.15:
            fields = ">{" + str(rng.randint(0, 12)) + "}" + rng.choice(["", ".{2}", ".{1+1}"])
        parts.append("{" + f"({text})" + sign + conversion + (":" + fields if fields and rng.random() < 0.8 else "") + "}")
    return 'f"' + rng.choice(["", "é", "{{"]) + rng.choice(["", " ", "}}", "|"]).join(parts) + '"'


def format_call(made, depth):
    rng = made.rng
    parts, args, named = [], [], []
    auto = rng.random() < 0.6
    for _ in range(rng.randint(1, 3)):
        kind, text = value(made, depth)
        place = "" if auto else str(len(args))
        if rng.random() < 0.15:
            named.append(f"{'k' + str(len(named))}=({text})")
            place = "k" + str(len(named) - 1)
        elif rng.random() < 0.1:
            args.append(rng.choice(["[1, 2]", "{'a': 5, '0': 6}", "(1,)", "range(3)", "1+2"]))
            place += rng.choice(["[0]", "[1]", "[a]", ".real", ".start", "[-1]", "[]", ".", "[0"])
        else:
            args.append(f"({text})")
        if rng.random() < 0.04:
            place = rng.choice(["9", "zz", "0", "", " 0", "a b"])
        conversion = rng.choice(["", "", "", "!r", "!s", "!a"]) if rng.random() < 0.97 else rng.choice(["!x", "!", "!rr"])
        fields = spec(rng, "S" if conversion else kind, ["", "*", "0", " "]) if rng.random() < 0.7 else ""
        if rng.random() < 0.08:
            fields = ">{}" if auto else ">{0}"
            args.append(str(rng.randint(0, 9)))
        parts.append("{" + place + conversion + (":" + fields if fields else "") + "}")
    template = rng.choice(["", "a", "{{", "é"]) + rng.choice(["", " ", "}}"]).join(parts)
    if rng.random() < 0.03:
        template += rng.choice(["{", "}", "{0", "{!r}"])
    return f"{quoted(template)}.format({', '.join(args + named)})"
