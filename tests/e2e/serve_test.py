"""The server: three dialects over one model, streamed and whole, against what `run` says of the same prompt."""
import base64
import http.client
import json
import struct
import time
import unittest

import hugging_face
from program import ProgramTest
from server import ServerTest

HELLO = [{"role": "user", "content": "hello"}]
GREEDY = {"temperature": 0, "num_predict": 12}


class Serve(ServerTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        hugging_face.make_bert(cls.folder / "bert")
        hugging_face.make_bert(cls.folder / "reranker", n_labels=1)
        for name in ("bert", "reranker"):
            done = cls.run_program(cls(), "import", "-q", f"./{name}", name)
            assert done.returncode == 0, done.stderr

    def run_ids(self, *words):
        return self.json("run", "tiny", *words, "--temperature", "0", "--max-tokens", "12", "--json")

    def test_programs_see_that_it_is_there(self):
        self.assertEqual(self.exchange("GET", "/")[2], b"Ollama is running")
        self.assertEqual(self.exchange("HEAD", "/")[0], 200)
        self.assertRegex(self.ask("GET", "/api/version")["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.ask("GET", "/health"), {"status": "ok"})

    def test_models_are_listed(self):
        self.assertIn("tiny:latest", [one["id"] for one in self.ask("GET", "/v1/models")["data"]])
        self.assertEqual(self.ask("GET", "/v1/models/tiny")["id"], "tiny:latest")
        self.assertIn("nothing", self.ask("GET", "/v1/models/nothing", status=404)["error"]["message"])

    def test_a_chat_in_ollamas_words(self):
        want = self.run_ids("hello")
        body = {"model": "tiny", "messages": HELLO, "options": GREEDY}
        whole = self.post("/api/chat", {**body, "stream": False})
        self.assertEqual(whole["message"], {"role": "assistant", "content": want["text"]})
        self.assertEqual((whole["done"], whole["done_reason"]), (True, "length"))
        self.assertEqual((whole["prompt_eval_count"], whole["eval_count"]),
                         (want["prompt_tokens"], want["completion_tokens"]))
        for key in ("total_duration", "eval_duration"):
            self.assertGreater(whole[key], 0)
        self.assertRegex(whole["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        lines = self.lines("/api/chat", body)
        self.assertEqual("".join(line["message"]["content"] for line in lines), want["text"])
        self.assertEqual([line["done"] for line in lines], [False] * (len(lines) - 1) + [True])
        self.assertGreater(len(lines), 1)

    def test_a_prompt_in_ollamas_words(self):
        body = {"model": "tiny", "prompt": "hello", "options": GREEDY, "stream": False}
        whole = self.post("/api/generate", body)
        want = self.run_ids("hello")
        self.assertEqual(whole["response"], want["text"])
        self.assertEqual(whole["context"][-len(want["ids"]):], want["ids"])
        raw = self.post("/api/generate", {**body, "raw": True})
        self.assertEqual(raw["response"], self.run_ids("hello", "--raw")["text"])
        self.assertNotIn("context", raw)
        self.assertEqual("".join(line["response"] for line in self.lines("/api/generate", {**body, "stream": True})),
                         want["text"])

    def test_models_are_loaded_and_unloaded(self):
        self.assertEqual(self.post("/api/generate", {"model": "tiny"})["done_reason"], "load")
        (row,) = [one for one in self.ask("GET", "/api/ps")["models"] if one["name"].startswith("tiny")]
        self.assertEqual((row["context_length"], row["details"]["family"]), (128, "llama"))
        self.assertEqual(self.post("/api/chat", {"model": "tiny", "messages": [], "keep_alive": 0})["done_reason"],
                         "unload")
        for _ in range(100):
            if not [one for one in self.ask("GET", "/api/ps")["models"] if one["name"].startswith("tiny")]:
                break
            time.sleep(0.05)
        else:
            self.fail("the model stays loaded")

    def test_a_chat_in_openais_words(self):
        want = self.run_ids("hello")
        body = {"model": "tiny", "messages": HELLO, "temperature": 0, "max_tokens": 12}
        whole = self.post("/v1/chat/completions", body)
        (choice,) = whole["choices"]
        self.assertEqual(choice["message"], {"role": "assistant", "content": want["text"]})
        self.assertEqual(choice["finish_reason"], "length")
        self.assertEqual((whole["object"], whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]),
                         ("chat.completion", want["prompt_tokens"], want["completion_tokens"]))
        events = self.events("/v1/chat/completions",
                             {**body, "stream": True, "stream_options": {"include_usage": True}, "n": 2})
        self.assertEqual(events[-1], (None, "[DONE]"))
        self.assertEqual(events[-2][1]["choices"], [])
        self.assertEqual(events[-2][1]["usage"]["completion_tokens"], 24)
        texts, roles, finishes = ["", ""], [0, 0], [None, None]
        for _, chunk in events[:-2]:
            (choice,) = chunk["choices"]
            self.assertIsNone(chunk["usage"])
            texts[choice["index"]] += choice["delta"].get("content", "")
            roles[choice["index"]] += "role" in choice["delta"]
            finishes[choice["index"]] = choice["finish_reason"]
        self.assertEqual((texts, roles, finishes), ([want["text"]] * 2, [1, 1], ["length"] * 2))

    def test_text_goes_on_in_openais_words(self):
        want = self.run_ids("hello", "--raw")
        body = {"model": "tiny", "prompt": ["hello", "hello"], "temperature": 0, "max_tokens": 12}
        whole = self.post("/v1/completions", body)
        self.assertEqual([choice["text"] for choice in whole["choices"]], [want["text"]] * 2)
        by_ids = self.post("/v1/completions", {**body, "prompt": self.post("/tokenize", {
            "model": "tiny", "content": "hello", "add_special": True})["tokens"]})
        self.assertEqual(by_ids["choices"][0]["text"], want["text"])
        events = self.events("/v1/completions", {**body, "prompt": "hello", "stream": True})
        self.assertEqual("".join(chunk["choices"][0]["text"] for _, chunk in events[:-1]), want["text"])

    def test_a_chat_in_anthropics_words(self):
        want = self.run_ids("hello")
        body = {"model": "tiny", "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
                "temperature": 0, "max_tokens": 12}
        whole = self.post("/v1/messages", body)
        self.assertEqual(whole["content"], [{"type": "text", "text": want["text"]}])
        self.assertEqual((whole["stop_reason"], whole["usage"]["input_tokens"], whole["usage"]["output_tokens"]),
                         ("max_tokens", want["prompt_tokens"], want["completion_tokens"]))
        events = self.events("/v1/messages", {**body, "stream": True})
        names = [name for name, _ in events]
        self.assertEqual([name for i, name in enumerate(names) if name != names[i - 1] or i == 0],
                         ["message_start", "content_block_start", "content_block_delta", "content_block_stop",
                          "message_delta", "message_stop"])
        self.assertEqual("".join(data["delta"]["text"] for name, data in events if name == "content_block_delta"),
                         want["text"])
        del body["max_tokens"], body["temperature"]
        self.assertEqual(self.post("/v1/messages/count_tokens", body), {"input_tokens": want["prompt_tokens"]})

    def test_vectors(self):
        texts = ["bird sings", "a small bird"]
        want = [json.loads(line) for line in
                self.output("embed", "bert", stdin="\n".join(texts).encode()).splitlines()]
        ours = self.post("/api/embed", {"model": "bert", "input": texts})
        for got, row in zip(ours["embeddings"], want):
            for a, b in zip(got, row):
                self.assertAlmostEqual(a, b, places=6)
        listed = self.post("/v1/embeddings", {"model": "bert", "input": texts})
        self.assertEqual([one["embedding"] for one in listed["data"]], ours["embeddings"])
        packed = self.post("/v1/embeddings", {"model": "bert", "input": texts[0], "encoding_format": "base64"})
        data = base64.b64decode(packed["data"][0]["embedding"])
        self.assertEqual(list(struct.unpack(f"<{len(data) // 4}f", data)),
                         [struct.unpack("<f", struct.pack("<f", x))[0] for x in ours["embeddings"][0]])
        short = self.post("/api/embed", {"model": "bert", "input": texts[0], "dimensions": 8})["embeddings"][0]
        self.assertEqual(len(short), 8)
        self.assertAlmostEqual(sum(x * x for x in short), 1.0, places=5)
        self.assertEqual(len(self.post("/api/embeddings", {"model": "bert", "prompt": texts[0]})["embedding"]), 32)

    def test_documents_are_ranked(self):
        documents = ["bird sings", "a small bird", "zzz"]
        answer = self.post("/v1/rerank", {"model": "reranker", "query": "bird", "documents": documents,
                                          "top_n": 2, "return_documents": True})
        want = [float(line.split()[0]) for line in self.output(
            "rerank", "reranker", "--query", "bird", stdin="\n".join(documents).encode()).decode().splitlines()]
        order = sorted(range(3), key=lambda i: -want[i])[:2]
        self.assertEqual([one["index"] for one in answer["results"]], order)
        for one in answer["results"]:
            self.assertAlmostEqual(one["relevance_score"], want[one["index"]], places=4)
            self.assertEqual(one["document"]["text"], documents[one["index"]])

    def test_tokens_there_and_back(self):
        tokens = self.post("/tokenize", {"model": "tiny", "content": "hello wörld"})["tokens"]
        self.assertEqual(self.post("/detokenize", {"model": "tiny", "tokens": tokens})["content"], "hello wörld")
        pieces = self.post("/tokenize", {"model": "tiny", "content": "ö", "with_pieces": True})["tokens"]
        self.assertEqual([one["piece"] for one in pieces], [[0xC3], [0xB6]])

    def test_a_prompt_over_the_context_is_refused_with_both_numbers(self):
        long = [{"role": "user", "content": "hello " * 200}]
        for path, body in (("/api/chat", {"messages": long}), ("/v1/chat/completions", {"messages": long}),
                           ("/v1/messages", {"messages": long, "max_tokens": 5}),
                           ("/v1/completions", {"prompt": "hello " * 200}), ("/api/generate", {"prompt": "hello " * 200})):
            answer = json.dumps(self.post(path, {"model": "tiny", **body}, 400))
            self.assertRegex(answer, r"\d{3,} .*128", path)
        # What a client asks for is done.
        older = [{"role": "user", "content": "a" * 100}] * 3 + HELLO
        cut = self.post("/api/chat", {"model": "tiny", "messages": older, "truncate": True, "stream": False,
                                      "options": GREEDY})
        self.assertLess(cut["prompt_eval_count"], 128)

    def test_a_client_that_leaves_ends_its_answer(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/api/generate", json.dumps({"model": "tiny", "prompt": "x", "raw": True}),
                           {"Content-Type": "application/json"})
        connection.getresponse().read(1)
        connection.close()
        self.assertEqual(self.post("/api/generate", {"model": "tiny", "prompt": "hello", "options": GREEDY,
                                                     "stream": False})["eval_count"], 12)


class Keys(ServerTest):
    """A server that answers those alone who have a key."""
    options = ("--api-key-file", "keys.json", "--log", "json", "--log-file", "log.jsonl")

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.keys = {}
        for name, words in (("all", ("--key-manage",)), ("others", ("--key-models", "smollm2*")),
                            ("slow", ("--key-requests", "2"))):
            done = cls.run_program(cls(), "serve", "--api-key-file", "keys.json", "--new-key", name, *words)
            assert done.returncode == 0, done.stderr
            cls.keys[name] = done.stdout.decode().strip()

    def with_key(self, name, path, body=None, method="POST"):
        status, headers, data = self.exchange(method, path, body, {"Authorization": f"Bearer {self.keys[name]}"})
        return status, headers, json.loads(data) if data.startswith(b"{") else data

    def test_nobody_without_a_key(self):
        for method, path, body in (("GET", "/api/tags", None), ("POST", "/api/chat", {}), ("GET", "/v1/models", None),
                                   ("POST", "/v1/chat/completions", {}), ("POST", "/v1/messages", {}),
                                   ("GET", "/metrics", None), ("DELETE", "/api/delete", {"model": "tiny"})):
            for headers in ({}, {"Authorization": "Bearer kl-" + "0" * 64}, {"Authorization": "Basic eDp5"},
                            {"X-Api-Key": ""}):
                status, got, data = self.exchange(method, path, body, headers)
                self.assertEqual((status, got["WWW-Authenticate"]), (401, "Bearer"), (path, data))
        self.assertEqual(self.exchange("GET", "/health")[0], 200)
        self.assertEqual(self.exchange("GET", "/v1/models", headers={"X-Api-Key": self.keys["all"]})[0], 200)

    def test_keys_have_models_rates_and_rights(self):
        body = {"model": "tiny", "prompt": "hello", "stream": False, "options": GREEDY}
        self.assertEqual(self.with_key("all", "/api/generate", body)[0], 200)
        self.assertEqual(self.with_key("others", "/api/generate", body)[0], 403)
        self.assertEqual(self.with_key("others", "/api/copy", {"source": "tiny", "destination": "x"})[0], 403)
        self.assertEqual(self.with_key("all", "/api/copy", {"source": "tiny", "destination": "x"})[0], 200)
        self.assertEqual(self.with_key("all", "/api/delete", {"model": "x"}, "DELETE")[0], 200)
        answers = [self.with_key("slow", "/api/ps", method="GET") for _ in range(4)]
        self.assertEqual([status for status, _, _ in answers], [200, 200, 429, 429])
        self.assertGreater(int(answers[-1][1]["Retry-After"]), 0)

    def test_numbers_and_logs_without_words(self):
        body = {"model": "tiny", "prompt": "sesame sesame", "stream": False, "options": GREEDY}
        self.assertEqual(self.with_key("all", "/api/generate", body)[0], 200)
        page = self.with_key("all", "/metrics", method="GET")[2].decode()
        numbers = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
        self.assertGreaterEqual(float(numbers['kinglet_completion_tokens_total{model="tiny:latest"}']), 12)
        self.assertGreaterEqual(float(numbers['kinglet_first_token_seconds_bucket{model="tiny:latest",le="+Inf"}']), 1)
        self.assertIn("kinglet_http_requests_total", numbers)
        for _ in range(100):
            log = (self.folder / "log.jsonl").read_text()
            if '"/metrics"' in log:
                break
            time.sleep(0.05)
        lines = [json.loads(line) for line in log.splitlines()]
        self.assertIn(("/api/generate", 200), [(line.get("path"), line.get("status")) for line in lines])
        self.assertNotIn("sesame", log)
        for key in self.keys.values():
            self.assertNotIn(key, log)
            self.assertNotIn(key, (self.folder / "keys.json").read_text())


if __name__ == "__main__":
    unittest.main()
