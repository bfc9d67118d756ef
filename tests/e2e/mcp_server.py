"""A small server of the Model Context Protocol, for tests: on standard input and output, or behind HTTP.

usage: mcp_server.py [--http] [--sse] [--mode MODE]   With --http the port is the first line on standard output.
Modes that break something: silent (never answers a call), noisy (prints other lines, asks things itself), long (an
endless answer), dies (ends at a call), old (an unknown revision), pages (tools in pages), broken (no JSON).
"""
import argparse
import http.server
import json
import sys
import time

TOOLS = [
    {"name": "add", "description": "Adds two numbers.",
     "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                     "required": ["a", "b"]}},
    {"name": "echo.text", "description": "Says it again.",
     "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
    {"name": "fail", "description": "Fails.", "inputSchema": {"type": "object"}},
]


def answer(message, mode):
    """The result of a request."""
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {"protocolVersion": "1999-01-01" if mode == "old" else params["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "test", "version": "1"}}
    if method == "tools/list":
        if mode != "pages":
            return {"tools": TOOLS}
        at = int(params.get("cursor", "0"))
        page = {"tools": TOOLS[at:at + 1]}
        if at + 1 < len(TOOLS):
            page["nextCursor"] = str(at + 1)
        return page
    if method != "tools/call":
        raise ValueError("Method not found")
    name, arguments = params["name"], params["arguments"]
    if mode == "silent":
        time.sleep(3600)
    if mode == "dies":
        sys.exit(1)
    if mode == "long":
        return {"content": [{"type": "text", "text": "x" * (5 << 20)}]}
    if name == "add":
        return {"content": [{"type": "text", "text": json.dumps(arguments["a"] + arguments["b"])}]}
    if name == "echo.text":
        return {"content": [{"type": "text", "text": arguments["text"]}, {"type": "image", "data": ""}]}
    if name == "fail":
        return {"content": [{"type": "text", "text": "It did not work."}], "isError": True}
    raise ValueError(f"Unknown tool: {name}")


def reply(message, mode):
    """The answer to a request as a message; None to a notification."""
    if "id" not in message or "method" not in message:
        return None
    try:
        return {"jsonrpc": "2.0", "id": message["id"], "result": answer(message, mode)}
    except ValueError as error:
        return {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": str(error)}}


def speak_lines(mode):
    def say(text):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    for line in sys.stdin:
        if mode == "broken":
            for _ in range(200):
                say("this is no message")
            continue
        if mode == "noisy":
            say("starting up ...")
            say(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}))
            say(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
            say(json.dumps({"jsonrpc": "2.0", "id": "x", "method": "roots/list"}))
        out = reply(json.loads(line), mode)
        if out is not None:
            say(json.dumps(out))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mode = ""
    sse = False

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_first = message["method"] == "initialize"
        if "text/event-stream" not in self.headers["Accept"] or (not is_first and
                                                                self.headers.get("Mcp-Session-Id") != "session-1"):
            return self.give(400, b"", "text/plain")
        if not is_first and not self.headers.get("MCP-Protocol-Version"):
            return self.give(400, b"", "text/plain")
        if self.headers.get("Authorization") != "Bearer secret":
            return self.give(401, b"", "text/plain")
        out = reply(message, self.mode)
        if out is None:
            return self.give(202, b"", "application/json")
        body = json.dumps(out).encode()
        if not self.sse:
            return self.give(200, body, "application/json")
        # The stream stays open behind the answer, as servers may.
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Mcp-Session-Id", "session-1")
        self.send_header("Connection", "close")
        self.end_headers()
        other = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}).encode()
        self.wfile.write(b": hello\r\n\r\nevent: message\r\ndata: " + other + b"\r\n\r\ndata: " + body + b"\n\n")
        self.wfile.flush()
        time.sleep(0.5)
        self.close_connection = True

    def give(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "session-1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", action="store_true")
    parser.add_argument("--sse", action="store_true")
    parser.add_argument("--mode", default="")
    options = parser.parse_args()
    if not options.http:
        return speak_lines(options.mode)
    Handler.mode, Handler.sse = options.mode, options.sse
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
