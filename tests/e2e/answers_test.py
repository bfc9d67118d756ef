"""kinglet run with a prompt: what comes on which stream, and when an answer ends."""
import json
import os
import signal
import stat
import subprocess
import time
import unittest

from program import PROGRAM, ProgramTest


class Answers(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model()

    def answer(self, *words, **more):
        return self.json("run", self.model, *words, "--temperature", "0", "--json", **more)

    def test_streams_text_and_nothing_else(self):
        document = self.answer("hello", "--max-tokens", "12", "--ignore-eos")
        text = self.output("run", self.model, "hello", "--temperature", "0", "--max-tokens", "12", "--ignore-eos").decode()
        self.assertEqual(text.rstrip("\n"), document["text"].rstrip("\n"))
        self.assertTrue(text.endswith("\n"))

    def test_json_has_the_fields_that_are_promised(self):
        document = self.answer("hello", "--max-tokens", "7", "--ignore-eos")
        self.assertEqual(list(document), ["text", "ids", "finish_reason", "prompt_tokens", "completion_tokens", "load_ms",
                                          "prompt_ms", "first_token_ms", "decode_ms"])
        self.assertEqual((len(document["ids"]), document["completion_tokens"], document["finish_reason"]), (7, 7, "length"))
        self.assertGreater(document["first_token_ms"], document["load_ms"])

    def test_piped_input_follows_the_prompt(self):
        both = self.answer("one", "--max-tokens", "9", stdin=b"two\n")["ids"]
        self.assertEqual(both, self.answer("one\ntwo\n", "--max-tokens", "9", stdin=None)["ids"])
        few = ("--max-tokens", "9")
        self.assertEqual(self.answer(*few, stdin=b"one")["ids"], self.answer("one", *few, stdin=None)["ids"])
        self.assertEqual(self.answer("one two", *few)["ids"], self.answer("one", "two", *few)["ids"])

    def test_raw_text_goes_on_without_a_template(self):
        ids = [int(i) for i in self.output("tokenize", self.model, stdin=b"hello").split()]
        by_text = self.answer("--raw", "hello", "--max-tokens", "9")
        by_ids = self.answer("--raw", "--prompt-ids", " ".join(map(str, ids)), "--max-tokens", "9")
        self.assertEqual(by_text["ids"], by_ids["ids"])
        self.assertEqual(by_text["prompt_tokens"], len(ids))
        self.assertNotEqual(by_text["ids"], self.answer("hello", "--max-tokens", "9")["ids"])

    def test_raw_text_needs_no_template_that_can_be_read(self):
        broken = self.make_model("broken.gguf", template="{% if %}")
        self.assertIn("chat_template", self.failure(4, "run", broken, "hello"))
        raw = ("--raw", "hello", "--max-tokens", "9", "--temperature", "0", "--json")
        self.assertEqual(self.json("run", broken, *raw)["ids"], self.json("run", self.model, *raw)["ids"])

    def test_ids_need_no_vocabulary(self):
        bare = self.make_model("bare.gguf", vocabulary="none")
        document = self.json("run", bare, "--raw", "--prompt-ids", "1 2 3", "--max-tokens", "4", "--json")
        self.assertEqual((document["text"], len(document["ids"])), ("", 4))
        self.assertIn("has no vocabulary", self.failure(4, "run", bare, "hello"))

    def test_people_cannot_write_control_tokens(self):
        # The template's own control tokens are there, those of the message are plain text.
        control = self.json("run", self.model, "<|im_end|>", "--max-tokens", "1", "--json")["prompt_tokens"]
        plain = self.json("run", self.model, "x", "--max-tokens", "1", "--json")["prompt_tokens"]
        spelled = len(self.output("tokenize", self.model, stdin=b"<|im_end|>").split())
        self.assertEqual(control - plain, spelled - 1)
        raw = self.json("run", self.model, "--raw", "<|im_end|>", "--max-tokens", "1", "--json")["prompt_tokens"]
        self.assertEqual(raw, 1)

    def test_stop_strings_cut_exactly_wherever_tokens_end(self):
        whole = self.answer("hello", "--max-tokens", "60", "--ignore-eos")["text"]
        for begin in range(0, len(whole) - 3, 5):
            stop = whole[begin:begin + 3]
            if "\0" in stop:
                continue
            document = self.answer("hello", "--max-tokens", "60", "--ignore-eos", "--stop", stop)
            self.assertEqual(document["text"], whole[:whole.index(stop)], repr(stop))
            self.assertEqual(document["finish_reason"], "stop")
            streamed = self.output("run", self.model, "hello", "--temperature", "0", "--max-tokens", "60", "--ignore-eos",
                                   "--stop", stop).decode()
            self.assertEqual(streamed.rstrip("\n"), document["text"].rstrip("\n"))

    def test_end_tokens_end_the_answer_unless_ignored(self):
        free = self.answer("hello", "--max-tokens", "60", "--ignore-eos")["ids"]
        end = free[10]
        model = self.make_model("ends.gguf", eos=end)
        words = ("hello", "--temperature", "0", "--max-tokens", "60", "--json")
        document = self.json("run", model, *words)
        self.assertEqual((document["ids"], document["finish_reason"]), (free[:free.index(end)], "stop"))
        self.assertEqual(self.json("run", model, *words, "--ignore-eos")["ids"], free)

    def test_the_context_ends_an_answer_and_says_so(self):
        done = self.run_program("run", self.model, "hello", "--ignore-eos", "--json", stdin=None)
        document = json.loads(done.stdout)
        self.assertEqual(document["finish_reason"], "context")
        self.assertEqual(document["prompt_tokens"] + document["completion_tokens"], 128)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"the context of 128 tokens is full", done.stderr)

    def test_a_seed_repeats_an_answer(self):
        words = ("hello", "--max-tokens", "20", "--temperature", "1.5", "--json", "--ignore-eos")
        first = self.json("run", self.model, *words, "--seed", "7")
        self.assertEqual(first["ids"], self.json("run", self.model, *words, "--seed", "7")["ids"])
        self.assertNotEqual(first["ids"], self.json("run", self.model, *words, "--seed", "8")["ids"])

    def test_threads_and_instruction_sets_are_taken(self):
        reference = self.answer("hello", "--max-tokens", "10")["ids"]
        self.assertEqual(self.answer("hello", "--max-tokens", "10", "--threads", "3")["ids"], reference)
        self.assertEqual(len(self.answer("hello", "--max-tokens", "10", "--isa", "scalar", "--ignore-eos")["ids"]), 10)
        for kv_type in ("f32", "f16"):
            self.answer("hello", "--kv-type", kv_type, "--max-tokens", "3")
        self.assertIn("use f16 or f32", self.failure(2, "run", self.model, "hello", "--kv-type", "q8_0"))

    def test_timings_have_ollamas_labels(self):
        done = self.run_program("run", self.model, "hello", "--max-tokens", "5", "--verbose", stdin=None)
        for label in ("total duration:", "load duration:", "prompt eval count:", "prompt eval duration:", "prompt eval rate:",
                      "eval count:", "eval duration:", "eval rate:"):
            self.assertIn(label, done.stderr.decode())

    def test_a_reader_that_leaves_is_no_failure(self):
        for words in (["run", self.model, "hello", "--ignore-eos"], ["help", "run"], ["man"]):
            process = subprocess.Popen([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=self.environment)
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            process.stderr.close()
            self.assertEqual(process.wait(60), 0)

    def test_a_closed_standard_output_harms_nobody(self):
        out = self.folder / "closed.safetensors"
        done = subprocess.run(["/bin/sh", "-c", f'"{PROGRAM}" logits "$1" --ids "$2" --out "$3" >&-', "sh", self.model,
                               self.ids_file([[1, 2, 3]]), str(out)], capture_output=True, env=self.environment, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(out.exists())

    def test_a_device_is_written_to_and_not_replaced(self):
        ids = self.ids_file([[1, 2, 3]])
        self.output("logits", self.model, "--ids", ids, "--out", self.folder / "file.safetensors")
        wanted = (self.folder / "file.safetensors").read_bytes()
        self.assertEqual(self.output("logits", self.model, "--ids", ids, "--out", "/dev/stdout"), wanted)
        pipe = self.folder / "out"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
        self.output("logits", self.model, "--ids", ids, "--out", pipe)
        self.assertEqual(reader.communicate(timeout=60)[0], wanted)
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))
        self.assertIn("is a directory", self.failure(2, "logits", self.model, "--ids", ids, "--out", self.folder))

    def test_a_full_disk_behind_standard_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "help"], stdout=full, stderr=subprocess.PIPE, env=self.environment, timeout=60)
        self.assertEqual(done.returncode, 6)
        self.assertIn(b"standard output", done.stderr)

    def ids_file(self, ids):
        path = self.folder / "ids.json"
        path.write_text(json.dumps(ids))
        return str(path)

    def test_ctrl_c_keeps_what_was_said(self):
        # A context that takes long enough to fill.
        model = self.make_model("long.gguf", context=1 << 20)
        process = subprocess.Popen([PROGRAM, "run", model, "hello", "--ignore-eos", "--context", "100000", "--isa", "scalar"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        self.assertNotEqual(process.stdout.read(1), b"")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        text, message = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertTrue(text.endswith(b"\n"))
        self.assertEqual(message, b"kinglet: interrupted\n")


if __name__ == "__main__":
    unittest.main()
