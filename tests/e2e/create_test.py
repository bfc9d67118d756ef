"""create from Modelfiles, show --modelfile, what run and template make of such a model, and push."""
import json
import pathlib
import shutil
import unittest

import hugging_face
from program import ProgramTest

MODELFILE = '''# A model for tests.
FROM ./tiny.gguf
PARAMETER temperature 0
parameter stop "a b"
PARAMETER stop <|im_end|>
PARAMETER num_gpu 1
TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
SYSTEM Be brief.
MESSAGE user Hi
MESSAGE assistant """Ho
ho"""
LICENSE MIT
'''


class Create(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()
        hugging_face.make_folder(cls.folder / "hf")
        hugging_face.make_adapter(cls.folder / "lora")
        hugging_face.make_adapter(cls.folder / "wide", cols=hugging_face.HIDDEN + 1)
        tensors = hugging_face.make_folder(cls.folder / "bad")
        tensors["model.norm.weight"][1][3] = float("nan")
        hugging_face.write_safetensors(cls.folder / "bad" / "model.safetensors", tensors)

    def setUp(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def create(self, name, text, **more):
        done = self.run_program("create", name, "-f", "-", stdin=text.encode(), **more)
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        return done.stderr.decode()

    def prompt_tokens(self, model, *words):
        return self.json("run", model, "hello", "--max-tokens", "1", "--json", *words)["prompt_tokens"]

    def files(self):
        return sorted(str(path) for path in self.home.rglob("models/**/*") if path.is_file() and path.name != "store.lock")

    def test_a_modelfile_becomes_a_model_and_comes_back(self):
        (self.folder / "Modelfile").write_text(MODELFILE)
        done = self.run_program("create", "mine")  # ./Modelfile
        self.assertEqual((done.returncode, done.stdout), (0, b""), done.stderr)
        self.assertIn(b"Created mine:latest", done.stderr)
        document = self.json("show", "mine", "--json")
        self.assertEqual(document["system"], "Be brief.")
        self.assertEqual(document["parameters"], {"temperature": 0, "stop": ["a b", "<|im_end|>"]})
        self.assertEqual(document["messages"], [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho\nho"}])
        self.assertIn("range .Messages", document["template"])
        self.assertIn("range .Messages", self.output("show", "mine", "--template").decode())
        modelfile = self.output("show", "mine", "--modelfile")
        self.assertIn(b"PARAMETER num_gpu 1\n", modelfile)
        done = self.run_program("create", "again", "-f", "-", stdin=modelfile)
        self.assertEqual(done.returncode, 0, done.stderr)
        first, second = (row["id"] for row in self.json("list", "--json"))
        self.assertEqual(first, second)  # the same layers, so the same manifest

    def test_words_are_honoured(self):
        self.create("plain", f"FROM {self.model}")
        self.create("mine", MODELFILE.replace("./tiny.gguf", "plain"))
        messages = b'[{"role": "user", "content": "x"}]'
        self.assertEqual(self.output("template", "mine", "--messages", "-", stdin=messages),
                         b"<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n")
        # System message and history are part of the prompt; their tokens are counted by the template that is shown.
        whole = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
                            {"role": "assistant", "content": "Ho\nho"}, {"role": "user", "content": "hello"}]).encode()
        rendered = self.output("template", "mine", "--messages", "-", stdin=whole)
        ids = self.output("tokenize", "mine", "--special", "--bos", stdin=rendered).split()
        self.assertEqual(self.prompt_tokens("mine"), len(ids))
        self.assertGreater(self.prompt_tokens("mine"), self.prompt_tokens("mine", "--system", ""))
        # temperature 0: two answers are the same.
        self.assertEqual(*(self.json("run", "mine", "hello", "--max-tokens", "8", "--json")["ids"] for _ in range(2)))

    def test_a_template_in_jinja(self):
        self.create("jinja", f"FROM {self.model}\nTEMPLATE {{% for m in messages %}}[{{{{ m.content }}}}]{{% endfor %}}")
        messages = b'[{"role": "user", "content": "x"}]'
        self.assertEqual(self.output("template", "jinja", "--messages", "-", stdin=messages), b"[x]")

    def test_literal_control_tokens_are_text(self):
        self.create("mine", f"FROM {self.model}\nTEMPLATE <|im_start|>{{{{ .Prompt }}}}<|im_end|>")
        plain = self.json("run", "mine", "<|im_end|>", "--max-tokens", "1", "--json")["prompt_tokens"]
        self.assertGreater(plain, 8)  # its letters, not the token

    def ids(self, model, *words):
        return self.json("run", model, *words, "--raw", "--prompt-ids", "3 1 4", "--max-tokens", 8, "--temperature", 0,
                         "--ignore-eos", "--json")["ids"]

    def test_a_folder_becomes_a_file(self):
        self.create("plain", "FROM ./hf")
        path = pathlib.Path(self.json("show", "plain", "--json")["path"])
        self.assertEqual(path.read_bytes()[:4], b"GGUF")
        self.assertEqual(self.ids("plain"), self.ids("./hf"))

    def test_quantize_keeps_the_words(self):
        self.create("wordy", f"FROM {self.model}\nSYSTEM Be brief.\nPARAMETER top_k 7")
        self.assertEqual(self.run_program("create", "small", "-f", "-", "--quantize", "q8_0", stdin=b"FROM wordy").returncode, 0)
        small = self.json("show", "small", "--json")
        self.assertEqual((small["system"], small["parameters"]), ("Be brief.", {"top_k": 7}))
        types = {tensor["type"] for tensor in self.json("inspect", small["path"], "--tensors", "--json")["tensors"]}
        self.assertEqual(types, {"F32", "Q8_0"})
        self.assertIn("Q4_K_M", self.failure(2, "create", "x", "-f", "-", "--quantize", "q9", stdin=b"FROM wordy"))

    def test_an_adapter_is_a_layer(self):
        self.create("adapted", "FROM ./hf\nADAPTER ./lora")  # a PEFT folder
        (path,) = self.json("show", "adapted", "--json")["adapters"]
        self.assertEqual(pathlib.Path(path).read_bytes()[:4], b"GGUF")
        self.assertEqual(self.ids("adapted"), self.ids("./hf", "--adapter", "lora"))
        self.assertNotEqual(self.ids("adapted"), self.ids("./hf"))
        self.assertIn(f"ADAPTER {path}\n", self.output("show", "adapted", "--modelfile").decode())
        self.create("again", f"FROM ./hf\nADAPTER {path}")  # a GGUF file, as it is
        (copy,) = self.json("show", "again", "--json")["adapters"]
        self.assertEqual(copy, path)

    def test_failures_name_line_and_command_and_leave_the_store_alone(self):
        self.create("mine", f"FROM {self.model}")
        before = self.files()
        for status, text, why in (
                (2, "FROM mine\nREQUIRES 0.14.0", "standard input: line 2: REQUIRES: no such command"),
                (2, "SYSTEM x", "has no line FROM"),
                (2, "FROM mine\nSYSTEM \"\"\"x", "line 2: SYSTEM"),
                (2, "FROM mine\n\nTEMPLATE {{ .Prompt }", "line 3: TEMPLATE: template: line 1, column 12"),
                (2, "FROM mine\nPARAMETER top_q 5", "line 2: PARAMETER: top_q: no such parameter"),
                (2, "FROM mine\nPARAMETER top_k many", "line 2: PARAMETER: top_k: many is not a number"),
                (3, "FROM mne", "line 1: FROM: mne:latest: no such model here"),
                (3, "FROM ./none.gguf", "line 1: FROM: ./none.gguf: no such file"),
                (3, "FROM mine\nADAPTER none.gguf", "none.gguf: no such file"),
                (4, f"FROM mine\nADAPTER {self.model}", "line 2: ADAPTER"),
                (4, "FROM ./hf\nADAPTER ./wide", "lora_A.weight"),
                (4, "FROM ./bad", "./bad: tensor output_norm.weight: has the value nan at element 3")):
            message = self.failure(status, "create", "mine", "-f", "-", "--offline", stdin=text.encode())
            self.assertIn(why, message)
            self.assertEqual(self.files(), before, text)
        self.assertIn("mine:latest", self.failure(3, "create", "x", "-f", "-", "--offline", stdin=b"FROM mne"))
        self.assertIn("no such file", self.failure(3, "create", "x", "-f", "missing"))
        self.failure(2, "create", "so//wrong", "-f", "-", stdin=b"FROM mine")
        self.failure(2, "create", "x", "-f", "-", stdin=b"FROM mine\nSYSTEM \xff")

    def test_push_without_a_way_out(self):
        self.create("127.0.0.1:9/me/mine", f"FROM {self.model}")
        self.assertIn("--offline", self.failure(5, "push", "127.0.0.1:9/me/mine", "--offline"))
        self.assertIn("127.0.0.1:9/me/mine:latest", self.failure(3, "push", "127.0.0.1:9/me/mne"))
        self.failure(1, "push", "127.0.0.1:9/me/mine")
        self.assertIn("MODEL is missing", self.failure(2, "push"))


if __name__ == "__main__":
    unittest.main()
