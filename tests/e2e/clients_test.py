"""Programs of others, unmodified, against the server: the Python clients of OpenAI, Ollama and Anthropic."""
import json
import unittest

import anthropic
import ollama
import openai

from server import ServerTest

MESSAGES = [{"role": "user", "content": "hello"}]


class Clients(ServerTest):
    context = 1024  # random weights may put much white space between the parts of JSON

    def setUp(self):
        self.want = self.json("run", "tiny", "hello", "--temperature", "0", "--max-tokens", "12", "--json")
        self.base = f"http://127.0.0.1:{self.port}"

    def test_openai(self):
        client = openai.OpenAI(base_url=self.base + "/v1", api_key="none")
        self.assertIn("tiny:latest", [model.id for model in client.models.list()])
        self.assertEqual(client.models.retrieve("tiny:latest").object, "model")
        options = {"model": "tiny", "messages": MESSAGES, "temperature": 0, "max_completion_tokens": 12}
        whole = client.chat.completions.create(**options, logprobs=True, top_logprobs=2)
        self.assertEqual(whole.choices[0].message.content, self.want["text"])
        tokens = whole.choices[0].logprobs.content
        self.assertEqual(len(tokens), 12)
        for token in tokens:  # greedy: the likeliest one
            self.assertEqual((token.token, token.logprob), (token.top_logprobs[0].token, token.top_logprobs[0].logprob))
        parts = list(client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}))
        self.assertEqual("".join(part.choices[0].delta.content or "" for part in parts if part.choices),
                         self.want["text"])
        self.assertEqual(parts[-1].usage.completion_tokens, 12)
        text = client.completions.create(model="tiny", prompt="hello", max_tokens=0, echo=True, logprobs=0)
        self.assertEqual(text.choices[0].text, "hello")
        self.assertIsNone(text.choices[0].logprobs.token_logprobs[0])
        self.assertEqual(len(client.embeddings.create(model="tiny", input=["a", "b"]).data), 2)
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(model="nothing", messages=MESSAGES)
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="tiny", messages=MESSAGES, max_tokens=-1)
        self.assertEqual(caught.exception.param, "max_tokens")

    def test_openai_structured(self):
        client = openai.OpenAI(base_url=self.base + "/v1", api_key="none")
        schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9},
                                                   "word": {"enum": ["yes", "no"]}},
                  "required": ["n", "word"], "additionalProperties": False}
        for seed in range(5):
            whole = client.chat.completions.create(
                model="tiny", messages=MESSAGES, seed=seed, temperature=1.5,
                response_format={"type": "json_schema",
                                 "json_schema": {"name": "x", "strict": True, "schema": schema}})
            got = json.loads(whole.choices[0].message.content)
            self.assertEqual(set(got), {"n", "word"})
            self.assertIn(got["n"], range(10))
            self.assertIn(got["word"], ("yes", "no"))

    def test_ollama(self):
        client = ollama.Client(host=self.base)
        self.assertIn("tiny:latest", [model.model for model in client.list().models])
        options = {"model": "tiny", "options": {"temperature": 0, "num_predict": 12}}
        self.assertEqual(client.chat(messages=MESSAGES, **options).message.content, self.want["text"])
        self.assertEqual("".join(part.message.content for part in client.chat(messages=MESSAGES, stream=True, **options)),
                         self.want["text"])
        self.assertEqual(client.generate(prompt="hello", **options).response, self.want["text"])
        self.assertEqual(len(client.embed(model="tiny", input=["a", "b"]).embeddings), 2)
        self.assertIn("completion", client.show("tiny").capabilities)
        self.assertIn("tiny:latest", [model.model for model in client.ps().models])
        client.copy("tiny", "other")
        client.delete("other")
        with self.assertRaises(ollama.ResponseError) as caught:
            client.show("other")
        self.assertEqual(caught.exception.status_code, 404)

    def test_anthropic(self):
        client = anthropic.Anthropic(base_url=self.base, api_key="none")
        options = {"model": "tiny", "messages": MESSAGES, "max_tokens": 12, "extra_body": {"temperature": 0}}
        whole = client.messages.create(**options)
        self.assertEqual(whole.content[0].text, self.want["text"])
        self.assertEqual(whole.stop_reason, "max_tokens")
        with client.messages.stream(**options) as stream:
            self.assertEqual("".join(stream.text_stream), self.want["text"])
            self.assertEqual(stream.get_final_message().usage.output_tokens, 12)
        self.assertEqual(client.messages.count_tokens(model="tiny", messages=MESSAGES).input_tokens,
                         self.want["prompt_tokens"])
        with self.assertRaises(anthropic.NotFoundError):
            client.messages.create(**{**options, "model": "nothing"})


if __name__ == "__main__":
    unittest.main()
