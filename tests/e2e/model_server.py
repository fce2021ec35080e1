"""A scripted provider on loopback: each request is answered by the next script of its path.

Scripts are functions of the handler. It speaks what a test tells it to, right or wrong.
"""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def anthropic_events(text, stop="end_turn", tool=None, tokens=(10, 5)):
    """The events of one answer; tool: the name of the tool whose arguments the text is."""
    block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}} if tool else {"type": "text", "text": ""}
    pieces = [text[i:i + 7] for i in range(0, len(text), 7)]
    deltas = [{"type": "input_json_delta", "partial_json": p} if tool else {"type": "text_delta", "text": p} for p in pieces]
    return [
        {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m-1",
                                              "stop_reason": None, "stop_sequence": None,
                                              "usage": {"input_tokens": tokens[0], "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": d} for d in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": tokens[1]}},
        {"type": "message_stop"}]


def anthropic_stream(*args, end="\n", **more):
    return "".join(f"event: {e['type']}{end}data: {json.dumps(e)}{end}{end}" for e in anthropic_events(*args, **more))


def openai_stream(text, finish="stop", tokens=(10, 5)):
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    pieces = [text[i:i + 7] for i in range(0, len(text), 7)]
    chunks = [{**head, "choices": [{"index": 0, "delta": {"content": p}, "finish_reason": None}]} for p in pieces]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    chunks.append({**head, "choices": [], "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}})
    return "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n"


class ModelServer:
    def __init__(self):
        self.scripts, self.requests, self.released = [], [], threading.Event()
        self.asked = threading.Semaphore(0)
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                model.requests.append((self.path, dict(self.headers.items()), body))
                script = model.scripts.pop(0) if model.scripts else status(500, "no script is left")
                model.asked.release()
                try:
                    script(self, model)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def head(handler, code=200, kind="text/event-stream", **headers):
    handler.send_response(code)
    handler.send_header("content-type", kind)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("connection", "close")
    handler.end_headers()


def stream(text, size=None, nap=0, kind="text/event-stream"):
    """The whole text, in pieces of this size."""
    data = text.encode() if isinstance(text, str) else text

    def script(handler, _):
        head(handler, kind=kind)
        for at in range(0, len(data), size or len(data)):
            handler.wfile.write(data[at:at + (size or len(data))])
            handler.wfile.flush()
            if nap:
                time.sleep(nap)
    return script


def status(code, message, kind="error", **headers):
    def script(handler, _):
        head(handler, code, "application/json", **headers)
        handler.wfile.write(json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode())
    return script


def hang(text=""):
    """Begins, and says no more until the server is closed."""
    def script(handler, model):
        head(handler)
        handler.wfile.write(text.encode())
        handler.wfile.flush()
        model.released.wait()
    return script
