"""Commands that look inside: tokenize, detokenize, template, logits, gradients, perplexity, inspect, show, bench, doctor."""
import json
import math
import pathlib
import unittest

import hugging_face
from program import ProgramTest, read_safetensors


class Looking(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    # tokenize and detokenize

    def test_text_becomes_ids_and_text_again(self):
        text = "hello the world\n  \u00e9\u4e2d\U0001F426 <|im_end|>\n".encode()
        ids = self.output("tokenize", self.model, stdin=text)
        self.assertEqual(ids.count(b"\n"), 1)
        self.assertEqual(self.output("detokenize", self.model, stdin=ids), text)
        self.assertEqual(self.output("tokenize", self.model, stdin=b"hello").split(), [b"259"])
        self.assertEqual(self.output("tokenize", self.model, stdin=b""), b"\n")

    def test_special_tokens_are_read_when_asked_for(self):
        ids = self.output("tokenize", self.model, "--special", stdin=b"hello<|im_end|>").split()
        self.assertEqual(ids, [b"259", b"266"])
        self.assertEqual(self.output("detokenize", self.model, "--special", stdin=b"259 266"), b"hello<|im_end|>")
        self.assertEqual(self.output("detokenize", self.model, stdin=b"259 266"), b"hello")

    def test_a_json_value_a_line(self):
        lines = self.output("tokenize", self.model, "--jsonl", stdin=b'"hello"\n"a\\u2028b"\n\n""\n')
        arrays = [json.loads(line) for line in lines.split(b"\n")[:-1]]
        self.assertEqual((arrays[0], len(arrays[1]), arrays[2]), ([259], 5, []))
        self.assertEqual(self.output("detokenize", self.model, "--jsonl", stdin=lines),
                         '"hello"\n"a\u2028b"\n""\n'.encode())
        self.assertIn("line 2", self.failure_after(b'"ok"\n[1]\n', 2, "tokenize", self.model, "--jsonl"))

    def failure_after(self, stdin, status, *words):
        """The message of a command that fails after it has printed something."""
        done = self.run_program(*words, stdin=stdin)
        self.assertEqual(done.returncode, status)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        return done.stderr.decode()

    # template

    def test_messages_become_a_prompt(self):
        messages = self.file("chat.json", [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
        prompt = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        self.assertEqual(self.output("template", self.model, "--messages", messages).decode(), prompt + "<|im_start|>assistant\n")
        self.assertEqual(self.output("template", self.model, "--messages", messages, "--no-generation-prompt").decode(), prompt)

    def test_a_template_in_a_file(self):
        template = self.file("t.jinja", b"{{ bos_token }}{% for m in messages %}[{{ m.content }}]{% endfor %}"
                                        b"{% if tools %}{{ tools | length }}{% endif %}{{ extra }}")
        tools = self.file("tools.json", [{"type": "function", "function": {"name": "f"}}])
        stdin = json.dumps([{"role": "user", "content": "a"}]).encode()
        got = self.output("template", template, "--messages", "-", "--tools", tools, "--set", 'bos_token="<s>"', "--set",
                          "extra=[1, 2]", stdin=stdin)
        self.assertEqual(got, b"<s>[a]1[1, 2]")
        together = json.dumps({"messages": [{"role": "user", "content": "b"}], "bos_token": "^"}).encode()
        self.assertEqual(self.output("template", template, "--messages", "-", stdin=together), b"^[b]")
        broken = self.file("broken.jinja", b"{% for %}")
        self.assertIn("broken.jinja", self.failure(4, "template", broken, "--messages", "-", stdin=stdin))

    def test_a_model_without_a_template(self):
        plain = self.make_model("plain.gguf", vocabulary="plain")
        stdin = json.dumps([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]).encode()
        self.assertEqual(self.output("template", plain, "--messages", "-", stdin=stdin), b"a\nb")

    # logits, gradients, perplexity: of one model against one another, and against definitions

    def test_logits_gradients_and_perplexity_agree(self):
        ids = [259, 5, 77, 12, 9, 200, 31, 4]
        out = self.folder / "logits.safetensors"
        self.output("logits", self.model, "--ids", self.file("ids.json", [ids, ids[:3]]), "--out", out)
        tensors = read_safetensors(out)
        vocab_size = 267
        self.assertEqual({name: shape for name, (shape, _) in tensors.items()},
                         {"logits.0": [8, vocab_size], "logits.1": [3, vocab_size]})
        logits = tensors["logits.0"][1]
        self.assertEqual(tensors["logits.1"][1], logits[:3 * vocab_size])
        losses = []
        for i in range(7):
            row = logits[i * vocab_size:(i + 1) * vocab_size]
            top = max(row)
            losses.append(math.log(sum(math.exp(x - top) for x in row)) + top - row[ids[i + 1]])
        # The loss of the training path, with and without a label that is not scored.
        grad_out = self.folder / "grad.safetensors"
        batch = {"ids": [ids], "labels": [ids[:4] + [-100] + ids[5:]]}
        self.output("gradients", self.model, "--batch", self.file("batch.json", batch), "--out", grad_out)
        gradients = read_safetensors(grad_out)
        want = (sum(losses) - losses[3]) / 6
        self.assertAlmostEqual(gradients["loss"][1][0], want, delta=2e-6 * want)
        self.assertEqual(gradients["grad.token_embd.weight"][0], [vocab_size, 64])
        self.assertEqual(len(gradients), 1 + 2 + 2 * 9)
        # The same tokens as text, each scored once.
        text = self.output("detokenize", self.model, stdin=b"259 32 116 104 101 114 101")
        n = len(self.output("tokenize", self.model, stdin=text).split())
        path = self.file("text.txt", text)
        result = self.json("perplexity", self.model, path, "--whole", "--context", "64")
        self.assertEqual(list(result), ["perplexity", "nll_per_token", "tokens", "tokens_per_second"])
        self.assertEqual(result["tokens"], n - 1)
        self.assertAlmostEqual(math.exp(result["nll_per_token"]), result["perplexity"], places=3)

    def test_perplexity_by_windows_scores_their_second_halves(self):
        text = ("hello the world of words " * 40).encode()
        ids = [int(i) for i in self.output("tokenize", self.model, stdin=text).split()]
        context, n_windows = 16, 3
        result = self.json("perplexity", self.model, self.file("long.txt", text), "--context", context, "--windows", n_windows, "--json")
        self.assertEqual(result["tokens"], n_windows * (context - context // 2 - 1))
        windows = [ids[i * context:(i + 1) * context] for i in range(n_windows)]
        out = self.folder / "windows.safetensors"
        self.output("logits", self.model, "--ids", self.file("windows.json", windows), "--out", out)
        nll = 0.0
        for i, window in enumerate(windows):
            (_, vocab_size), values = read_safetensors(out)[f"logits.{i}"]
            for t in range(context // 2, context - 1):
                row = values[t * vocab_size:(t + 1) * vocab_size]
                nll += math.log(sum(map(math.exp, row))) - row[window[t + 1]]
        self.assertAlmostEqual(result["nll_per_token"], nll / result["tokens"], places=5)
        everything = self.json("perplexity", self.model, self.file("long.txt", text), "--context", context)
        self.assertEqual(everything["tokens"], len(ids) // context * (context - context // 2 - 1))
        self.assertIn("fewer than one window of 16", self.failure(2, "perplexity", self.model, "-", "--context", 16, stdin=b"hello"))

    def test_a_folder_opens_and_gradients_have_either_names(self):
        folder, layer = self.folder / "hf", hugging_face.LAYER
        tensors = hugging_face.make_folder(folder)
        ids = [3, 1, 4, 1, 5, 9, 2, 6]
        document = self.json("run", "./hf", "--raw", "--prompt-ids", "3 1 4", "--max-tokens", "4", "--json", "--ignore-eos")
        self.assertEqual(len(document["ids"]), 4)
        batch = self.file("hf-batch.json", {"ids": [ids, ids[:2]], "labels": [ids, ids[:2]]})
        outs = {}
        for names in ("hf", "gguf"):
            path = self.folder / f"{names}.safetensors"
            self.output("gradients", folder, "--batch", batch, "--out", path, "--names", names)
            outs[names] = read_safetensors(path)
        self.assertEqual(set(outs["hf"]), {"loss"} | {"grad." + name for name in tensors})
        self.assertEqual(outs["hf"]["loss"], outs["gguf"]["loss"])
        q = outs["hf"]["grad." + layer + "self_attn.q_proj.weight"][1]
        rows = [q[i * 32:(i + 1) * 32] for i in range(32)]
        # GGUF pairs neighbours: row 2 i of a head of 8 is its row i, row 2 i + 1 its row i + 4.
        interleaved = [rows[head * 8 + (i // 2) + 4 * (i % 2)] for head in range(4) for i in range(8)]
        self.assertEqual(outs["gguf"]["grad.blk.0.attn_q.weight"][1], tuple(x for row in interleaved for x in row))
        # A weight changed by a little changes the loss as its gradient says.
        name, at, step = layer + "mlp.down_proj.weight", 7, 1e-2
        losses = []
        for sign in (1, -1):
            values = list(tensors[name][1])
            values[at] += sign * step
            hugging_face.write_safetensors(folder / "model.safetensors", {**tensors, name: (tensors[name][0], values)})
            path = self.folder / "moved.safetensors"
            self.output("gradients", folder, "--batch", batch, "--out", path)
            losses.append(read_safetensors(path)["loss"][1][0])
        slope = (losses[0] - losses[1]) / (2 * step)
        self.assertAlmostEqual(outs["hf"]["grad." + name][1][at], slope, delta=1e-3)
        self.assertIn("f32", self.failure(2, "gradients", folder, "--batch", batch, "--out", "x",
                                       "--kv-type", "f16"))

    # inspect and show

    def test_inspect_shows_and_checks(self):
        text = self.output("inspect", self.model, "--tensors", "--check").decode()
        for words in ("GGUF 3", "general.architecture", "blk.1.ffn_down.weight", "[64, 96]", "all values are finite"):
            self.assertIn(words, text)
        document = self.json("inspect", self.model, "--json", "--tensors", "--check")
        self.assertEqual((document["n_tensors"], len(document["tensors"]), document["not_finite"]), (20, 20, []))
        bad = self.make_model("bad.gguf", bad="blk.0.ffn_up.weight")
        message = self.failure_after(b"", 4, "inspect", bad, "--check")
        self.assertIn("blk.0.ffn_up.weight: element 3072 is nan", message)
        hugging_face.write_safetensors(self.folder / "few.safetensors", {"w": ([2, 3], [1, 2, 3, 4, 5, 6])})
        self.assertIn("[2, 3]", self.output("inspect", self.folder / "few.safetensors", "--tensors").decode())

    def test_show_tells_what_a_model_is(self):
        text = self.output("show", self.model).decode()
        for words in ("architecture", "llama", "context length", "128", "quantization", "F32", "License", "apache-2.0"):
            self.assertIn(words, text)
        self.assertEqual(self.output("show", self.model, "--license"), b"apache-2.0\n")
        self.assertTrue(self.output("show", self.model, "--template").startswith(b"{% for message"))
        document = self.json("show", self.model, "--json", "--tensors")
        self.assertEqual((document["details"]["architecture"], len(document["tensors"])), ("llama", 20))
        self.assertEqual(document["metadata"]["llama.context_length"], 128)

    # bench and doctor

    def test_bench_prints_a_line_a_test(self):
        words = ("bench", self.model, "-p", 16, "-n", 4, "--parallel", "1,2", "--depth", "0,32", "--repeat", 1)
        lines = [json.loads(line) for line in self.output(*words, "--json").splitlines()]
        self.assertEqual([(line["test"], line["parallel"], line["depth"]) for line in lines],
                         [("prefill", 1, 0), ("decode", 1, 0), ("parallel", 2, 0),
                          ("prefill", 1, 32), ("decode", 1, 32), ("parallel", 2, 32)])
        fields = {"test", "n_tokens", "parallel", "depth", "tokens_per_second", "stddev", "threads", "isa", "compute", "model",
                  "size_bytes", "peak_rss_bytes", "bandwidth_fraction", "peak_fraction"}
        for line in lines:
            self.assertEqual(set(line), fields)
            self.assertGreater(line["tokens_per_second"], 0)
            self.assertGreater(line["bandwidth_fraction"], 0)
        table = self.output("bench", self.model, "-p", 8, "-n", 0, "--repeat", 2).decode()
        self.assertEqual(table.count("\n"), 3)

    def test_doctor_measures_the_machine(self):
        document = self.json("doctor", "--json", "--threads", "2")
        self.assertEqual([row["threads"] for row in document["threads"]], [1, 2])
        for row in document["threads"]:
            self.assertGreater(row["read_bytes_per_second"], 1e8)
            self.assertGreater(row["f32_flops"], 1e7)
            self.assertGreater(row["int8_ops"], 1e7)
        self.assertTrue(any("smollm2:135m" in words for words in document["missing"]))
        self.assertIn("tokens/s, at most", self.output("doctor", "--threads", "1").decode())


if __name__ == "__main__":
    unittest.main()
