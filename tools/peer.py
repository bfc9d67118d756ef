"""llama.cpp as a judge: its library of one build (tools/build_peers), through the declarations of the Python package.

One build a process. Imported by tools/judge_peer and tools/judge_families. Needs numpy.
"""
import ctypes
import importlib.util
import os
import sys
import types

import numpy

THREADS = 1  # its threads wait by spinning, which crawls where something else runs; the numbers are the same


def load_peer(peers, build):
    package = next(peers.glob("llama_cpp_python-*")) / "llama_cpp"
    os.environ["LLAMA_CPP_LIB_PATH"] = str(peers / build / "bin")
    shell = types.ModuleType("llama_cpp")
    shell.__path__ = [str(package)]
    sys.modules["llama_cpp"] = shell
    spec = importlib.util.spec_from_file_location("llama_cpp.llama_cpp", package / "llama_cpp.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["llama_cpp.llama_cpp"] = module
    spec.loader.exec_module(module)
    return module


class Peer:
    def __init__(self, peers, build, model, context=2048, plain_keys=False, pooling=None):
        """With a pooling (llama.cpp's number of it) for rows and scores instead of logits, in f32 throughout."""
        self.lib = load_peer(peers, build)
        messages = []
        silent = self.lib.llama_log_callback(lambda level, text, data: messages.append(text.decode(errors="replace").strip()))
        self.silent = silent
        self.lib.llama_log_set(silent, ctypes.c_void_p(0))
        self.lib.llama_backend_init()
        self.model = self.lib.llama_model_load_from_file(str(model).encode(), self.lib.llama_model_default_params())
        if not self.model:
            raise RuntimeError(f"llama.cpp does not load {model}: " + " | ".join(messages[-3:]))
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        self.n_vocab = self.lib.llama_vocab_n_tokens(self.vocab)
        params = self.lib.llama_context_default_params()
        params.n_ctx = context
        params.n_batch = context
        if plain_keys:
            params.type_k = params.type_v = 0  # f32
        if pooling is not None:
            params.embeddings = True
            params.pooling_type = pooling
            params.flash_attn_type = 0  # its keys and values would be f16
            params.n_ubatch = context
        params.n_threads = THREADS
        params.n_threads_batch = THREADS
        self.context = self.lib.llama_init_from_model(self.model, params)

    def ids(self, text):
        data = text.encode()
        room = (ctypes.c_int32 * (len(data) + 16))()
        n = self.lib.llama_tokenize(self.vocab, data, len(data), room, len(room), False, False)
        return list(room[:n])

    def feed(self, ids):
        """The logits after the last of these ids, which follow what was fed before."""
        array = (ctypes.c_int32 * len(ids))(*ids)
        if self.lib.llama_decode(self.context, self.lib.llama_batch_get_one(array, len(ids))) != 0:
            raise RuntimeError("llama_decode failed")
        pointer = self.lib.llama_get_logits_ith(self.context, -1)
        return numpy.ctypeslib.as_array(pointer, shape=(self.n_vocab,)).astype(numpy.float32).copy()

    def encode(self, ids):
        array = (ctypes.c_int32 * len(ids))(*ids)
        if self.lib.llama_encode(self.context, self.lib.llama_batch_get_one(array, len(ids))) != 0:
            raise RuntimeError("llama_encode failed")

    def rows(self, ids):
        """A row for each of these ids, as the last layer leaves it; of a peer with pooling 0 (none)."""
        self.encode(ids)
        shape = (self.lib.llama_model_n_embd(self.model),)
        return numpy.stack([numpy.ctypeslib.as_array(self.lib.llama_get_embeddings_ith(self.context, i), shape=shape).copy()
                            for i in range(len(ids))])

    def scores(self, ids):
        """The scores of a text; of a peer with pooling 4 (rank)."""
        self.encode(ids)
        shape = (self.lib.llama_model_n_cls_out(self.model),)
        return numpy.ctypeslib.as_array(self.lib.llama_get_embeddings_seq(self.context, 0), shape=shape).copy()

    def clear(self):
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.context), True)
