"""An MCP server of the tests' own, for what no good server does. Its first argument says how it behaves."""
import json
import sys
import time

MODE = sys.argv[1] if len(sys.argv) > 1 else "good"
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}
TOOLS = [{"name": name, "description": f"Does {name}.", "inputSchema": SCHEMA} for name in ("echo", "fail", "slow", "picture", "die", "long", "data", "noise", "busy")]


def put(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request, result):
    put({"jsonrpc": "2.0", "id": request["id"], "result": result})


def text(value, **more):
    return {"content": [{"type": "text", "text": value}], **more}


def call(request):
    name, given = request["params"]["name"], request["params"]["arguments"].get("text", "")
    if name == "echo":
        put({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "echoing " + given}})
        put({"jsonrpc": "2.0", "id": "p1", "method": "ping"})
        put({"jsonrpc": "2.0", "id": "p2", "method": "sampling/createMessage", "params": {}})
        replies = [json.loads(sys.stdin.readline()) for _ in range(2)]
        answer(request, text(json.dumps([given, [r.get("result", r.get("error", {}).get("code")) for r in replies]])))
    elif name == "fail":
        answer(request, text("it failed: " + given, isError=True))
    elif name == "slow":
        message = json.loads(sys.stdin.readline())      # nothing but the cancellation comes
        open("cancelled.json", "w").write(json.dumps(message))
        answer(request, text("too late"))
    elif name == "picture":
        answer(request, {"content": [{"type": "image", "mimeType": "image/png", "data": "QUJD"},
                                     {"type": "resource_link", "uri": "file:///x"},
                                     {"type": "resource", "resource": {"uri": "file:///y", "text": "of y"}}]})
    elif name == "die":
        print("no way\nout", file=sys.stderr)
        sys.exit(7)
    elif name == "long":
        answer(request, text("x" * 100000))
    elif name == "noise":
        print("oops")
        sys.stdout.flush()
    elif name == "busy":
        for i in range(3):
            put({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": i}})
        put({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        put({"jsonrpc": "2.0", "id": 999, "result": text("of no call")})
        sys.stderr.write("".join(f"line {i} " + "x" * 100 + "\n" for i in range(5000)))
        sys.stderr.flush()
        answer(request, text("done"))
    elif name == "data":
        answer(request, {"content": [], "structuredContent": {"n": 1}})
    else:
        put({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "no such tool"}})


def tools(request):
    if MODE == "many":
        page = int(request["params"].get("cursor", "0"))
        answer(request, {"tools": [dict(TOOLS[0], name=f"t{page}")], "nextCursor": str(page + 1)})
    elif MODE == "pages":
        page = int(request["params"].get("cursor", "0"))
        answer(request, {"tools": TOOLS[page:page + 3], **({"nextCursor": str(page + 3)} if page + 3 < len(TOOLS) else {})})
    elif MODE == "odd":
        answer(request, {"tools": [dict(TOOLS[0], name="a b"), dict(TOOLS[0], inputSchema={"type": 7}), TOOLS[1], TOOLS[1], {"name": "bare"}]})
    else:
        answer(request, {"tools": TOOLS})


def main():
    if MODE == "exits":
        print("cannot find my keys", file=sys.stderr)
        sys.exit(3)
    if MODE == "chatty":
        print("Server listening!", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        method = request.get("method")
        if method == "initialize":
            if MODE == "hangs":
                time.sleep(1000)
            answer(request, {"protocolVersion": "1999-01-01" if MODE == "old" else request["params"]["protocolVersion"],
                             "capabilities": {} if MODE == "toolless" else {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}})
        elif method == "tools/list":
            tools(request)
        elif method == "tools/call":
            call(request)
    if MODE == "stays":
        open("stayed", "w").close()
        time.sleep(1000)
    open("ended", "w").close()


main()
