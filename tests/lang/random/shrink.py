"""Makes a program smaller as long as it still shows the same problem."""
import ast
import copy


def shrink(text, is_bad, most=4000):
    """The smallest program found for which is_bad(text) holds; tries at most `most` of them."""
    tree = ast.parse(text)
    tries = 0
    progress = True
    while progress and tries < most:
        progress = False
        for candidate in smaller(tree):
            tries += 1
            if tries >= most:
                break
            try:
                shorter = ast.unparse(ast.fix_missing_locations(candidate)) + "\n"
                compile(shorter, "t.py", "exec")
            except (SyntaxError, ValueError, RecursionError, AttributeError, TypeError):
                continue
            if len(shorter) < len(ast.unparse(tree)) + 1 and is_bad(shorter):
                tree = ast.parse(shorter)
                progress = True
                break
    return ast.unparse(tree) + "\n"


def smaller(tree):
    """Copies of the tree with one part removed or replaced, the largest first."""
    places = []
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                places += [(node, name, i) for i in range(len(value))]
            elif isinstance(value, ast.expr):
                places.append((node, name, None))
    for node, name, i in sorted(places, key=lambda p: -size(p)):
        for new in replacements(getattr(node, name)[i] if i is not None else getattr(node, name), i is not None):
            yield changed(tree, node, name, i, new)


def size(place):
    node, name, i = place
    value = getattr(node, name)[i] if i is not None else getattr(node, name)
    return sum(1 for _ in ast.walk(value)) if isinstance(value, ast.AST) else 0


def replacements(value, in_list):
    """What may stand instead of a node: nothing, its own parts, or something trivial."""
    if isinstance(value, ast.stmt):
        yield []
        for field in ("body", "orelse", "finalbody"):
            body = getattr(value, field, None)
            if body:
                yield body
        return
    if in_list:
        yield []
    if isinstance(value, ast.expr):
        for part in ast.iter_child_nodes(value):
            if isinstance(part, ast.expr):
                yield part
        if not isinstance(value, (ast.Constant, ast.Name)):
            yield ast.Constant(0)
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and len(value.value) > 1:
            half = len(value.value) // 2
            yield ast.Constant(value.value[:half])
            yield ast.Constant(value.value[half:])


def changed(tree, node, name, i, new):
    """A copy of the tree in which one place has another value."""
    new = copy.deepcopy(new)
    memo = {}
    result = copy.deepcopy(tree, memo)
    target = memo[id(node)]
    if i is None:
        setattr(target, name, new)
    else:
        getattr(target, name)[i:i + 1] = new if isinstance(new, list) else [new]
        if not getattr(target, name) and name == "body":
            target.body = [ast.Pass()]
    return result
