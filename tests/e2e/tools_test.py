"""kinglet run with tools: what a model calls is shown, or done by MCP servers after asking; thoughts apart from answers.

The models here write what they were made to write, so that the program around them can be checked."""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import unittest

from chat_test import Terminal
from program import PROGRAM, ProgramTest
from server import ServerTest

SERVER = pathlib.Path(__file__).with_name("mcp_server.py")
# <tool_call> and </think> show how the model replies. Behind a tool's answer the prompt ends with another token.
TEMPLATE = ("{# <tool_call> </think> #}{{ tools | tojson if tools }}{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}"
            "{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}\n{% endfor %}"
            "{% endfor %}{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}"
            "{{ '<|endoftext|>' if messages[-1].role == 'tool' else '<|im_start|>' }}")
CALL = '<think>\nHm.\n</think>\nLet me see.\n<tool_call>\n{"name": "add", "arguments": {"a": 2, "b": 3}}\n</tool_call>'
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}}}]


class Tools(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.make_model("says.gguf", context=2048, template=TEMPLATE, says=CALL + "|||It is 5.")
        cls.tools = cls.folder / "tools.json"
        cls.tools.write_text(json.dumps(TOOLS))
        cls.config = cls.folder / "mcp.json"
        cls.write_config(cls.config)

    @classmethod
    def write_config(cls, path, *more, **entry):
        server = {"command": sys.executable, "args": ["-B", str(SERVER), *more], **entry}
        path.write_text(json.dumps({"mcpServers": {"test": server}}))

    def test_calls_and_thoughts_are_shown(self):
        done = self.run_program("run", self.model, "2+3", "--tools", self.tools)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode(),
                         'Let me see.\n{"name":"add","arguments":{"a":2,"b":3}}\n')
        self.assertEqual(done.stderr.decode(), "Hm.\n")

    def test_json_has_them_apart(self):
        done = self.run_program("run", self.model, "2+3", "--tools", self.tools, "--json", "-q")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        document = json.loads(done.stdout)
        self.assertEqual((document["text"], document["thinking"]), ("Let me see.", "Hm."))
        (call,) = document["tool_calls"]
        self.assertRegex(call["id"], "^call_[0-9A-Za-z]{24}$")
        self.assertEqual(call["function"], {"name": "add", "arguments": {"a": 2, "b": 3}})

    def test_without_tools_nothing_is_a_call(self):
        done = self.run_program("run", self.model, "2+3", "--think", "-q")
        self.assertEqual(done.stdout.decode(), CALL.split("</think>\n")[1] + "\n")
        self.assertIn("<think>", self.output("run", self.model, "2+3").decode())

    def test_thinking_is_said_to_the_template(self):
        tokens = [self.json("run", self.model, "x", *words, "--json", "-q")["prompt_tokens"]
                  for words in (["--think"], ["--no-think"])]
        self.assertEqual(tokens[1] - tokens[0], 1, "False is a letter longer than True")

    def test_an_mcp_server_does_what_is_allowed(self):
        done = self.run_program("run", self.model, "2+3", "--mcp", self.config, "--allow-tool", "add", "-q")
        self.assertEqual(done.stderr.decode(), "")
        self.assertEqual(done.stdout.decode(), "Let me see.\nIt is 5.\n")
        with sqlite3.connect(self.home / "kinglet.db") as database:
            rows = [row for row in database.execute("SELECT * FROM ledger") if "(program)" in row]
        self.assertTrue(rows and any("MCP test: " + sys.executable in row for row in rows), rows)

    def test_nobody_to_ask_is_a_refusal(self):
        done = self.run_program("run", self.model, "2+3", "--mcp", self.config, "-q", start_new_session=True)
        self.assertEqual(done.returncode, 5)
        self.assertEqual(done.stderr.decode(), "kinglet: add: the model wants to call it, and there is nobody to ask; "
                                               "--allow-tool add allows it\n")

    def test_a_person_is_asked(self):
        for answer, prompt in (("y", "It is 5."), ("n", "It is 5.")):
            terminal = Terminal([PROGRAM, "run", self.model, "2+3", "--mcp", str(self.config)], self.environment, self.folder)
            self.addCleanup(lambda t=terminal: t.process.poll() is None and t.process.kill())
            asked = terminal.read_until(r"\[a\]lways: ")
            self.assertIn('Call add of test with {"a": 2, "b": 3}? [y]es, [N]o, [a]lways: ', asked.replace("\r", ""))
            terminal.type(answer + "\n")
            terminal.read_until(prompt)
            self.assertEqual(terminal.wait(), 0)

    def test_the_chat_has_tools_too(self):
        terminal = Terminal([PROGRAM, "run", self.model, "--mcp", str(self.config), "--allow-tool", "*"],
                            self.environment, self.folder)
        self.addCleanup(lambda: terminal.process.poll() is None and terminal.process.kill())
        terminal.read_until(">>> ")
        terminal.type("2+3\n")
        self.assertIn("Let me see.", terminal.read_until(r"It is 5\."))
        terminal.read_until(">>> ")
        terminal.type("/bye\n")
        self.assertEqual(terminal.wait(), 0)

    def test_a_server_that_fails_at_a_call_does_not_end_the_chat(self):
        config = self.folder / "dies.json"
        self.write_config(config, "--mode", "dies")
        done = self.run_program("run", self.model, "2+3", "--mcp", config, "--allow-tool", "*")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.decode().endswith("It is 5.\n"))
        self.assertIn("MCP server test: the program has ended", done.stderr.decode())

    def test_what_cannot_be_read_is_said(self):
        bad = self.folder / "bad.json"
        for content, status, message in (
                ("{", 2, "bad.json: line 1"), ("{}", 2, "mcpServers: is missing"),
                ('{"mcpServers": {"x": {"command": "/no/such"}}}', 3, "/no/such: No such file or directory"),
                ('{"mcpServers": {"x": {"url": "http://127.0.0.1:1/"}}}', 1, "127.0.0.1")):
            bad.write_text(content)
            self.assertIn(message, self.failure(status, "run", self.model, "x", "--mcp", bad))
        bad.write_text('[{"name": ""}]')
        self.assertIn("a name is empty", self.failure(2, "run", self.model, "x", "--tools", bad))
        self.assertIn("--raw", self.failure(2, "run", self.model, "x", "--raw", "--think"))
        self.assertIn("one of both", self.failure(2, "run", self.model, "x", "--no-think", "--think"))

    def test_offline_reaches_no_server(self):
        config = self.folder / "web.json"
        config.write_text('{"mcpServers": {"x": {"url": "https://mcp.example/"}}}')
        self.failure(5, "run", self.model, "x", "--mcp", config, "--offline")


