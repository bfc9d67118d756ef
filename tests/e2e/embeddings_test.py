"""embed and rerank, and what logits, gradients and other commands make of encoders."""
import json
import math
import subprocess
import unittest

import hugging_face
from program import PROGRAM, ProgramTest, read_safetensors

BIRDS = hugging_face.WORDS.index("bird"), hugging_face.WORDS.index("sings")
CLS, SEP = 2, 3


class Embeddings(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        hugging_face.make_bert(cls.folder / "bert")
        hugging_face.make_bert(cls.folder / "reranker", n_labels=1)
        hugging_face.make_bert(cls.folder / "classifier", n_labels=3)

    def vectors(self, text, *words, model="bert"):
        return [json.loads(line) for line in self.output("embed", f"./{model}", *words, stdin=text.encode()).splitlines()]

    def test_a_vector_a_line(self):
        texts = ["bird sings", "a small bird", "", "Bird SINGS.", "zzz zzz zzz zzz zzz"]
        together = self.vectors("\n".join(texts) + "\n")
        self.assertEqual([len(vector) for vector in together], [hugging_face.HIDDEN] * 5)
        for text, vector in zip(texts, together):
            self.assertAlmostEqual(math.hypot(*vector), 1.0, places=5)
            self.assertEqual(self.vectors(text + "\n"), [vector])  # the same bits alone
        self.assertNotEqual(together[0], together[1])

    def test_pooling_length_prefix_and_json(self):
        (mean,), (cls,), (last,) = (self.vectors("bird sings", "--pooling", kind) for kind in ("mean", "cls", "last"))
        self.assertEqual([mean], self.vectors("bird sings"))
        self.assertNotEqual(mean, cls)
        self.assertNotEqual(cls, last)
        (long,) = self.vectors("bird sings", "--no-normalize")
        length = math.hypot(*long)
        self.assertNotAlmostEqual(length, 1.0, places=2)
        for a, b in zip(long, mean):
            self.assertAlmostEqual(a / length, b, places=5)
        self.assertEqual(self.vectors("sings", "--prefix", "bird "), [mean])
        self.assertEqual(self.vectors('"bird\\nsings"\n', "--jsonl"), [mean])

    def test_prompts_and_length_of_sentence_transformers(self):
        folder = self.folder / "sentences"
        hugging_face.make_bert(folder)
        (folder / "modules.json").write_text(json.dumps([
            {"path": "", "type": "sentence_transformers.models.Transformer"}]))
        (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 5}))
        (folder / "config_sentence_transformers.json").write_text(json.dumps({
            "prompts": {"query": "bird ", "document": ""}, "default_prompt_name": "query"}))
        self.output("convert", "./sentences", "sentences.gguf", "--type", "f32", "-q")
        for model in ("sentences", "sentences.gguf"):
            (plain,) = self.vectors("bird sings")  # of the same weights
            self.assertEqual(self.vectors("sings", model=model), [plain])
            self.assertEqual(self.vectors("sings", "--prompt", "query", model=model), [plain])
            self.assertEqual(self.vectors("bird sings", "--prompt", "document", model=model), [plain])
            self.assertEqual(self.vectors("bird sings", "--prefix", "", model=model), [plain])
            # [CLS] and [SEP] count: three words are left.
            self.assertEqual(self.vectors("small bird small sings small sings", "--prefix", "", model=model),
                             self.vectors("small bird small"))
            self.assertIn("the model has only query, document", self.failure(2, "embed", f"./{model}", "--prompt", "x", stdin=b"a\n"))
        self.failure(2, "embed", "./sentences", "--prompt", "query", "--prefix", "bird", stdin=b"a\n")
        self.assertIn("no prompts", self.failure(2, "embed", "./bert", "--prompt", "query", stdin=b"a\n"))

    def test_rows_are_those_of_logits(self):
        ids = [CLS, *BIRDS, SEP]
        (self.folder / "ids.json").write_text(json.dumps([ids, ids[:2]]))
        self.output("logits", "./bert", "--ids", "ids.json", "--out", "rows.safetensors")
        rows = read_safetensors(self.folder / "rows.safetensors")
        self.assertEqual({name: shape for name, (shape, _) in rows.items()}, {"hidden.0": [4, 32], "hidden.1": [2, 32]})
        values = rows["hidden.0"][1]
        mean = [sum(values[i::32]) / 4 for i in range(32)]
        (vector,) = self.vectors("bird sings", "--no-normalize")
        for a, b in zip(mean, vector):
            self.assertAlmostEqual(a, b, places=5)

    def test_a_decoder_gives_vectors_too(self):
        model = self.make_model()
        lines = self.output("embed", model, stdin=b"hello\nhello world\n").splitlines()
        self.assertEqual([len(json.loads(line)) for line in lines], [64, 64])
        self.assertIn("line 2: is empty", self.failure(2, "embed", model, stdin=b"hello\n\n"))

    def test_rerank(self):
        documents = ["bird sings", "a small bird", ""]
        scores = [float(line) for line in self.output("rerank", "./reranker", "--query", "bird", stdin="\n".join(documents).encode() + b"\n").splitlines()]
        self.assertEqual(len(scores), 3)
        ids = [CLS, BIRDS[0], SEP, *BIRDS, SEP]
        (self.folder / "pair.json").write_text(json.dumps([ids]))
        (self.folder / "types.json").write_text(json.dumps([[0, 0, 0, 1, 1, 1]]))
        self.output("logits", "./reranker", "--ids", "pair.json", "--types", "types.json", "--out", "pair.safetensors")
        shape, values = read_safetensors(self.folder / "pair.safetensors")["logits.0"]
        self.assertEqual(shape, [1])
        self.assertAlmostEqual(scores[0], values[0], places=6)

    def test_gradients_of_a_classifier(self):
        ids = [[CLS, *BIRDS, SEP], [CLS, SEP]]
        batch = {"ids": ids, "labels": [2, 0], "types": [[0, 0, 1, 1], [0, 0]]}
        (self.folder / "batch.json").write_text(json.dumps(batch))
        self.output("gradients", "./classifier", "--batch", "batch.json", "--out", "grads.safetensors", "--names", "hf")
        grads = read_safetensors(self.folder / "grads.safetensors")
        for name, values in (("ids", ids), ("types", batch["types"])):
            (self.folder / f"{name}.json").write_text(json.dumps(values))
        self.output("logits", "./classifier", "--ids", "ids.json", "--types", "types.json", "--out", "scores.safetensors")
        scores = read_safetensors(self.folder / "scores.safetensors")
        loss, bias = 0.0, [0.0] * 3
        for i, label in enumerate(batch["labels"]):
            row = scores[f"logits.{i}"][1]
            total = sum(map(math.exp, row))
            loss += (math.log(total) - row[label]) / 2
            for j in range(3):
                bias[j] += (math.exp(row[j]) / total - (j == label)) / 2
        self.assertAlmostEqual(grads["loss"][1][0], loss, places=5)
        for want, got in zip(bias, grads["grad.classifier.bias"][1]):
            self.assertAlmostEqual(got, want, places=5)
        self.assertIn("grad.bert.embeddings.word_embeddings.weight", grads)

    def test_modules_of_sentence_transformers(self):
        folder = self.folder / "sentence"
        hugging_face.make_bert(folder)
        modules = [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
                   {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]
        (folder / "modules.json").write_text(json.dumps(modules))
        (folder / "1_Pooling").mkdir()

        def pool(**modes):
            (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 32, **{f"pooling_mode_{k}": v for k, v in modes.items()}}))

        for kind, key in (("cls", "cls_token"), ("last", "lasttoken"), ("mean", "mean_tokens")):
            pool(**{"cls_token": False, "max_tokens": False, key: True})
            self.assertEqual(self.vectors("bird sings", model="sentence"), self.vectors("bird sings", "--pooling", kind))
        pool(max_tokens=True)
        self.assertIn("pooling_mode_max_tokens is not supported; supported: one of mean, cls", self.failure(4, "embed", folder, stdin=b"x"))
        modules[1]["type"] = "sentence_transformers.models.Beak"
        (folder / "modules.json").write_text(json.dumps(modules))
        self.assertIn("Beak is not supported; supported: Transformer, ", self.failure(4, "embed", folder, stdin=b"x"))

    def test_after_conversion(self):
        self.output("convert", "./reranker", "reranker.gguf", "-q")
        command = ("rerank", "--query", "bird")
        both = [self.output(command[0], model, *command[1:], stdin=b"bird sings\n") for model in ("./reranker", "reranker.gguf")]
        self.assertEqual(*both)

    def test_answers_come_before_the_input_ends(self):
        for words in (("embed", "./bert"), ("rerank", "./reranker", "--query", "bird")):
            with subprocess.Popen([PROGRAM, *words], cwd=self.folder, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                for text in (b"bird\n", b"sings\n"):
                    process.stdin.write(text)
                    process.stdin.flush()
                    self.assertTrue(process.stdout.readline().endswith(b"\n"))
                process.stdin.write(b"a last one without an end")
                process.stdin.close()
                self.assertEqual(process.stdout.read().count(b"\n"), 1)
                self.assertEqual(process.wait(60), 0)

    def test_many_texts_keep_their_order(self):
        texts = [" ".join(hugging_face.WORDS[4 + i * 7 % 20:][:1 + i % 9]) for i in range(700)]
        vectors = self.vectors("\n".join(texts))
        self.assertEqual(len(vectors), 700)
        for i in (0, 255, 256, 511, 699):
            self.assertEqual(self.vectors(texts[i]), [vectors[i]])

    def test_texts_over_the_context_are_cut_where_asked(self):
        cut, same = self.vectors("a " * 30 + "\n" + "a " * 22, "--truncate")
        self.assertEqual(cut, same)  # [CLS], 22 tokens, [SEP]
        (last,) = self.vectors("a " * 30, "--truncate", "--pooling", "last")
        self.assertEqual([last], self.vectors("a " * 22, "--pooling", "last"))

    def test_ids_in_place_of_texts(self):
        (self.folder / "lists.json").write_text(json.dumps([[CLS, *BIRDS, SEP], [CLS, SEP]]))
        self.assertEqual(self.vectors("", "--ids", "lists.json"), self.vectors("bird sings\n\n"))
        (self.folder / "long.json").write_text(json.dumps([[CLS] * 30]))
        self.assertRegex(self.failure(2, "embed", "./bert", "--ids", "long.json"), "text 0: has 30 tokens, the model's context 24")
        (self.folder / "bad.json").write_text(json.dumps([[CLS, 4000]]))
        self.assertRegex(self.failure(2, "embed", "./bert", "--ids", "bad.json"), "text 0: .*4000")
        self.assertIn("--ids: are no texts", self.failure(2, "embed", "./bert", "--ids", "lists.json", "--jsonl"))
        # A file without words takes ids.
        self.make_model("wordless.gguf", vocabulary="none")
        self.assertEqual(len(self.vectors("", "--ids", "lists.json", model="wordless.gguf")), 2)
        self.assertIn("kinglet embed MODEL --ids", self.failure(4, "embed", "wordless.gguf", stdin=b"x"))

    def test_show_says_what_a_model_is_for(self):
        facts = {name: self.json("show", f"./{name}", "--json")["details"] for name in ("bert", "reranker", "classifier")}
        self.assertEqual([facts[name]["capabilities"] for name in facts], ["embedding", "rerank", "classification"])
        self.assertEqual([facts[name].get("labels") for name in facts], [None, "L0", "L0, L1, L2"])
        self.assertEqual(self.json("show", self.make_model(), "--json")["details"]["capabilities"], "completion")
        self.assertRegex(self.output("show", "./bert").decode(), r"(?m)^    capabilities +embedding$")

    def test_refusals(self):
        self.assertIn("line 2: is not UTF-8", self.failure(2, "embed", "./bert", stdin=b"bird\n\xff\n"))
        self.assertRegex(self.failure(2, "embed", "./bert", stdin=b"bird\n" + b"a " * 30), r"line 2: has 32 tokens, the model's context 24")
        self.assertRegex(self.failure(2, "rerank", "./reranker", "--query", "a " * 12, stdin=b"b " * 12), r"line 1 with the query: has 27 tokens, the model's context 24")
        self.assertIn("not one of mean, cls, last", self.failure(2, "embed", "./bert", "--pooling", "max", stdin=b"x"))
        self.assertIn("--query: is missing", self.failure(2, "rerank", "./reranker", stdin=b"x"))
        self.assertIn("has no classifier", self.failure(4, "rerank", "./bert", "--query", "x", stdin=b"x"))
        self.assertIn("into 3 labels", self.failure(4, "rerank", "./classifier", "--query", "x", stdin=b"x"))
        for words in (("run", "./bert", "bird"), ("perplexity", "./bert", "ids.txt"), ("bench", "./bert")):
            (self.folder / "ids.txt").write_text("bird " * 100)
            self.assertIn("is an encoder", self.failure(4, *words))
        (self.folder / "one.json").write_text("[[2, 3]]")
        (self.folder / "wrong.json").write_text("[[0, 2]]")
        self.assertIn("token type 2, the model has 2", self.failure(2, "logits", "./bert", "--ids", "one.json", "--types", "wrong.json", "--out", "x"))


if __name__ == "__main__":
    unittest.main()
