"""quantize, imatrix, merge, perplexity --against and run --adapter: results, and what is refused with nothing left."""
import math
import pathlib
import struct
import unittest

import gguf
import hugging_face
from program import ProgramTest


def write_old_matrix(path, name, n_cols):
    """An importance matrix in the older form, of one tensor."""
    words = name.encode()
    path.write_bytes(struct.pack("<ii", 1, len(words)) + words + struct.pack("<ii", 1, n_cols)
                     + struct.pack(f"<{n_cols}f", *[1.0] * n_cols) + struct.pack("<ii", 1, 4) + b"text")


class Quantizing(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()
        cls.spoiled = cls.make_model("spoiled.gguf", bad="blk.1.ffn_up.weight")
        hugging_face.make_folder(cls.folder / "hf")
        hugging_face.make_adapter(cls.folder / "lora")
        hugging_face.make_adapter(cls.folder / "wide", cols=hugging_face.HIDDEN + 1)
        (cls.folder / "text").write_text("The hello of the world. " * 60)

    def setUp(self):
        self.before = self.files()

    def files(self):
        """Of the folder and of the home, the store's lock and the settings aside."""
        return {str(path): path.read_bytes() for path in self.folder.rglob("*")
                if path.is_file() and not path.name.endswith(".lock")}

    def new_files(self):
        """Names of what was written since, each of which is removed."""
        names = []
        for path, content in self.files().items():
            if self.before.get(path) != content:
                names.append(pathlib.Path(path).name)
                pathlib.Path(path).unlink()
        return sorted(names)

    def refused(self, status, *words):
        """The message of what must leave all files as they were."""
        message = self.failure(status, *words)
        self.assertEqual(self.files(), self.before, words)
        return message

    def quietly(self, *words):
        """Standard error of a command that succeeds and writes a file alone."""
        done = self.run_program(*words)
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        return done.stderr.decode()

    def ids(self, model, *words):
        return self.json("run", model, *words, "--raw", "--prompt-ids", "3 1 4", "--max-tokens", 8, "--temperature", 0,
                         "--ignore-eos", "--json")["ids"]

    def test_quantize(self):
        document = self.json("quantize", self.model, "small.gguf", "q8_0", "--json")
        self.assertEqual(document["type"], "Q8_0")
        self.assertEqual(document["size_bytes"], (self.folder / "small.gguf").stat().st_size)
        by_name = {row["name"]: row for row in document["tensors"]}
        self.assertEqual(by_name["output_norm.weight"]["to"], "F32")
        row = by_name["blk.0.ffn_up.weight"]
        self.assertEqual((row["from"], row["to"], row["bits_per_weight"]), ("F32", "Q8_0", 8.5))
        # Uniform weights within 0.3: 127 steps to the largest of each block, and an error that is uniform in a step.
        step = 0.3 / 127
        self.assertLess(row["rmse"], step / math.sqrt(12))
        self.assertGreater(row["rmse"], 0.85 * step / math.sqrt(12))
        table = self.output("quantize", self.model, "small.gguf", "q8_0", "--tensor", "blk.1.*up=Q4_0").decode()
        self.assertRegex(table, r"blk\.1\.ffn_up\.weight +96 x 64 +F32 +Q4_0 +4\.5 ")
        self.assertRegex(table, r"blk\.0\.ffn_up\.weight +96 x 64 +F32 +Q8_0 +8\.5 ")
        self.assertIn("quantized already", self.run_program("quantize", "small.gguf", "again.gguf", "q4_0").stderr.decode())
        self.assertEqual(self.new_files(), ["again.gguf", "small.gguf"])

    def test_quantize_refuses(self):
        message = self.refused(2, "quantize", self.model, "out.gguf", "q9_k")
        self.assertIn("q9_k", message)
        self.assertIn("Q4_K_M, ", message)
        self.assertIn("tiny.gguf: is the model itself", self.refused(2, "quantize", self.model, self.model, "q8_0"))
        self.assertIn("is the model itself", self.refused(2, "quantize", self.model, "./hf/../tiny.gguf", "q8_0"))
        message = self.refused(2, "quantize", self.model, "out.gguf", "q8_0", "--tensor", "ffn_upp=Q4_0")
        self.assertIn("--tensor: ffn_upp: is in no tensor's name", message)
        self.assertIn("Q6_K", self.refused(2, "quantize", self.model, "out.gguf", "q8_0", "--tensor", "ffn_up=Q9"))
        self.assertIn("PATTERN=TYPE", self.refused(2, "quantize", self.model, "out.gguf", "q8_0", "--tensor", "ffn_up"))

    def test_a_value_that_is_not_finite_leaves_no_file_and_keeps_the_old_one(self):
        (self.folder / "old.gguf").write_bytes(b"what was there")
        self.before = self.files()
        for out in ("out.gguf", "old.gguf"):
            self.assertIn("blk.1.ffn_up.weight", self.refused(4, "quantize", self.spoiled, out, "q8_0"))

    def test_imatrix(self):
        message = self.quietly("imatrix", self.model, "text", "-o", "matrix.gguf", "--context", "32", "--chunks", "3")
        self.assertEqual(message, "Wrote matrix.gguf: 14 matrices, 3 windows of 32 tokens.\n")
        sums = gguf.read_f32_tensors(self.folder / "matrix.gguf")
        for layer in (0, 1):
            # What these read has been normalized: a mean square of one.
            for part in ("attn_q", "ffn_up"):
                name = f"blk.{layer}.{part}.weight"
                (count,) = sums[name + ".counts"]
                self.assertAlmostEqual(sum(sums[name + ".in_sum2"]) / count / 64, 1.0, places=3)
        document = self.json("quantize", self.model, "weighed.gguf", "q8_0", "--imatrix", "matrix.gguf", "--json")
        self.assertEqual(document["type"], "Q8_0")
        self.assertIn(b"quantize.imatrix.file", (self.folder / "weighed.gguf").read_bytes())
        self.assertEqual(self.new_files(), ["matrix.gguf", "weighed.gguf"])

    def test_matrices_that_do_not_fit(self):
        other = self.folder / "other.dat"
        damaged = self.folder / "damaged.dat"
        write_old_matrix(other, "blk.0.ffn_up.weight", 32)
        damaged.write_bytes(other.read_bytes()[:60])
        self.before = self.files()
        message = self.refused(2, "quantize", self.model, "out.gguf", "q8_0", "--imatrix", "other.dat")
        self.assertIn("blk.0.ffn_up.weight: has 32 columns, expected 64", message)
        self.assertIn("damaged.dat", self.refused(4, "quantize", self.model, "out.gguf", "q8_0", "--imatrix", "damaged.dat"))
        self.assertIn("tiny.gguf", self.refused(4, "quantize", self.model, "out.gguf", "q8_0", "--imatrix", "tiny.gguf"))
        self.assertIn("nowhere", self.refused(3, "quantize", self.model, "out.gguf", "q8_0", "--imatrix", "nowhere"))
        self.assertIn("--out", self.refused(2, "imatrix", self.model, "text"))

    def test_perplexity_against(self):
        self.output("quantize", self.model, "small.gguf", "q8_0")
        words = ("text", "--context", "32", "--windows", "3", "--json")
        same = self.json("perplexity", self.model, *words, "--against", self.model)
        self.assertEqual((same["kl_mean"], same["kl_max"], same["top_1_agreement"]), (0.0, 0.0, 1.0))
        near = self.json("perplexity", "small.gguf", *words, "--against", self.model)
        self.assertGreater(near["kl_mean"], 0.0)
        self.assertLess(near["kl_mean"], 0.05)
        self.assertEqual(self.new_files(), ["small.gguf"])
        self.make_model("wordless.gguf", vocabulary="plain")
        self.before = self.files()
        self.refused(2, "perplexity", self.model, *words, "--against", "wordless.gguf")

    def test_an_adapter_runs_and_merges(self):
        self.assertNotEqual(self.ids("./hf"), self.ids("./hf", "--adapter", "lora=8"))
        self.assertEqual(self.ids("./hf"), self.ids("./hf", "--adapter", "lora=0"))
        self.assertIn("Wrote merged.gguf", self.quietly("merge", "./hf", "lora=8", "merged.gguf", "--type", "f32"))
        self.assertEqual(self.ids("merged.gguf"), self.ids("./hf", "--adapter", "lora=8"))
        self.assertEqual(self.new_files(), ["merged.gguf"])

    def test_adapters_that_do_not_fit(self):
        self.quietly("convert", "lora", "lora.gguf", "--base", "./hf")
        content = (self.folder / "lora.gguf").read_bytes()
        (self.folder / "gemma.gguf").write_bytes(content.replace(b"llama", b"gemma"))
        self.quietly("convert", "./hf", "plain.gguf", "--type", "f32")
        self.before = self.files()
        for model, adapter, why in (("./hf", "wide", "33"), ("./hf", "gemma.gguf", "gemma"), (self.model, "lora.gguf", "attn_q")):
            self.assertIn(why, self.refused(4, "run", model, "--raw", "--prompt-ids", "1 2", "--adapter", adapter))
            self.assertIn(why, self.refused(4, "merge", model, adapter, "out.gguf"))
        self.assertIn("no such adapter", self.refused(3, "merge", "./hf", "nowhere", "out.gguf"))
        self.assertIn("Q4_K", self.refused(2, "merge", "./hf", "lora", "out.gguf", "--type", "q9"))
        self.assertIn("is the model itself", self.refused(2, "merge", "plain.gguf", "lora", "plain.gguf"))


if __name__ == "__main__":
    unittest.main()
