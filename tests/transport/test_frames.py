"""WebSocket frames, byte for byte (RFC 6455 §5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.transport.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NORMAL,
    PART,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    Frame,
    FrameError,
    FrameReader,
    decode,
    encode,
)
from tests.support.raw import masked

LIMIT = 1000
SIZES = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537]
KEY = b"\x37\xfa\x21\x3d"

# §5.7, frames of servers
WRITTEN: dict[str, tuple[int, bytes, bytes]] = {
    "text": (TEXT, b"Hello", b"\x81\x05Hello"),
    "ping": (PING, b"Hello", b"\x89\x05Hello"),
    "256 bytes": (BINARY, b"\x00" * 256, b"\x82\x7e\x01\x00" + b"\x00" * 256),
    "64 KiB": (BINARY, b"\x00" * 65_536, b"\x82\x7f" + (65_536).to_bytes(8, "big") + bytes(65_536)),
    "close": (CLOSE, NORMAL.to_bytes(2, "big"), b"\x88\x02\x03\xe8"),
}
# §5.7, frames of clients; the fragmented one is masked here, as a client's must be
READ: dict[str, tuple[bytes, list[Frame]]] = {
    "text": (b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", [Frame(TEXT, b"Hello")]),
    "pong": (b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", [Frame(PONG, b"Hello")]),
    "fragments": (
        b"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d" + b"\x80\x82\x37\xfa\x21\x3d\x5b\x95",
        [Frame(TEXT, b"Hello")],
    ),
    "ping amid fragments": (
        *(masked(TEXT, b"Hel", first=0x01) + masked(PING, b"?") + masked(CONTINUATION, b"lo"),),
        [Frame(PING, b"?"), Frame(TEXT, b"Hello")],
    ),
    "empty": (b"\x81\x80\x37\xfa\x21\x3d", [Frame(TEXT, b"")]),
    "empty fragments": (
        masked(BINARY, b"", first=0x02) + masked(CONTINUATION, b"", first=0x00) + masked(0, b""),
        [Frame(BINARY, b"")],
    ),
    # 16-bit and 64-bit lengths need not be the shortest to be understood
    "long length": (b"\x82\xfe\x00\x01" + bytes(4) + b"x", [Frame(BINARY, b"x")]),
}
BROKEN: dict[str, tuple[bytes, int]] = {
    "unmasked": (b"\x81\x05Hello", PROTOCOL_ERROR),
    "RSV1": (masked(TEXT, b"x", first=0xC1), PROTOCOL_ERROR),
    "RSV2": (masked(TEXT, b"x", first=0xA1), PROTOCOL_ERROR),
    "RSV3": (masked(PING, b"x", first=0x99), PROTOCOL_ERROR),
    "RSV1 of a fragment": (masked(TEXT, b"x", first=0x41), PROTOCOL_ERROR),
    **{
        f"opcode {opcode:x}": (masked(opcode, b"x"), PROTOCOL_ERROR)
        for opcode in (*range(0x3, 0x8), *range(0xB, 0x10))
    },
    "a fragmented ping": (masked(PING, b"x", first=PING), PROTOCOL_ERROR),
    "a fragmented close": (masked(CLOSE, b"\x03\xe8", first=CLOSE), PROTOCOL_ERROR),
    "a ping of 126 bytes": (masked(PING, bytes(126)), PROTOCOL_ERROR),
    "a long length of a short ping": (b"\x89\xfe\x00\x01" + bytes(4) + b"x", PROTOCOL_ERROR),
    "a long length of a ping, alone": (b"\x89\xfe", PROTOCOL_ERROR),
    "a continuation of nothing": (masked(CONTINUATION, b"x"), PROTOCOL_ERROR),
    "an unfinished continuation of nothing": (
        *(masked(CONTINUATION, b"x", first=0),),
        PROTOCOL_ERROR,
    ),
    "text amid fragments": (
        *(masked(TEXT, b"a", first=TEXT) + masked(TEXT, b"b"),),
        PROTOCOL_ERROR,
    ),
    "a fragment amid fragments": (masked(BINARY, b"a", first=BINARY) * 2, PROTOCOL_ERROR),
    "a frame over the limit": (masked(TEXT, bytes(LIMIT + 1)), TOO_BIG),
    "fragments over the limit": (
        *(masked(TEXT, bytes(LIMIT), first=TEXT) + masked(CONTINUATION, b"x"),),
        TOO_BIG,
    ),
    "unfinished fragments over the limit": (
        *(masked(TEXT, bytes(LIMIT), first=TEXT) + masked(CONTINUATION, b"x", first=0),),
        TOO_BIG,
    ),
}


def pieces(data: bytes) -> list[bytes]:
    """Return every byte on its own."""
    return [data[at : at + 1] for at in range(len(data))]


def feed(reader: FrameReader, data: bytes) -> list[Frame]:
    return feed_all(reader, [data])


def feed_all(reader: FrameReader, data: list[bytes]) -> list[Frame]:
    return [frame for piece in data for frame in reader.feed(piece) if frame is not PART]


def whole(frames: list[Frame]) -> list[tuple[int, bytes]]:
    return [(opcode, bytes(payload)) for opcode, payload in frames]


@pytest.mark.parametrize(("opcode", "payload", "expected"), WRITTEN.values(), ids=WRITTEN.keys())
def test_frames_are_written_as_the_rfc_shows(opcode: int, payload: bytes, expected: bytes) -> None:
    assert encode(opcode, payload) == expected


@pytest.mark.parametrize(("data", "expected"), READ.values(), ids=READ.keys())
def test_frames_are_read_as_the_rfc_shows(data: bytes, expected: list[Frame]) -> None:
    assert feed(FrameReader(LIMIT), data) == expected


@pytest.mark.parametrize(("data", "expected"), READ.values(), ids=READ.keys())
def test_every_split_reads_the_same(data: bytes, expected: list[Frame]) -> None:
    for middle in range(len(data) + 1):
        reader = FrameReader(LIMIT)
        assert feed(reader, data[:middle]) + feed(reader, data[middle:]) == expected
    reader = FrameReader(LIMIT)
    assert feed_all(reader, pieces(data)) == expected


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_what_breaks_the_protocol_says_with_which_code_to_close(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as at_once:
        feed(FrameReader(LIMIT), data)
    assert (at_once.value.code, str(at_once.value) != "") == (code, True)
    with pytest.raises(FrameError) as in_pieces:
        feed_all(FrameReader(LIMIT), pieces(data))
    assert in_pieces.value.code == code


@pytest.mark.parametrize("size", SIZES)
def test_what_is_encoded_is_decoded_and_read(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    joined = encode(BINARY, payload) + encode(TEXT, b"next")
    assert list(decode(joined)) == [(BINARY, payload), (TEXT, b"next")]
    assert feed(FrameReader(size), masked(BINARY, payload)) == [(BINARY, payload)]


@pytest.mark.parametrize("size", [LIMIT + 1, 65_535, 65_536, 2**40, 2**63 - 1, 2**64 - 1])
def test_a_frame_over_the_limit_is_refused_by_its_length_alone(size: int) -> None:
    length = (
        b"\xfe" + size.to_bytes(2, "big") if size < 65_536 else b"\xff" + size.to_bytes(8, "big")
    )
    with pytest.raises(FrameError) as refused:
        feed(FrameReader(LIMIT), b"\x82" + length)
    assert refused.value.code == TOO_BIG


def test_a_message_over_the_limit_is_refused_by_the_length_of_the_fragment_that_breaks_it() -> None:
    reader = FrameReader(LIMIT)
    assert feed(reader, masked(BINARY, bytes(LIMIT - 1), first=BINARY)) == []
    with pytest.raises(FrameError) as refused:
        feed(reader, masked(CONTINUATION, bytes(500))[:8])
    assert refused.value.code == TOO_BIG


def test_a_large_frame_may_dribble_in() -> None:
    """Were all that has come copied for every byte that comes, this would take minutes."""
    size = 1_000_000
    data = masked(BINARY, bytes(size))
    [frame] = feed_all(FrameReader(size), pieces(data))
    assert len(frame.payload) == size


def test_a_control_frame_counts_in_no_message() -> None:
    reader = FrameReader(LIMIT)
    data = masked(TEXT, bytes(LIMIT), first=TEXT) + masked(PONG, bytes(125))
    assert whole(feed(reader, data + masked(CONTINUATION, b""))) == [
        (PONG, bytes(125)),
        (TEXT, bytes(LIMIT)),
    ]


@pytest.mark.parametrize("first", [0x83, 0xC1, 0x80, 0x09], ids=hex)
def test_a_bad_frame_is_not_waited_for(first: int) -> None:
    with pytest.raises(FrameError):
        feed(FrameReader(LIMIT), masked(0, bytes(100), first=first)[:7])


def test_the_limit_itself_is_allowed() -> None:
    reader = FrameReader(LIMIT)
    assert len(feed(reader, masked(TEXT, bytes(LIMIT)))[0].payload) == LIMIT
    in_two = masked(TEXT, bytes(LIMIT - 1), first=TEXT) + masked(CONTINUATION, b"x")
    assert len(feed(reader, in_two)[0].payload) == LIMIT


payloads = st.binary(max_size=200) | st.integers(0, 400).map(bytes)
controls = st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125))
keys = st.binary(min_size=4, max_size=4)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Bytes of a client, and the frames that they say."""
    data, expected = b"", []
    for _message in range(draw(st.integers(1, 4))):
        opcode = draw(st.sampled_from([TEXT, BINARY]))
        fragments = draw(st.lists(payloads, min_size=1, max_size=4))
        for number, fragment in enumerate(fragments):
            fin = 0x80 if number == len(fragments) - 1 else 0
            first = fin | (CONTINUATION if number else opcode)
            data += masked(opcode, fragment, first=first, key=draw(keys))
            if not fin:
                for control, payload in draw(st.lists(controls, max_size=2)):
                    data += masked(control, payload, key=draw(keys))
                    expected.append((control, payload))
        expected.append((opcode, b"".join(fragments)))
    return data, expected


