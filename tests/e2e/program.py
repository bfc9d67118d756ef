"""Runs the built program in a home of its own, for the tests beside this file. Needs Python's own library alone."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["KINGLET"]
MAKE_MODEL = os.environ["KINGLET_MAKE_MODEL"]
LONGEST_S = 120


class ProgramTest(unittest.TestCase):
    """A folder and an empty home for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="kinglet-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.home = cls.folder / "home"
        cls.environment = {"PATH": os.environ["PATH"], "HOME": str(cls.folder), "KINGLET_HOME": str(cls.home),
                           "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        # Of the build with sanitizers: memory that is not there is an answer, and what libraries never free is not ours.
        cls.environment["ASAN_OPTIONS"] = cls.environment["TSAN_OPTIONS"] = "allocator_may_return_null=1"
        cls.environment["LSAN_OPTIONS"] = f"suppressions={pathlib.Path(__file__).with_name('leaks.supp')}:print_suppressions=0"

    @classmethod
    def make_model(cls, name="tiny.gguf", **options):
        path = cls.folder / name
        subprocess.run([MAKE_MODEL, path, *(f"{key}={value}" for key, value in options.items())], check=True)
        return str(path)

    def run_program(self, *words, stdin=b"", environment=None, **more):
        """The finished process; stdin None: closed, as of a program that is run without one."""
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run([PROGRAM, *(word if isinstance(word, bytes) else str(word) for word in words)], capture_output=True, timeout=LONGEST_S, cwd=self.folder,
                              env={**self.environment, **(environment or {})}, **source, **more)

    def output(self, *words, **more):
        """Standard output of a command that succeeds and says nothing else."""
        done = self.run_program(*words, **more)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ""), words)
        return done.stdout

    def json(self, *words, **more):
        return json.loads(self.output(*words, **more))

    def failure(self, status, *words, **more):
        """The message of a command that fails: one line behind "kinglet: ", and nothing on standard output."""
        done = self.run_program(*words, **more)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, status, (words, message))
        self.assertEqual(done.stdout, b"", words)
        self.assertTrue(message.startswith("kinglet: "), message)
        self.assertEqual(message.count("\n"), 1, message)
        self.assertTrue(message.endswith("\n"), message)
        return message[len("kinglet: "):-1]


def read_safetensors(path):
    """name -> (shape, values) of a file of F32 tensors."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    return tensors