class ServedTools(ServerTest):
    @classmethod
    def prepare(cls):
        super().prepare()
        for name, options in (("says", {"says": CALL + "|||It is 5."}), ("free", {})):
            model = cls.make_model(name + ".gguf", context=2048, template=TEMPLATE, **options)
            subprocess.run([PROGRAM, "import", "-q", model, name], cwd=cls.folder, env=cls.environment, check=True)

    def test_calls_and_thoughts_are_parts_of_an_answer(self):
        body = {"model": "says", "messages": [{"role": "user", "content": "2+3"}], "tools": TOOLS}
        (choice,) = self.post("/v1/chat/completions", body)["choices"]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        message = choice["message"]
        self.assertEqual((message["content"], message["reasoning_content"]), ("Let me see.", "Hm."))
        (call,) = message["tool_calls"]
        self.assertEqual((call["function"]["name"], json.loads(call["function"]["arguments"])), ("add", {"a": 2, "b": 3}))
        messages = body["messages"] + [message, {"role": "tool", "tool_call_id": call["id"], "content": "5"}]
        (choice,) = self.post("/v1/chat/completions", {**body, "messages": messages})["choices"]
        self.assertEqual((choice["finish_reason"], choice["message"]["content"]), ("stop", "It is 5."))

    def test_a_call_that_is_required_is_one(self):
        """Of a model with random weights, which says anything else when it is free to."""
        tools = [{"type": "function", "function": {"name": name, "parameters": {
            "type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"],
            "additionalProperties": False}}} for name in ("paint", "mix")]
        for wanted in ("required", {"type": "function", "function": {"name": "mix"}}):
            for seed in range(5):
                (choice,) = self.post("/v1/chat/completions", {
                    "model": "free", "messages": [{"role": "user", "content": "x"}], "tools": tools, "seed": seed,
                    "tool_choice": wanted, "parallel_tool_calls": False, "max_tokens": 400})["choices"]
                (call,) = choice["message"]["tool_calls"]
                self.assertIn(call["function"]["name"], ("mix",) if wanted != "required" else ("paint", "mix"))
                self.assertIn(json.loads(call["function"]["arguments"])["colour"], ("red", "green"))
                self.assertFalse(choice["message"].get("content"))


if __name__ == "__main__":
    unittest.main()
