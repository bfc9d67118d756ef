"""Runs `kinglet serve` on a free port of loopback, for the tests beside this file."""
import http.client
import json
import re
import signal
import subprocess
import threading

from program import LONGEST_S, PROGRAM, ProgramTest


class ServerTest(ProgramTest):
    """A server for all tests of a class, with the tiny model under the name tiny:latest."""
    options = ()
    context = 128

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prepare()
        cls.process = subprocess.Popen([PROGRAM, "serve", "--port", "0", *cls.options], cwd=cls.folder,
                                       env=cls.environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.stop)
        cls.said = []
        for line in cls.process.stderr:
            cls.said.append(line.decode())
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", cls.said[-1])
            if found:
                cls.port = int(found[1])
                break
        else:
            raise AssertionError("the server does not start: " + "".join(cls.said))
        # What it says later must not fill the pipe.
        cls.reader = threading.Thread(target=lambda: cls.said.extend(line.decode() for line in cls.process.stderr))
        cls.reader.start()

    @classmethod
    def prepare(cls):
        model = cls.make_model(context=cls.context)
        subprocess.run([PROGRAM, "import", "-q", model, "tiny"], cwd=cls.folder, env=cls.environment, check=True)

    @classmethod
    def stop(cls):
        if cls.process.poll() is None:
            cls.process.send_signal(signal.SIGTERM)
            try:
                cls.process.wait(LONGEST_S)
            except subprocess.TimeoutExpired:
                cls.process.kill()
                cls.process.wait()
        cls.reader.join()
        cls.process.stdout.close()
        cls.process.stderr.close()

    @classmethod
    def tearDownClass(cls):
        cls.stop()
        text = "".join(cls.said)
        assert cls.process.returncode == 0, (cls.process.returncode, text)
        assert "Sanitizer" not in text, text
        super().tearDownClass()

    def exchange(self, method, path, body=None, headers=None):
        """(status, headers, bytes) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_S)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if isinstance(body, str):
                body = body.encode()
            usual = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body=body, headers={**usual, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, status=200, headers=None):
        """The document that a request is answered with."""
        got, _, data = self.exchange(method, path, body, headers)
        self.assertEqual(got, status, (path, body, data))
        return json.loads(data) if data else None

    def post(self, path, body, status=200):
        return self.ask("POST", path, body, status)

    def lines(self, path, body):
        """What a stream of lines says."""
        status, headers, data = self.exchange("POST", path, body)
        self.assertEqual(status, 200, data)
        self.assertEqual(headers["Content-Type"], "application/x-ndjson")
        return [json.loads(line) for line in data.splitlines()]

    def events(self, path, body):
        """What a stream of server-sent events says: (event or None, document or text)."""
        status, headers, data = self.exchange("POST", path, body)
        self.assertEqual(status, 200, data)
        self.assertEqual(headers["Content-Type"], "text/event-stream")
        self.assertTrue(data.endswith(b"\n\n"), data[-100:])
        events = []
        for block in data.decode().split("\n\n")[:-1]:
            name, text = None, None
            for line in block.split("\n"):
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    text = line[6:]
            events.append((name, json.loads(text) if text and text[0] in "{[" and text != "[DONE]" else text))
        return events
