"""Messages that are nearly right, and bytes that are no WebSocket at all, by seeded chance."""

import asyncio
import base64
import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
END = "the-end"
#: Follows what may be the head of a frame, so that the server does not wait for the rest.
PADDING = bytes(70_000)

#: What stands where something else belongs.
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, -0.0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 1e308,
    "", " ", "x", "1", "todo", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufeff", "\u202egnp.exe", "\u2066x\u2069",
    "😀" * 300, "e\u0301" * 200, "x" * 10_001, "9" * 400, "NaN", "../../etc/passwd", "<script>alert(1)</script>",
    "'; DROP TABLE taskrealtime_task; --", "%s%n", "{{7*7}}", "2030-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-12:00", [], {}, [[]], {"": ""}, {"a": {"b": [None]}}, [1] * 500, {"$ne": None},
]  # fmt: skip
#: JSON text that no Python value makes.
RAW = [
    "NaN", "-Infinity", "1e400", "-1e-400", "1" * 5000, "0x10", "01", "'x'", '"\\ud800"', '"\\u0000"', '"\\x"',
    "[" * 20_000, "[" * 20_000 + "]" * 20_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "[" + "0," * 20_000 + "0]", "",
]  # fmt: skip


def valid_frames(*, project_id: int, task_id: int) -> list[dict[str, Any]]:
    """One of each client event, as it should be."""
    task = {"task_id": task_id}
    return [
        {"event": "connect", "data": {"since": 0, "epoch": "x"}},
        {"event": "join_project", "data": {"project_id": project_id, "since": 0}},
        {"event": "leave_project", "data": {"project_id": project_id}},
        {"event": "task_status_update", "data": {**task, "status": "review", "version": 1}},
        {"event": "new_comment", "data": {**task, "content": "Hello"}},
        {"event": "ping", "data": {"a": [1, 2]}},
        {"event": "task_create", "data": {"project_id": project_id, "title": "New", "due_at": "2030-01-01T00:00:00Z"}},
        {"event": "task_update", "data": {**task, "changes": {"title": "T", "assignee_id": 1}, "version": 1}},
        {"event": "task_move", "data": {**task, "status": "todo", "before_id": task_id}},
        {"event": "task_delete", "data": task},
        {"event": "task_restore", "data": task},
        {"event": "user_typing", "data": {**task, "is_typing": True}},
        {"event": "presence_update", "data": {"status": "busy"}},
        {"event": "task_viewing", "data": task},
        {"event": "notifications_read", "data": {"up_to": 1}},
    ]


def mutated(chance: Random, frame: dict[str, Any]) -> bytes:
    """The frame with a few things wrong, as the bytes of a text message."""
    frame = json.loads(json.dumps(frame)) | {"id": chance.choice(["i", 7])}
    if chance.random() < 0.2:
        frame["key"] = f"key-{chance.randrange(50)}"
    for _ in range(chance.randint(0, 3)):
        _change_somewhere(chance, frame)
    text = json.dumps(frame, ensure_ascii=chance.random() < 0.7)
    if chance.random() < 0.15:
        text = text.replace('"@raw"', chance.choice(RAW)) if '"@raw"' in text else _with_raw(chance, text)
    data = text.encode("utf-8", "surrogatepass")
    return _with_broken_bytes(chance, data) if chance.random() < 0.25 else data


def _change_somewhere(chance: Random, value: Any) -> None:
    """Replace, add or remove something in a container, or in one inside of it."""
    while True:
        inner = [
            item for item in (value.values() if isinstance(value, dict) else value) if isinstance(item, dict | list)
        ]
        filled = [item for item in inner if item]
        if not filled or chance.random() < 0.4:
            break
        value = chance.choice(filled)
    place = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if chance.random() < 0.2:
        del value[place]
        if not value and isinstance(value, list):
            value.append(None)
    else:
        value[place] = deepcopy(chance.choice(VALUES))


def _with_raw(chance: Random, text: str) -> str:
    places = [index for index, character in enumerate(text) if character == ":"]
    place = chance.choice(places) + 1 if places else 0
    return text[:place] + chance.choice(RAW) + (text[place:] if chance.random() < 0.5 else "}")


def _with_broken_bytes(chance: Random, data: bytes) -> bytes:
    mutable = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(mutable) + 1)
        match chance.randrange(4):
            case 0:
                mutable[at:at] = bytes([chance.choice(b'\x00\xff\xc0\xed{}[]",:\\ e-0')])
            case 1:
                del mutable[at : at + chance.randint(1, 9)]
            case 2:
                mutable[at:at] = mutable[at : at + chance.randint(1, 40)]
            case _ if at < len(mutable):
                mutable[at] ^= 1 << chance.randrange(8)
    return bytes(mutable)


