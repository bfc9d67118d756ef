"""Reads the F32 tensors of a GGUF file, for tests; nothing of ours is asked."""
import math
import pathlib
import struct

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, code):
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize(code)
        return value

    def text(self):
        length = self.number("Q")
        self.at += length
        return self.data[self.at - length:self.at].decode()

    def skip_value(self, kind):
        if kind == STRING:
            self.text()
        elif kind == ARRAY:
            of, length = self.number("I"), self.number("Q")
            for _ in range(length):
                self.skip_value(of)
        else:
            self.at += SIZES[kind]


def read_f32_tensors(path):
    """name -> values; files of the usual alignment."""
    reader = Reader(pathlib.Path(path).read_bytes())
    assert reader.data[:4] == b"GGUF"
    reader.at = 8
    n_tensors, n_keys = reader.number("Q"), reader.number("Q")
    for _ in range(n_keys):
        reader.text()
        reader.skip_value(reader.number("I"))
    entries = []
    for _ in range(n_tensors):
        name = reader.text()
        dims = [reader.number("Q") for _ in range(reader.number("I"))]
        entries.append((name, dims, reader.number("I"), reader.number("Q")))
    begin = (reader.at + 31) // 32 * 32
    return {name: struct.unpack_from(f"<{math.prod(dims)}f", reader.data, begin + offset)
            for name, dims, kind, offset in entries if kind == 0}
