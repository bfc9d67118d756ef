"""Requests that are wrong: every endpoint, every declared field, and HTTP's own rules. Each is refused with the right
status, in the words of the dialect, by the name of what is at fault, and soon."""
import json
import socket
import time
import unittest

from server import ServerTest

MESSAGES = [{"role": "user", "content": "hello"}]
# The least that each endpoint takes.
LEAST = {
    "/api/generate": {"model": "tiny", "prompt": "x"},
    "/api/chat": {"model": "tiny", "messages": MESSAGES},
    "/api/embed": {"model": "tiny", "input": "x"},
    "/api/embeddings": {"model": "tiny", "prompt": "x"},
    "/api/pull": {"model": "tiny"},
    "/api/push": {"model": "tiny"},
    "/api/copy": {"source": "tiny", "destination": "other"},
    "/api/delete": {"model": "nothing"},
    "/api/show": {"model": "tiny"},
    "/v1/chat/completions": {"model": "tiny", "messages": MESSAGES},
    "/v1/completions": {"model": "tiny", "prompt": "x"},
    "/v1/embeddings": {"model": "tiny", "input": "x"},
    "/v1/rerank": {"model": "tiny", "query": "x", "documents": ["y"]},
    "/v1/messages": {"model": "tiny", "messages": MESSAGES, "max_tokens": 5},
    "/v1/messages/count_tokens": {"model": "tiny", "messages": MESSAGES},
    "/infill": {"model": "tiny", "input_prefix": "x", "input_suffix": "y"},
    "/api/load": {"model": "tiny"},
    "/tokenize": {"model": "tiny", "content": "x"},
    "/detokenize": {"model": "tiny", "tokens": [1]},
}
WRONG = {
    "string": [1, True, ["x"], {"x": 1}],
    "boolean": ["true", 1, 0.5, [True]],
    "integer": ["1", 1.5, True, [1], 1e300, 18446744073709551616],
    "number": ["1", True, [1], {"x": 1}],
    "array": [{"x": 1}, 1, True],
    "object": [[1], 1, True],
}
BODIES = [
    b"", b" ", b"{", b"[", b"null", b"1", b'"x"', b"[]", b'{"model"}', b'{"model": }', b"{'model': 'tiny'}",
    b'{"model": "tiny",}', b'{"model": NaN}', b'{"model": "\xff"}', b'{"model": "\xed\xa0\x80"}', b'{"model": "a" "b"}',
    b'{"model": "tiny"} {}', b"\x00", b'{"model": "a\x00b"}', b"[" * 100000, b'{"a":' * 100000, b'{"x": 1e99999}',
]