@given(streams(), st.data())
def test_whatever_pieces_a_stream_comes_in_it_says_the_same(
    stream: tuple[bytes, list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    whole_stream, expected = stream
    cuts = data.draw(st.lists(st.integers(0, len(whole_stream)), max_size=10).map(sorted))
    ends = zip([0, *cuts], [*cuts, len(whole_stream)], strict=True)
    read = feed_all(FrameReader(2000), [whole_stream[start:end] for start, end in ends])
    assert whole(read) == expected


def text_or_none(frames: list[Frame]) -> bytes | None:
    """Return what `whole_text` is to say of bytes that are these frames, and no more."""
    return bytes(frames[0].payload) if [frame.opcode for frame in frames] == [TEXT] else None


@given(streams(), st.data())
def test_a_whole_text_is_what_feed_says_and_nothing_else_is_taken(
    stream: tuple[bytes, list[tuple[int, bytes]]], data: st.DataObject
) -> None:
    whole_stream, expected = stream
    cuts = data.draw(st.lists(st.integers(0, len(whole_stream)), max_size=4).map(sorted))
    quick, reader, read = FrameReader(2000), FrameReader(2000), []
    for start, end in zip([0, *cuts], [*cuts, len(whole_stream)], strict=True):
        piece = whole_stream[start:end]
        frames = feed(reader, piece)
        text = quick.whole_text(piece)
        if text is None:
            frames = feed(quick, piece)
        else:
            assert bytes(text) == text_or_none(frames)
        read += frames
    assert whole(read) == expected


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, LIMIT])
def test_a_frame_that_is_a_whole_text_is_read_at_once(size: int) -> None:
    payload = bytes(number % 251 for number in range(size))
    text = FrameReader(LIMIT).whole_text(masked(TEXT, payload))
    assert text is not None
    assert bytes(text) == payload


