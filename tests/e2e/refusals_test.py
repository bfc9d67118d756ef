"""Files and folders that cannot be run: each is refused with what, where, value and limit, and nothing is taken in."""
import json
import struct
import unittest

import hugging_face
from program import ProgramTest

NAME = "model.layers.0.mlp.up_proj.weight"


class Refusals(ProgramTest):
    def folder_with(self, change=lambda tensors: None, **settings):
        """A folder of its own, with other settings or changed tensors."""
        folder = self.folder / f"folder-{self.id().rsplit('.', 1)[1]}-{len(list(self.folder.iterdir()))}"
        tensors = hugging_face.make_folder(folder, **settings)
        change(tensors)
        hugging_face.write_safetensors(folder / "model.safetensors", tensors)
        return folder

    def refused(self, model, *whys, commands=("run", "import", "create", "convert")):
        for command in commands:
            words = {"run": ("run", model, "--raw", "--prompt-ids", "1 2"), "import": ("import", model, "mine"),
                     "create": ("create", "mine", "-f", "-"), "convert": ("convert", model, "out.gguf")}[command]
            message = self.failure(4, *words, stdin=f"FROM {model}".encode())
            for why in whys:
                self.assertIn(why, message, command)
        self.assertEqual([path for path in self.home.rglob("blobs/*")], [])
        self.assertEqual([path for path in self.home.rglob("manifests/**/*") if path.is_file()], [])
        self.assertFalse((self.folder / "out.gguf").exists())

    def test_settings_that_are_not_known_come_with_those_that_are(self):
        self.refused(self.folder_with(architectures=["PlatypusForCausalLM"]), "PlatypusForCausalLM", "LlamaForCausalLM, ")
        self.refused(self.folder_with(rope_scaling={"type": "spiral", "factor": 2.0}), "rope_type is spiral",
                     "supported: default, linear, dynamic, yarn, llama3, longrope")
        self.refused(self.folder_with(hidden_act="tanhexp"), "hidden_act is tanhexp", "supported: silu")

    def test_settings_that_contradict_the_tensors(self):
        self.refused(self.folder_with(vocab_size=50), "config.json: vocab_size is 50, model.embed_tokens.weight has 40 rows")
        self.refused(self.folder_with(hidden_size=64), "shape [40,32], expected [40,64]")
        self.refused(self.folder_with(num_hidden_layers=2), "blk.1.attn_norm.weight is missing")

    def test_tensors_that_are_missing_unknown_or_of_another_shape(self):
        self.refused(self.folder_with(lambda tensors: tensors.pop(NAME)), "blk.0.ffn_up.weight is missing, expected [48,32]")
        self.refused(self.folder_with(lambda tensors: tensors.update({"model.layers.0.beak.weight": ([1], [1.0])})),
                     "model.layers.0.beak.weight is not one of LlamaForCausalLM")
        self.refused(self.folder_with(lambda tensors: tensors[NAME][0].reverse()), "shape [32,48], expected [48,32]")

    def test_values_that_are_not_finite(self):
        def spoil(tensors):
            tensors[NAME][1][10] = float("nan")
        folder = self.folder_with(spoil)
        for command in ("import", "create", "convert"):
            self.refused(folder, "tensor blk.0.ffn_up.weight", "nan", "element 10", commands=(command,))
        self.assertIn("blk.0.ffn_up.weight: element 10 is nan", self.failed("inspect", folder, "--check"))
        self.assertIn("blk.0.ffn_up.weight", self.failed("quantize", folder, "out.gguf", "q8_0"))
        self.assertIn("layer 0 gives numbers that are not finite at position 1",
                      self.failed("run", folder, "--raw", "--prompt-ids", "1 2"))

    def failed(self, *words):
        """What a command says that has said other things before it failed."""
        done = self.run_program(*words)
        self.assertEqual(done.returncode, 4, done.stderr)
        return done.stderr.decode()

    def test_a_part_that_is_missing(self):
        folder = self.folder_with()
        (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {
            NAME: "model-00001-of-00002.safetensors", "model.norm.weight": "model-00002-of-00002.safetensors"}}))
        self.refused(folder, "model-00002-of-00002.safetensors: is missing, one of 2 parts")

    def test_headers_that_lie(self):
        folder = self.folder_with()
        path = folder / "model.safetensors"
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        for change, why in (({"dtype": "F7"}, "dtype F7 is unknown; known: BOOL, "), ({"shape": [2**40, 2**40]}, NAME),
                            ({"data_offsets": [0, 2**60]}, NAME), ({"data_offsets": [8, 4]}, NAME), ({"shape": [-1, 32]}, "is -1")):
            header = json.loads(data[8:8 + size])
            header[NAME].update(change)
            text = json.dumps(header).encode()
            path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])
            self.refused(folder, why)
        path.write_bytes(struct.pack("<Q", 2**62) + data[8:])
        self.refused(folder, "model.safetensors")

    def test_gguf_files(self):
        self.refused(self.make_model("strange.gguf", architecture="platypus"), "architecture platypus is not supported; supported: llama, ",
                     commands=("run", "import", "create"))
        path = self.folder / "tiny.gguf"
        self.make_model("tiny.gguf")
        data = path.read_bytes()
        words = len("blk.0.ffn_up.weight")
        at = data.index(b"blk.0.ffn_up.weight") + words

        def refused(what, *whys):
            path.write_bytes(what)
            self.refused(path, *whys, commands=("run", "import", "create"))

        refused(data[:at + 20] + struct.pack("<I", 77) + data[at + 24:], "blk.0.ffn_up.weight", "type 77")
        refused(data[:at - 2] + b"xx" + data[at:], "blk.0.ffn_up.weight is missing, expected [96,64]")
        refused(data.replace(b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0gpt9"), "kind gpt9 is not supported; supported: ")
        refused(data.replace(b"\x05\0\0\0\0\0\0\0gpt-2", b"\x05\0\0\0\0\0\0\0gpt-9"), "pre-tokenizer gpt-9 is not supported; supported: default, ")


if __name__ == "__main__":
    unittest.main()