class Requests(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = cls.ask(cls(), "GET", "/openapi.json")
        # The model is there before anybody counts milliseconds.
        cls.post(cls(), "/api/generate", {"model": "tiny"})
        cls.n_cases = 0

    def refusal(self, method, path, body, statuses=(400,), headers=None):
        """The message of a refusal in the words of the path's dialect."""
        started = time.monotonic()
        status, got, data = self.exchange(method, path, body, headers)
        took = time.monotonic() - started
        shown = body if len(str(body)) < 200 else str(body)[:200]
        self.assertIn(status, statuses, (method, path, shown, data))
        self.assertLess(took, 5, (path, shown))  # a figure is bench's business
        document = json.loads(data)
        type(self).n_cases += 1
        if path.startswith("/v1/messages"):
            self.assertEqual((document["type"], set(document["error"])), ("error", {"type", "message"}))
            return document["error"]["message"]
        if path.startswith("/api/"):
            self.assertEqual(set(document), {"error"})
            return document["error"]
        self.assertEqual(set(document["error"]), {"message", "type", "param", "code"})
        return document["error"]["message"]

    def operations(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if "requestBody" in operation:
                    yield method.upper(), path, operation["requestBody"]["content"]["application/json"]["schema"]

    def test_every_endpoint_with_a_body_is_tried(self):
        self.assertEqual({path for _, path, _ in self.operations()}, set(LEAST))

    def test_fields_of_a_wrong_kind(self):
        for method, path, schema in self.operations():
            for name, field in schema["properties"].items():
                for value in WRONG.get(field.get("type"), []):
                    message = self.refusal(method, path, {**LEAST[path], name: value})
                    self.assertIn(name, message, (path, value))
        self.assertGreater(type(self).n_cases, 300)

    def test_numbers_out_of_their_range(self):
        for method, path, schema in self.operations():
            for name, field in schema["properties"].items():
                for key, step in (("minimum", -1), ("maximum", 1)):
                    if key in field:
                        message = self.refusal(method, path, {**LEAST[path], name: field[key] + step})
                        self.assertIn(name, message, path)
                if "enum" in field:
                    self.assertIn(name, self.refusal(method, path, {**LEAST[path], name: "no such thing"}))

    def test_fields_that_are_missing_or_too_many(self):
        for method, path, schema in self.operations():
            for name in schema.get("required", []):
                body = {key: value for key, value in LEAST[path].items() if key != name}
                self.assertIn(f"{name}: is missing", self.refusal(method, path, body))
            self.assertIn("no_such_field", self.refusal(method, path, {**LEAST[path], "no_such_field": 1}))
            self.assertIn("did you mean model", self.refusal(method, path, {**LEAST[path], "modle": "tiny"})
                          if "model" in schema["properties"] else "did you mean model")

    def test_bodies_that_are_none(self):
        for method, path, _ in self.operations():
            for body in BODIES:
                self.refusal(method, path, body)

    def test_methods_paths_and_types(self):
        for method, path, _ in self.operations():
            for other in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {method}:
                self.refusal(other, path, None if other == "GET" else LEAST[path], (405, 404))
            if not path.startswith("/api/"):
                self.refusal(method, path, json.dumps(LEAST[path]), (415,), {"Content-Type": "text/plain"})
        for path in ("/api/nothing", "/v1/nothing", "/v1/messages/nothing", "/nothing", "/v1/", "/api"):
            self.refusal("POST", path, {}, (404,))

    def test_models_that_are_not_there(self):
        for path, body in LEAST.items():
            if path in ("/api/pull", "/api/delete", "/api/copy") or "model" not in body:
                continue
            self.refusal("POST", path, {**body, "model": "nothing"}, (404,))
            for name in ("", "a b", "../../etc/passwd", "a/b/c/d/e", "/etc/passwd", "x" * 5000, "a:b:c", "tiny\n"):
                self.refusal("POST", path, {**body, "model": name}, (400, 404))

    def test_messages_that_are_none(self):
        for messages in ({}, [], [1], ["x"], [{}], [{"role": "user"}], [{"role": "nobody", "content": "x"}],
                         [{"role": "user", "content": 1}], [{"role": 1, "content": "x"}],
                         [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
                         [{"role": "user", "content": [{"type": "nothing"}]}], [{"role": "user", "content": [{}]}],
                         [{"role": "assistant", "tool_calls": [{"function": {}}]}]):
            self.refusal("POST", "/v1/chat/completions", {"model": "tiny", "messages": messages})
            self.refusal("POST", "/v1/messages", {"model": "tiny", "messages": messages, "max_tokens": 3})
        for messages in ({}, [1], [{}], [{"role": "nobody", "content": "x"}], [{"role": "user", "content": 1}],
                         [{"role": "user", "content": "x", "images": ["AAAA"]}], [{"role": "user", "contend": "x"}]):
            self.refusal("POST", "/api/chat", {"model": "tiny", "messages": messages})

    def test_settings_that_make_no_sense(self):
        for options in ({"temperature": "hot"}, {"temperature": -1}, {"top_p": 2}, {"stop": 1},
                        {"num_ctx": 10**12}, {"mirostat": 1}, {"no_such_setting": 1}, {"seed": "x"}, {"top_k": 1.5}):
            name = next(iter(options))
            self.assertIn(name, self.refusal("POST", "/api/generate",
                                             {"model": "tiny", "prompt": "x", "options": options}, (400, 503)))
        for bias in ({"x": 1}, {"-1": 1}, {"999999": 1}, {"1": 101}, {"1": "x"}, [1]):
            self.assertIn("logit_bias", self.refusal("POST", "/v1/completions",
                                                     {"model": "tiny", "prompt": "x", "logit_bias": bias}))
        for keep in ("10 minutes", "", "m", "10", "1.2.3s", "5x", True, []):
            self.assertIn("keep_alive", self.refusal("POST", "/api/generate", {"model": "tiny", "keep_alive": keep}))
        for choice in ("maybe", {"type": "function"}, {"function": {"name": "nothing"}}, "required", 1):
            self.assertIn("tool_choice", self.refusal("POST", "/v1/chat/completions", {
                "model": "tiny", "messages": MESSAGES, "tool_choice": choice}))
        for tools in ([1], [{}], [{"type": "function"}], [{"type": "function", "function": {}}], [{"type": "magic"}],
                      [{"type": "function", "function": {"name": ""}}],
                      [{"type": "function", "function": {"name": "f", "parameters": 1}}]):
            self.assertIn("tools", self.refusal("POST", "/v1/chat/completions", {
                "model": "tiny", "messages": MESSAGES, "tools": tools}))

    def test_the_server_still_answers(self):
        self.assertEqual(self.post("/api/generate", {"model": "tiny", "prompt": "hello", "stream": False,
                                                     "options": {"num_predict": 3}})["eval_count"], 3)

    def test_raw_bytes_that_are_no_request(self):
        for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                     b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                     b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"0\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     b"GET /../x HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
            self.assertRegex(answer[:15], rb"^HTTP/1\.[01] (4|505)|^$", data)


if __name__ == "__main__":
    unittest.main()