@given(st.binary(max_size=12).map(lambda data: b"\x81" + data) | st.binary(max_size=140))
def test_any_bytes_are_a_whole_text_only_if_they_are_one(data: bytes) -> None:
    text = FrameReader(8).whole_text(data)
    if text is not None:
        assert feed(FrameReader(8), data) == [Frame(TEXT, text)]


def test_a_text_amid_fragments_is_no_whole_text() -> None:
    reader = FrameReader(LIMIT)
    feed(reader, masked(TEXT, b"Hel", first=TEXT))
    assert reader.whole_text(masked(TEXT, b"lo")) is None


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_frames_or_a_frame_error(data: list[bytes]) -> None:
    opcodes, codes = set(), set()
    try:
        opcodes = {opcode for opcode, _payload in feed_all(FrameReader(LIMIT), data)}
    except FrameError as error:
        codes = {error.code}
    assert opcodes <= {TEXT, BINARY, CLOSE, PING, PONG}
    assert codes <= {PROTOCOL_ERROR, TOO_BIG}


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), payloads), max_size=5))
def test_frames_that_are_joined_come_apart_again(frames: list[tuple[int, bytes]]) -> None:
    joined = b"".join(encode(opcode, payload) for opcode, payload in frames)
    assert list(decode(joined)) == frames
