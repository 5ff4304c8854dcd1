"""Changes to files that a parser should survive: each takes a start and a generator, and gives other bytes."""

import contextlib
import copy
import json
import random
import re
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]

# Values that stand where a table's number, text, list or table should be.
ODD = (None, True, "", "x", "\x1b[2J", -1, 0, 10**18, 1e300, [], {}, [[[]]], {"a": {"b": 1}}, ["x"] * 3)
# The same as text, with what only some parsers take for a number.
_WORDS = (
    *("", "0", "-1", "1e999", "nan", "inf", "-Infinity", "9" * 5000, "0x" + "f" * 4999, "1_000", "1.5", "true", "null"),
    *('"', "'", '"""', ",", ";", "\t", "\r\n", "\n\n", "\0", "\x1b[2J", "=1+1", "é", "\U0001f9e0", "\ud7ff", "../../x"),
    *("[" * 3000, "{" * 3000, "[[", "]]", "#", "\\", "\\u0000", "١٢", "x" * 200_000, "\ufeff", "a.b.c", "2026-11-26"),
)
_TOKEN = re.compile(r"[A-Za-z_]+|[-+.\deE]+|\s+|.")
_PATTERNS = (
    *(b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"),
    *(
        struct.pack(f"{end}{form}", value)
        for end in "<>"
        for form in "fd"
        for value in (float("nan"), float("inf"), 1e30)
    ),
    *(struct.pack(f"{end}H", value) for end in "<>" for value in (1, 2, 255, 256, 32767, 65535)),
)


def bytes_of(data: bytes, rng: random.Random, first: int | None = None) -> bytes:
    """Up to six bytes, numbers or pieces overwritten, put in, taken out, doubled or cut off; within the `first` bytes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(min(len(changed), first or len(changed)) or 1)
        pattern = rng.choice(_PATTERNS) if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 8))
        way = rng.random()
        if way < 0.2 and changed:
            changed[min(at, len(changed) - 1)] ^= 1 << rng.randrange(8)
        elif way < 0.7:
            changed[at : at + len(pattern)] = pattern
        elif way < 0.8:
            changed[at:at] = pattern
        elif way < 0.87:
            del changed[at : at + rng.randint(1, 64)]
        elif way < 0.94:
            changed[at:at] = changed[at : at + rng.randint(1, 256)] * rng.randint(1, 8)
        elif first is None:
            del changed[at:]
    return bytes(changed)


def in_front(first: int) -> Mutate:
    """Changes to the first bytes, where a format keeps its header."""
    return partial(bytes_of, first=first)


def text_of(data: bytes, rng: random.Random) -> bytes:
    """Words, numbers and signs of a text replaced by odd ones, lines doubled, dropped or moved; at times bytes."""
    if rng.random() < 0.15:
        return bytes_of(data, rng)
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    for _ in range(rng.randint(1, 3)):
        row, way = rng.randrange(len(lines)), rng.random()
        if way < 0.1:
            lines.insert(rng.randrange(len(lines) + 1), lines[row])
        elif way < 0.15 and len(lines) > 1:
            del lines[row]
        else:
            tokens = _TOKEN.findall(lines[row]) or [""]
            tokens[rng.randrange(len(tokens))] = rng.choice(_WORDS)
            lines[row] = "".join(tokens)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def json_of(data: bytes, rng: random.Random) -> bytes:
    """Entries of a JSON document replaced or taken away; at times the text itself."""
    if rng.random() < 0.3:
        return text_of(data, rng)
    return json.dumps(tree_of(json.loads(data), rng)).encode()


def tree_of(value: Any, rng: random.Random) -> Any:
    """A copy of nested tables and lists with up to three entries taken away or replaced."""
    changed = json.loads(json.dumps(value))
    for _ in range(rng.randint(1, 3)):
        found = places(changed)
        if not found:
            return changed
        *above, last = rng.choice(found)
        table: Any = changed
        for key in above:
            table = table[key]
        if rng.random() < 0.3:
            del table[last]
        else:
            table[last] = copy.deepcopy(rng.choice(ODD))
    return changed


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Each entry of nested tables, and of lists the first three."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    return [place for key, one in inside for place in ((*path, key), *places(one, (*path, key)))]


def png_chunks(data: bytes, rng: random.Random) -> bytes:
    """Chunks of a PNG changed, doubled or dropped, and given the checksums that they should have; at times bytes."""
    if rng.random() < 0.3:
        return bytes_of(data, rng)
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(rng.randint(1, 2)):
        number, way = rng.randrange(len(chunks)), rng.random()
        name, body = chunks[number]
        if way < 0.1:
            chunks.insert(number, chunks[number])
        elif way < 0.2 and len(chunks) > 1:
            del chunks[number]
        elif name == b"IDAT" and way < 0.6:
            with contextlib.suppress(zlib.error):  # the second change of one chunk
                chunks[number] = name, zlib.compress(bytes_of(zlib.decompress(body), rng))
        else:
            chunks[number] = (
                (rng.choice((b"eXIf", b"iCCP", b"acTL", b"zTXt")) if way < 0.3 else name),
                bytes_of(body, rng),
            )
    signed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return data[:8] + b"".join(signed)
