"""kinglet run on a terminal: the chat, through a pseudo-terminal."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest

from program import PROGRAM, ProgramTest

PROMPT = ">>> "


class Terminal:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, words, environment, cwd):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=cwd,
                                        start_new_session=True, preexec_fn=self._take_terminal)
        os.close(slave)
        self.text = ""

    @staticmethod
    def _take_terminal():
        # The terminal that Ctrl-C is typed on is the process's own.
        import fcntl
        import termios
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def type(self, text):
        os.write(self.master, text.encode())

    def read_until(self, pattern, seconds=60):
        """What came up to and with the pattern, without escape sequences."""
        end = time.monotonic() + seconds
        while True:
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)
            match = re.search(pattern, plain)
            if match:
                self.text = plain[match.end():]
                return plain[:match.end()]
            if time.monotonic() > end or not self._read(0.1):
                raise AssertionError(f"no {pattern!r} in {self.text!r}")

    def _read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def wait(self):
        while self._read(0.1) and self.process.poll() is None:
            pass
        status = self.process.wait(60)
        os.close(self.master)
        return status


class Chat(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model(context=4096)

    def start(self, *words, model=None):
        terminal = Terminal([PROGRAM, "run", model or self.model, "--max-tokens", "8", "--temperature", "0", *words],
                            self.environment, self.folder)
        self.addCleanup(lambda: terminal.process.poll() is None and terminal.process.kill())
        terminal.read_until(PROMPT)
        return terminal

    def test_answers_until_the_person_leaves(self):
        terminal = self.start()
        terminal.type("hello\n")
        terminal.read_until(PROMPT)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)
        terminal = self.start()
        terminal.type("\x04")
        self.assertEqual(terminal.wait(), 0)

    def test_help_names_every_command(self):
        terminal = self.start()
        terminal.type("/?\n")
        text = terminal.read_until(PROMPT)
        for command in ("/set", "/show", "/load", "/save", "/clear", "/bye", '"""'):
            self.assertIn(command, text)
        for topic, words in (("set", "temperature"), ("show", "/show template"), ("keys", "Ctrl-D")):
            terminal.type(f"/? {topic}\n")
            self.assertIn(words, terminal.read_until(PROMPT))
        terminal.type("/sohw info\n")
        self.assertIn("did you mean /show?", terminal.read_until(PROMPT))
        terminal.type("/exit\n")
        self.assertEqual(terminal.wait(), 0)

    def test_the_conversation_goes_on_and_is_forgotten(self):
        terminal = self.start("--verbose")

        def prompt_tokens(message):
            terminal.type(message + "\n")
            count = re.search(r"prompt eval count:\s+(\d+)", terminal.read_until(r"eval rate: +[\d.]+ tokens/s\s+eval count[^>]*" + PROMPT))
            return int(count.group(1))

        first = prompt_tokens("hello")
        self.assertGreater(prompt_tokens("hello"), 0)
        terminal.type("/clear\n")
        terminal.read_until(PROMPT)
        # What is the same as before is found in the prefix cache in whole pages, so no more than at first is run.
        self.assertLessEqual(prompt_tokens("hello"), first)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_a_message_of_several_lines(self):
        terminal = self.start()
        terminal.type('"""first\n')
        terminal.read_until(r"\.\.\. ")
        terminal.type("second\n")
        terminal.read_until(r"\.\.\. ")
        terminal.type('third"""\n')
        terminal.read_until(PROMPT)
        # Pasted text stays one message.
        terminal.type("\x1b[200~one\ntwo\x1b[201~")
        terminal.read_until("two")
        terminal.type("\n")
        terminal.read_until(PROMPT)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_settings_are_set_and_shown(self):
        terminal = self.start()
        for typed, shown in (("/set parameter seed 42", "Set seed to 42"), ("/show parameters", r"seed\s+42"),
                             ("/set parameter num_ctx 64", "Set num_ctx to 64"), ("/set parameter warmth 3", "no such parameter"),
                             ("/set parameter temperature hot", "is not a number"),
                             ("/set system Be brief.", "Set the system message"), ("/show system", r"Be brief\."),
                             ("/show info", r"context length\s+4096"), ("/show template", "for message in messages"),
                             ("/show license", "apache"), ("/set verbose", "Timings follow"), ("/set quiet", "Timings are off")):
            terminal.type(typed + "\n")
            self.assertRegex(terminal.read_until(r"\n" + PROMPT), shown, typed)
        terminal.type("x " * 100 + "\n")
        self.assertRegex(terminal.read_until(r"\n" + PROMPT), r"prompt: \d+ tokens leave no room in a context of 64")
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_ctrl_c_stops_the_answer_not_the_chat(self):
        terminal = self.start("--max-tokens", "4000", "--ignore-eos", "--isa", "scalar", "--threads", "1",
                              model=self.make_model("long.gguf", context=1 << 17))
        terminal.type("/set parameter num_predict 100000\n")
        terminal.read_until(r"\n" + PROMPT)
        terminal.type("/set parameter num_ctx 120000\n")
        terminal.read_until(r"\n" + PROMPT)
        terminal.type("hello\n")
        time.sleep(0.5)
        terminal.type("\x03")
        terminal.read_until(PROMPT, 20)
        # While a line is typed it drops the line.
        terminal.type("half a li")
        terminal.type("\x03")
        self.assertIn("Ctrl-D or /bye", terminal.read_until(PROMPT))
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_end_tokens_are_ignored_when_asked_for(self):
        words = ("hello", "--temperature", "0", "--max-tokens", "8", "--json")
        free = self.json("run", self.model, *words, "--ignore-eos")["ids"]
        model = self.make_model("ends.gguf", context=4096, eos=free[2])
        for option, n_tokens in (("--verbose", free.index(free[2]) + 1), ("--ignore-eos", 8)):
            terminal = self.start("--verbose", option, model=model)
            terminal.type("hello\n")
            said = terminal.read_until(r"eval rate: +[\d.]+ tokens/s\s+eval count[^>]*" + PROMPT)
            # The end token is counted where it ends the answer.
            self.assertIn(int(re.search(r"\neval count: +(\d+)", said.replace("\r", "")).group(1)), (n_tokens, n_tokens - (n_tokens < 8)))
            terminal.type("/bye\n")
            self.assertEqual(terminal.wait(), 0)

    def test_another_model_is_loaded(self):
        self.make_model("other.gguf", context=256)
        terminal = self.start()
        terminal.type("/load ./other.gguf\n")
        self.assertIn("Loaded ./other.gguf", terminal.read_until(r"\n" + PROMPT))
        terminal.type("/show info\n")
        self.assertRegex(terminal.read_until(r"\n" + PROMPT), r"context length\s+256")
        terminal.type("/load ./missing.gguf\n")
        self.assertIn("no such file", terminal.read_until(r"\n" + PROMPT))
        terminal.type("hello\n")
        terminal.read_until(PROMPT)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_messages_have_no_control_characters(self):
        (self.folder / "other\x1b.gguf").write_bytes(b"")
        terminal = self.start()
        terminal.type("/load ./othex.gguf\n")
        self.assertIn("./other\ufffd.gguf", terminal.read_until(r"mean [^?]*\?"))
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_lines_are_remembered_and_nobody_else_reads_them(self):
        terminal = self.start()
        terminal.type("a line to find\n")
        terminal.read_until(PROMPT)
        terminal.process.send_signal(signal.SIGHUP)  # the window is closed
        self.assertNotEqual(terminal.wait(), 0)
        history = self.home / "history"
        self.assertIn("find", history.read_text())
        self.assertEqual(history.stat().st_mode & 0o777, 0o600)
        terminal = self.start()
        terminal.type("\x1b[A\x1b[A")
        terminal.read_until("a line to find")
        terminal.type("\x03")
        terminal.read_until(PROMPT)
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_one_answer_on_a_terminal(self):
        words = ["run", self.model, "hello", "--max-tokens", "200", "--temperature", "2", "--seed", "1", "--ignore-eos"]
        # A random model says control characters too; they are in the text, and not for the terminal.
        self.assertRegex(self.output(*words).decode(), r"[\x00-\x08\x0b-\x1f]")
        terminal = Terminal([PROGRAM, *words, "-q"], self.environment, self.folder)
        self.assertEqual(terminal.wait(), 0)
        self.assertNotRegex(terminal.text.replace("\r\n", "\n"), r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


if __name__ == "__main__":
    unittest.main()
