"""What the program says of wrong usage and bad input: one line, the right exit status, and nothing lost."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from program import PROGRAM, ProgramTest

COMMANDS = ("run", "pull", "list", "show", "cp", "rm", "import", "inspect", "tokenize", "detokenize", "template", "embed", "rerank", "logits",
            "gradients", "create", "push", "convert", "merge", "quantize", "imatrix", "perplexity", "bench", "doctor", "help", "completion", "man")


class Messages(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()

    def bytes_of_model(self):
        return pathlib.Path(self.model).read_bytes()

    # help

    def test_every_command_explains_itself_with_an_example(self):
        overview = self.output().decode()
        self.assertEqual(overview, self.output("help").decode())
        self.assertEqual(overview, self.output("--help").decode())
        manual = self.output("man").decode()
        for command in COMMANDS:
            self.assertRegex(overview, rf"(?m)^  {command} ")
            text = self.output("help", command).decode()
            self.assertEqual(text, self.output(command, "--help").decode())
            self.assertEqual(text, self.output(command, "-h").decode())
            self.assertRegex(text, rf"examples?:\n(.*\n)*.*kinglet {command}")
            self.assertIn(f"usage: kinglet {command}", text)
            self.assertIn(f"kinglet {command}", manual.replace("\\fB", ""))
        self.assertEqual(self.output("help", "ls"), self.output("help", "list"))
        for text in (self.output("help", "run"), self.output("man")):
            self.assertIn(b"End the answer before this text; may be given several times", text)

    def test_version_and_man_page_and_completions(self):
        self.assertRegex(self.output("--version").decode(), r"^kinglet \d+\.\d+\.\d+\n$")
        self.assertTrue(self.output("man").startswith(b".TH KINGLET 1"))
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
            script = self.output("completion", shell)
            for command in COMMANDS:
                self.assertIn(command.encode(), script)
            path = self.folder / f"completion.{shell}"
            path.write_bytes(script)
            with self.subTest(shell):
                if shutil.which(shell) is None:
                    self.skipTest(f"{shell} is not installed")
                subprocess.run([*check, path], check=True, capture_output=True)
        self.assertIn("not one of bash, zsh, fish", self.failure(2, "completion", "ksh"))

    def test_bash_completes_commands_options_and_values(self):
        path = self.folder / "complete.bash"
        path.write_bytes(self.output("completion", "bash"))

        def completed(*words):
            script = (f'source "{path}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kinglet; printf "%s\\n" "${{COMPREPLY[@]}}"')
            done = subprocess.run(["bash", "-c", script, "bash", "kinglet", *words], capture_output=True, text=True, check=True,
                                  env={**self.environment, "PATH": f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}"})
            return done.stdout.split()

        self.assertEqual(completed("tok"), ["tokenize"])
        self.assertEqual(completed("run", "x", "--temp"), ["--temperature"])
        self.assertEqual(completed("run", "--isa", "avx"), ["avx2", "avx512"])
        self.assertIn("fish", completed("completion", ""))

    # usage: status 2

    def test_wrong_usage(self):
        self.assertIn("did you mean rm or run?", self.failure(2, "rum"))
        self.assertIn("did you mean --temperature", self.failure(2, "run", self.model, "--temprature", "1", "x"))
        self.assertIn("MODEL is missing", self.failure(2, "run"))
        self.assertIn("needs a value", self.failure(2, "run", self.model, "x", "--seed"))
        self.assertIn("hot is not a number", self.failure(2, "run", self.model, "x", "--temperature", "hot"))
        self.assertIn("-1 is not a whole number", self.failure(2, "run", self.model, "x", "--max-tokens", "-1"))
        self.assertIn("no place for the argument extra", self.failure(2, "pull", "a", "extra"))
        self.assertIn("is not one of scalar, avx2", self.failure(2, "run", self.model, "x", "--isa", "sse"))
        self.assertIn("this CPU has no neon", self.failure(2, "run", self.model, "x", "--isa", "neon"))
        self.assertIn("bf16 is not there yet", self.failure(2, "run", self.model, "x", "--compute", "bf16"))
        self.assertIn("is not between 1 and 1024", self.failure(2, "run", self.model, "x", "--threads", "0"))
        self.assertIn("temperature: -1 is not between", self.failure(2, "run", self.model, "x", "--temperature", "-1"))
        self.assertIn("needs --raw", self.failure(2, "run", self.model, "--prompt-ids", "1"))
        self.assertIn("token 9999 is not in a vocabulary", self.failure(2, "run", self.model, "--raw", "--prompt-ids", "9999"))
        self.assertIn("abc is not a whole number", self.failure(2, "run", self.model, "--raw", "--prompt-ids", "abc"))
        self.assertIn("stop: the string is empty", self.failure(2, "run", self.model, "x", "--stop", ""))
        self.assertIn("not between 1 and 128", self.failure(2, "run", self.model, "x", "--context", "4000"))
        self.assertIn("--ids: is missing", self.failure(2, "logits", self.model, "--out", "x"))
        self.assertIn("--json: needs a PROMPT", self.chat_failure("--json"))
        self.assertIn("--threads: needs a value, and --json is an option", self.failure(2, "run", self.model, "x", "--threads", "--json"))
        huge = str(2**64 - 1)
        for words in (("-p", huge), ("-n", huge), ("--depth", huge)):
            self.assertIn(f"{words[0]}: more than", self.failure(2, "bench", self.model, *words))

    def test_options_stand_anywhere(self):
        few = ("--max-tokens", "2", "--temperature", "0", "--json")
        ids = self.json("run", self.model, "hello", *few)["ids"]
        self.assertEqual(ids, self.json("--threads", "1", "run", "--stop", "zzz", self.model, *few, "--stop=yyy", "hello")["ids"])
        # Text that looks like an option stands behind "--"; of an option given twice the last one counts.
        self.assertEqual(len(self.json("run", self.model, "--max-tokens", "9", *few, "--", "--seed", "-x")["ids"]), 2)

    def test_a_minus_is_text_where_text_is_wanted(self):
        self.output("run", self.model, "-1 + 2", "--max-tokens", "2")

    def chat_failure(self, *words):
        # On a terminal without a prompt, which `script` is.
        import pty
        master, slave = pty.openpty()
        done = subprocess.run([PROGRAM, "run", self.model, *words], stdin=slave, capture_output=True, text=True, env=self.environment,
                              timeout=60)
        os.close(slave)
        os.close(master)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        return done.stderr

    # prompts: status 2

    def test_an_empty_prompt(self):
        for words, stdin in ((["run", self.model, ""], None), (["run", self.model], b""), (["run", self.model, "  "], b" \n")):
            self.assertIn("prompt: is empty", self.failure(2, *words, stdin=stdin))

    def test_text_that_is_not_utf8(self):
        for words in (["run", self.model], ["run", self.model, "--raw"], ["tokenize", self.model], ["perplexity", self.model, "-"]):
            message = self.failure(2, *words, stdin=b"good \xff bad")
            self.assertRegex(message, r"is not UTF-8: byte 5 is 0xFF")
        self.assertIn("is not UTF-8", self.failure(2, "run", self.model, b"\xe4"))
        self.assertIn("is not UTF-8", self.failure(2, "run", self.model, "x", "--system", b"\xe4"))
        self.assertIn("is not UTF-8", self.failure(2, "run", self.model, "x", "--stop", b"\xe4"))

    def test_a_prompt_over_the_context(self):
        message = self.failure(2, "run", self.model, "x" * 300)
        numbers = list(map(int, re.findall(r"\d+", message)))
        self.assertIn(128, numbers)
        self.assertGreater(max(numbers), 300)
        message = self.failure(2, "logits", self.model, "--ids", "-", "--out", "x", stdin=str([list(range(200))]).encode())
        self.assertRegex(message, r"200 tokens, the model's context 128")

    # models: status 3 and 4

    def test_a_missing_file_with_near_names(self):
        self.assertRegex(self.failure(3, "run", "./tny.gguf", "x"), r"no such file; did you mean .*tiny\.gguf")
        self.assertIn("no such file", self.failure(3, "show", "/nowhere/model.gguf"))
        self.assertIn("no such file", self.failure(3, "inspect", "missing.safetensors"))
        self.assertIn("no such file", self.failure(3, "perplexity", self.model, "missing.txt"))

    def test_a_truncated_file(self):
        data = self.bytes_of_model()
        for size in (0, 3, 20, 1000, len(data) // 2, len(data) - 1):
            path = self.folder / "cut.gguf"
            path.write_bytes(data[:size])
            for words in (["run", path, "x"], ["inspect", path], ["tokenize", path]):
                self.assertIn("cut.gguf", self.failure(4, *words))

    def test_an_architecture_that_is_not_supported_is_named(self):
        strange = self.make_model("strange.gguf", architecture="platypus")
        self.assertIn("platypus is not supported", self.failure(4, "run", strange, "x"))
        self.assertIn("platypus", self.output("inspect", strange).decode())

    def test_a_directory_and_other_things_that_are_no_model(self):
        (self.folder / "empty").mkdir(exist_ok=True)
        self.assertRegex(self.failure(4, "run", "./empty", "x"), r"is a directory without config\.json")
        (self.folder / "notes.gguf").write_text("just words")
        self.assertIn("notes.gguf", self.failure(4, "run", "notes.gguf", "x"))
        self.assertIn("/dev/null", self.failure(4, "run", "/dev/null", "x"))
        os.mkfifo(self.folder / "pipe")
        for words in (["run", "./pipe", "x"], ["inspect", "pipe"], ["import", "pipe"]):
            self.assertIn("is a pipe", self.failure(4, *words))
        self.assertIn("is a directory", self.failure(2, "perplexity", self.model, "empty"))
        folder = self.folder / "mistral"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text('{"architectures": ["PlatypusForCausalLM"]}')
        self.assertIn("PlatypusForCausalLM", self.failure(4, "run", "./mistral", "x"))

    def test_a_damaged_batch_or_list_of_ids(self):
        for text, words in (("[[1, 2", r"line 1"), ("[[1, -5]]", "token -5"), ("[[1, 1.5]]", "expected a whole number"),
                            ('{"a": 1}', "expected an array"), ("[[]]", "list 0 is empty"), ("[[99999999999]]", "no token id")):
            self.assertRegex(self.failure(2, "logits", self.model, "--ids", "-", "--out", "x", stdin=text.encode()), words)
        for text, words in (('{"ids": [[1, 2]]}', "labels: is missing"), ('{"ids": [[1, 2]], "labels": [[1]]}', "2 ids and 1 labels"),
                            ('{"ids": [[1, 2]], "labels": [[-100, -100]]}', "no token is scored"),
                            ('{"ids": [[1, 2]], "labels": [[1, 2]], "types": [[0, 7]]}', "types: .*token 7"),
                            ('{"ids": [[1]], "labels": [[1]], "weights": [[0]]}', "weights: is not known")):
            self.assertRegex(self.failure(2, "gradients", self.model, "--batch", "-", "--out", "x", stdin=text.encode()), words)

    def test_messages_that_a_template_cannot_take(self):
        for text in ("[", "{}", '{"messages": 5}', "7"):
            self.failure(2, "template", self.model, "--messages", "-", stdin=text.encode())

    # disk and memory: status 6

    def test_no_room_on_the_disk(self):
        script = ('mkdir -p small && mount -t tmpfs -o size=64k none small && '
                  f'"{PROGRAM}" logits "$1" --ids "$2" --out small/out.safetensors; status=$?; ls small; exit $status')
        ids = self.folder / "many.json"
        ids.write_text(str([list(range(100))]))
        command = ["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", self.model, str(ids)]
        if subprocess.run(["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=self.environment, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (6, ""), done.stderr)  # no half of a file is left
        self.assertRegex(done.stderr, r"^kinglet: small/out\.safetensors: cannot be written: No space left on device; .*\n$")

    def test_a_context_that_memory_does_not_hold(self):
        huge = self.make_model("huge.gguf", context=1 << 28)
        message = self.failure(6, "run", huge, "x", "--context", 1 << 28)
        self.assertRegex(message, r"need \d+ bytes, \d+ are free|needs \d+ bytes")

    # home

    def test_a_home_that_is_said(self):
        other = self.folder / "elsewhere"
        self.assertIn("NAME", self.run_program("list", "--home", other).stdout.decode())
        nowhere = {"HOME": "", "KINGLET_HOME": ""}
        self.assertIn("HOME is not set", self.failure(2, "list", environment=nowhere))
        # What needs no state goes on without.
        self.assertEqual(self.output("help", "run", environment=nowhere), self.output("help", "run"))
        self.assertEqual(self.output("tokenize", self.model, stdin=b"hello", environment=nowhere), b"259\n")


if __name__ == "__main__":
    unittest.main()