def frame_bytes(opcode: int, payload: bytes, *, final: bool = True, mask: bytes = b"\0\0\0\0") -> bytes:
    """One client's frame; with the mask of zeros, which costs a test nothing, unless it is given."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65536:
        head += bytes([0x80 | 126]) + struct.pack("!H", len(payload))
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", len(payload))
    return head + mask + payload


def broken_wire(chance: Random) -> bytes:
    """What breaks the rules of WebSockets, after which a server may only close."""
    payload = chance.randbytes(chance.randrange(200))
    return chance.choice(
        [
            chance.randbytes(chance.randint(1, 400)),
            bytes([0x80 | chance.choice([3, 4, 7, 11, 15]), 0x80]) + b"\0" * 4,  # opcodes that are none
            bytes([0xC0 | TEXT, 0x80]) + b"\0" * 4,  # an extension that was not negotiated
            bytes([0x80 | TEXT, 5]) + b"hello",  # not masked
            frame_bytes(0, payload),  # continues with nothing
            frame_bytes(TEXT, payload, final=False) + frame_bytes(TEXT, payload),
            frame_bytes(PING, b"x" * 126),
            frame_bytes(PING, b"x", final=False),
            frame_bytes(TEXT, b"\xff\xfe" + payload),
            frame_bytes(CLOSE, struct.pack("!H", chance.choice([0, 999, 1005, 1006, 1015, 2999, 65535]))),
            frame_bytes(CLOSE, b"\x03"),
            frame_bytes(CLOSE, struct.pack("!H", 1000) + b"\xff\xff"),
            bytes([0x80 | TEXT, 0xFF])
            + struct.pack("!Q", chance.choice([2**63, 2**62, 2**32, 0]))
            + b"\0" * 4
            + payload,
            bytes([0x80 | TEXT, 0xFE]) + struct.pack("!H", 60_000) + b"\0" * 4 + payload,
        ]
    )


@dataclass
class Exchange:
    """What the server said in one conversation."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    close_code: int | None = None
    finished: bool = False


class NotStrict(AssertionError):
    """The server sent what is no strict JSON."""


async def converse(port: int, token: str, wire: bytes, *, seconds: float = 10) -> Exchange:
    """Sign in, send all of this at once with a ping behind it, and read what comes until its pong, or the end.

    Where neither comes in time, the answer is neither finished nor closed.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        key = base64.b64encode(bytes(16)).decode()
        lines = [
            "GET /ws/ HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", f"Authorization: Bearer {token}", "", "",
        ]  # fmt: skip
        end = json.dumps({"event": "ping", "id": END}).encode()
        exchange = Exchange()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                writer.write("\r\n".join(lines).encode())
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.split()[1] == b"101", head
                # Not sooner: what comes before the answer to the upgrade is lost.
                writer.write(wire + frame_bytes(TEXT, end))
                await _read_frames(reader, exchange)
        return exchange
    finally:
        writer.close()


async def _read_frames(reader: asyncio.StreamReader, exchange: Exchange) -> None:
    try:
        async for opcode, payload in _frames(reader):
            if opcode == TEXT:
                exchange.frames.append(json.loads(payload, parse_constant=_refuse))
                if exchange.frames[-1].get("id") == END:
                    exchange.finished = True
                    break
            if opcode == CLOSE:
                exchange.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        exchange.close_code = 1006


async def _frames(reader: asyncio.StreamReader) -> Any:
    while True:
        head = await reader.readexactly(2)
        length = head[1]
        if length == 126:
            length = struct.unpack("!H", await reader.readexactly(2))[0]
        elif length == 127:
            length = struct.unpack("!Q", await reader.readexactly(8))[0]
        yield head[0] & 15, await reader.readexactly(length)


def _refuse(constant: str) -> None:
    raise NotStrict(constant)


def conversations(seed: int, frames: list[dict[str, Any]]) -> Iterator[tuple[int, bytes]]:
    """Without end: how many messages, and their bytes on the wire."""
    chance = Random(seed)
    while True:
        count = chance.randint(5, 60)
        messages = []
        for _ in range(count):
            payload = mutated(chance, chance.choice(frames))
            kind = chance.random()
            if kind < 0.03:
                messages.append(frame_bytes(BINARY, payload))
            elif kind < 0.06:
                cut = chance.randrange(len(payload) + 1)
                messages += [frame_bytes(TEXT, payload[:cut], final=False), frame_bytes(PING, b"p")]
                messages.append(frame_bytes(0, payload[cut:]))
            else:
                messages.append(frame_bytes(TEXT, payload))
        if chance.random() < 0.3:
            messages.append(broken_wire(chance) + PADDING)
        yield count, b"".join(messages)
