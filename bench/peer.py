"""The peer: CPython, or RestrictedPython, makes the plan of a workflow file.

    /usr/bin/python3 -I bench/peer.py plain|restricted FILE EVENT            prints the plan as JSON
    /usr/bin/python3 -I bench/peer.py plain|restricted FILE EVENT COUNT      prints processor microseconds per evaluation
"""
import ast
import builtins
import json
import os
import sys
import time
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peer_plue  # noqa: E402


def restricted_compiler():
    """compile() by RestrictedPython 4.0b3, mended for the syntax tree of Python 3.11."""
    from RestrictedPython import transformer
    from RestrictedPython.Guards import safe_builtins
    from RestrictedPython.Eval import default_guarded_getiter, default_guarded_getitem

    class Policy(transformer.RestrictingNodeTransformer):
        def visit_JoinedStr(self, node):
            return self.node_contents_visit(node)

        def visit_FormattedValue(self, node):
            return self.node_contents_visit(node)

        def visit_Constant(self, node):
            return self.node_contents_visit(node)

        def transform_slice(self, slice_):      # since 3.9 an index is the expression itself
            if isinstance(slice_, ast.Slice):
                none = ast.Constant(None)
                return ast.Call(ast.Name("slice", ast.Load()),
                                [slice_.lower or none, slice_.upper or none, slice_.step or none], [])
            return slice_

        def visit_AnnAssign(self, node):
            return self.node_contents_visit(node)

    def compile_file(text, path):
        tree = ast.parse(text, path)
        errors, warnings, used = [], [], {}
        policy = Policy(errors, warnings, used)
        tree = policy.visit(tree)
        if errors:
            raise SyntaxError("; ".join(errors))
        tree = ast.fix_missing_locations(tree)
        for node in ast.walk(tree):             # RestrictedPython copies where a node begins, not where it ends
            if hasattr(node, "lineno"):
                node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
        return compile(tree, path, "exec")

    def guarded_import(name, globals=None, locals=None, fromlist=(), level=0):
        if name != "plue":
            raise ImportError(name)
        return types.SimpleNamespace(**peer_plue.NAMES)

    def guarded_getattr(value, name, default=None):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(value, name)

    def unpack(it, spec, getiter):
        return tuple(getiter(it))

    names = dict(safe_builtins, __import__=guarded_import, list=list, dict=dict)
    scope = {"__builtins__": names, "_getattr_": guarded_getattr, "_getiter_": default_guarded_getiter,
             "_getitem_": default_guarded_getitem, "_write_": lambda value: value, "_iter_unpack_sequence_": unpack,
             "_unpack_sequence_": unpack, "__name__": "workflow", "__metaclass__": type}
    return compile_file, scope


def plain_compiler():
    def plue_import(name, globals=None, locals=None, fromlist=(), level=0):
        return types.SimpleNamespace(**peer_plue.NAMES)
    names = dict(vars(builtins), __import__=plue_import)
    return lambda text, path: compile(text, path, "exec"), {"__builtins__": names, "__name__": "workflow"}


def main():
    kind, path, event_path = sys.argv[1:4]
    with open(event_path) as file:
        event = json.load(file)
    with open(path) as file:
        text = file.read()
    compile_file, scope = restricted_compiler() if kind == "restricted" else plain_compiler()

    def evaluate():
        peer_plue.DEFINED.clear()
        exec(compile_file(text, path), dict(scope))
        return json.dumps(peer_plue.plan("ci", event))

    if len(sys.argv) == 4:
        print(evaluate())
        return
    count = int(sys.argv[4])
    evaluate()
    began = time.process_time_ns()
    for _ in range(count):
        evaluate()
    print((time.process_time_ns() - began) / 1000 / count)


main()
