"""A registry on loopback that has one model: as much of the protocol as a pull needs, and some ways to fail."""
import hashlib
import http.server
import json
import pathlib
import threading
import time


class Registry:
    """Serves MODEL.gguf as library/tiny:latest. `slow_s`: pause between pieces; `spoil`: a byte is wrong."""

    def __init__(self, model, slow_s=0.0, spoil=False):
        content = pathlib.Path(model).read_bytes()
        config = b'{"model_format": "gguf"}'
        template, system = b"{{ .System }} {{ .Prompt }}", b"You are tiny."
        parameters = b'{"temperature": 0.25, "stop": ["<|im_end|>"], "num_thread": 4}'
        self.blobs = {"sha256:" + hashlib.sha256(blob).hexdigest(): blob for blob in (content, config, template, system, parameters)}
        names = list(self.blobs)

        def layer(index, kind):
            return {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": names[index], "size": len(self.blobs[names[index]])}

        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": names[1], "size": len(config)},
            "layers": [layer(0, "model"), layer(2, "template"), layer(3, "system"), layer(4, "params")]}).encode()
        if spoil:
            self.blobs[names[0]] = content[:-1] + bytes([content[-1] ^ 1])
        self.sent = 0
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_HEAD(self):
                self.answer(False)

            def do_GET(self):
                self.answer(True)

            def answer(self, with_body):
                if self.path == "/v2/library/tiny/manifests/latest":
                    return self.give(registry.manifest, with_body)
                blob = registry.blobs.get(self.path.removeprefix("/v2/library/tiny/blobs/"))
                if blob is None:
                    body = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "not here"}]}'
                    self.send_response(404)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    return self.wfile.write(body) if with_body else None
                return self.give(blob, with_body)

            def give(self, body, with_body):
                first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
                self.send_response(206 if first else 200)
                if first:
                    self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
                self.send_header("Content-Length", str(len(body) - first))
                self.end_headers()
                if not with_body:
                    return
                try:
                    for begin in range(first, len(body), 16384):
                        piece = body[begin:min(begin + 16384, len(body))]
                        self.wfile.write(piece)
                        registry.sent += len(piece)
                        if len(body) > 16384:
                            time.sleep(slow_s)
                except OSError:
                    self.close_connection = True

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.name = f"http://127.0.0.1:{self.server.server_address[1]}/library/tiny:latest"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
