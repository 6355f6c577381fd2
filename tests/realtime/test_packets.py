"""The wire, byte for byte (socket.io-protocol, revision 5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
)

from app.core.errors import Invalid, TooLarge
from app.realtime import packets
from app.realtime.packets import Assembly, PacketError, Unreadable, parse, parse_event
from app.transport import codec

ROOT = "/"


class Packet(packets.Packet):
    """A packet as the server writes it."""

    json = codec


# As on the wire, then what it means: type, namespace, id, data.
GOLDEN: dict[str, tuple[int, str, int | None, Any]] = {
    "0": (CONNECT, ROOT, None, None),
    '0{"token":"t"}': (CONNECT, ROOT, None, {"token": "t"}),
    "0/circles,": (CONNECT, "/circles", None, None),
    '0/circles,{"token":"t"}': (CONNECT, "/circles", None, {"token": "t"}),
    '0"token"': (CONNECT, ROOT, None, "token"),
    "0/c,[1]": (CONNECT, "/c", None, [1]),
    "1": (DISCONNECT, ROOT, None, None),
    "1/circles,": (DISCONNECT, "/circles", None, None),
    '2["ping"]': (EVENT, ROOT, None, ["ping"]),
    '2/circles,["ping"]': (EVENT, "/circles", None, ["ping"]),
    '2/circles,0["join",{"channel":"dev-team"}]': (
        *(EVENT, "/circles", 0),
        ["join", {"channel": "dev-team"}],
    ),
    '2/circles,9999999999999999["ping"]': (EVENT, "/circles", 9_999_999_999_999_999, ["ping"]),
    '212["a",1,null,true,1.5,"ö🚀",[]]': (EVENT, ROOT, 12, ["a", 1, None, True, 1.5, "ö🚀", []]),
    '2/chat,["1-2",["/"]]': (EVENT, "/chat", None, ["1-2", ["/"]]),
    "3/circles,7[]": (ACK, "/circles", 7, []),
    '3/circles,7[{"ok":true}]': (ACK, "/circles", 7, [{"ok": True}]),
}
# Other ways to write a packet that we only read.
READ_ONLY: dict[str, tuple[int, str, int | None, Any]] = {
    "0/circles": (CONNECT, "/circles", None, None),
    "1/circles": (DISCONNECT, "/circles", None, None),
    "0/circles?token=t,": (CONNECT, "/circles", None, None),
    '2 [ "ping" ]\n': (EVENT, ROOT, None, ["ping"]),
    '2["\\u00f6"]': (EVENT, ROOT, None, ["ö"]),
    '2["a",NaN]': (EVENT, ROOT, None, ["a", pytest.approx(float("nan"), nan_ok=True)]),
    '2["a","\\ud800"]': (EVENT, ROOT, None, ["a", "\ud800"]),
    '50-["ping"]': (EVENT, ROOT, None, ["ping"]),
    "60-1[]": (ACK, ROOT, 1, []),
}
BINARY: dict[str, tuple[int, str, int | None, int]] = {
    '51-["a",{"_placeholder":true,"num":0}]': (BINARY_EVENT, ROOT, None, 1),
    '510-/chat,3["a"]': (BINARY_EVENT, "/chat", 3, 10),
    '62-/chat,3[{"_placeholder":true,"num":0}]': (BINARY_ACK, "/chat", 3, 2),
}
NO_PACKETS: list[str | bytes] = [
    *("", " ", "x", "7", "9", "-1", "2", "3", "5", "6", "2/circles,", "2/circles", "2[", "2{}"),
    *("2[]", "2null", '2"ping"', "2[1]", "2[null]", '2[["ping"]]', '2["ping"]]', '2["ping"],'),
    *('\u0662["ping"]', '2\u0661["ping"]', '2\uff11["ping"]', '2\u00b2["ping"]'),
    *('2 1["ping"]', '2+1["ping"]', '2-1["ping"]', '2/c,1/c,["ping"]', '212345678901234567["x"]'),
    *('21-["ping"]', '01-{"a":1}', '5["ping"]', '5-["ping"]', '5x-["ping"]', '511-["ping"]'),
    *('599999999999-["ping"]', '5\u0661-["ping"]', "3[]", "3/c,[]", "31", "31{}", "61-[]"),
    *("0token", "0/c,[1", "1{}", "1null,", "1/c,[]", '4{"message":"no"}', "4"),
    *("0" + "[" * 10_000, "31" + "[" * 10_000, "2" + "[" * 10_000, b"", b"2", b'2["ping"]'),
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
namespaces = st.sampled_from(["/", "/circles", "/a/b", "/ö", "/1-"])
ids = st.none() | st.integers(0, 10**16 - 1)


def fields(packet: packets.Packet) -> tuple[int, str, int | None, Any]:
    return packet.packet_type, packet.namespace, packet.id, packet.data


@pytest.mark.parametrize("text", GOLDEN)
def test_packets_are_read_and_written_as_the_protocol_says(text: str) -> None:
    packet_type, namespace, packet_id, data = GOLDEN[text]
    assert fields(Packet(encoded_packet=text)) == (packet_type, namespace, packet_id, data)
    packet = Packet(packet_type, data=data, namespace=namespace, id=packet_id)
    assert packet.encode() == text


@pytest.mark.parametrize("text", READ_ONLY)
def test_other_spellings_are_read(text: str) -> None:
    assert fields(Packet(encoded_packet=text)) == READ_ONLY[text]


@pytest.mark.parametrize("text", BINARY)
def test_binary_packets_say_how_many_attachments_follow(text: str) -> None:
    packet = Packet(encoded_packet=text)
    assert (*fields(packet)[:3], packet.attachment_count) == BINARY[text]


@pytest.mark.parametrize("frame", NO_PACKETS, ids=lambda frame: repr(frame[:24]))
def test_what_is_no_packet_is_refused(frame: str | bytes) -> None:
    with pytest.raises(PacketError):
        Packet().decode(frame)


def test_a_refusal_to_connect_is_written_as_the_protocol_says() -> None:
    packet = Packet(CONNECT_ERROR, data={"message": "no"}, namespace="/circles")
    assert packet.encode() == '4/circles,{"message":"no"}'


def test_attachments_take_the_places_kept_for_them() -> None:
    places = '{"b":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}'
    assembly = Assembly(parse(f'52-/chat,7["a",{places}]'), 1000)
    assert assembly.add(b"\x00") is None
    assert assembly.add(b"\x01") == (EVENT, "/chat", 7, ["a", {"b": b"\x01"}, b"\x00"], 2)


@pytest.mark.parametrize("number", ["1", "-1", "9999", '"0"', "null", "[0]", "0.5"])
def test_a_place_for_no_attachment_is_no_packet(number: str) -> None:
    assembly = Assembly(parse(f'51-["a",{{"_placeholder":true,"num":{number}}}]'), 1000)
    with pytest.raises(PacketError):
        assembly.add(b"\x00")


@pytest.mark.parametrize(
    "payload", ['["a","12345678"]', '["a","öööö"]', '["a",[[[[[[[]]]]]]]]'], ids=len
)
def test_an_event_over_the_limit_in_bytes_keeps_its_name_and_id(payload: str) -> None:
    limit = len(payload.encode()) - 1
    _type, _namespace, packet_id, data, _attachments = parse(f"42/circles,7{payload}", 1, limit)
    name, unreadable = data
    assert (name, packet_id, type(unreadable)) == ("a", 7, Unreadable)
    assert isinstance(unreadable.error, TooLarge)
    assert not isinstance(parse(f"2{payload}", 0, limit + 1).data[1], Unreadable)


def test_an_event_nested_too_deep_keeps_its_name() -> None:
    nested = "[" * 10_000 + "]" * 10_000
    name, unreadable = fields(Packet(encoded_packet=f'27["a\\"b",{nested}]'))[3]
    assert name == 'a"b'
    assert isinstance(unreadable.error, Invalid)
    assert unreadable.error.fields == {"data": "Nested too deep."}


@pytest.mark.parametrize("payload", ["[1", "[", "xx", '["' + "n" * 129 + '"', '["\\x"'])
def test_an_event_over_the_limit_without_a_name_is_no_packet(payload: str) -> None:
    with pytest.raises(PacketError):
        parse("2" + payload, 0, 1)


@given(namespaces, ids, st.text(), st.lists(json_values, max_size=4))
def test_what_is_written_is_read_back(
    namespace: str, packet_id: int | None, event: str, arguments: list[Any]
) -> None:
    packet = Packet(EVENT, data=[event, *arguments], namespace=namespace, id=packet_id)
    read = Packet(encoded_packet=packet.encode())
    assert fields(read) == (EVENT, namespace, packet_id, [event, *arguments])


@pytest.mark.parametrize("text", [*GOLDEN, *READ_ONLY])
def test_events_of_a_namespace_are_what_is_read_quickly(text: str) -> None:
    event = parse_event(text, 0, 0)
    if text in GOLDEN and text.startswith("2/"):
        assert event == GOLDEN[text][1:]
    else:
        assert event is None


TEXTS = st.text() | st.from_regex(
    r"[0-6]([0-9]+-)?(/[^,]*,)?[0-9]*[\[{\"].*|2/[a-z?/]{0,3},\d{0,18} ?\[(\"a?\"|1)?[],].*",
    fullmatch=True,
)


@given(TEXTS | st.sampled_from([one for one in NO_PACKETS if isinstance(one, str)]))
@example('2/c,1["\\ud800"]')
@example('2/c,1["a",NaN]')
@example("2/c,121")
@example("2/c,1[]")
@example('2/c,\u0661["a"]')
@example('2/c?a,1["a"]')
@example('2/c,12345678901234567["a"]')
def test_what_is_read_quickly_is_what_parse_reads(text: str) -> None:
    for limit in (0, 8, 80):
        event = parse_event(text, 0, limit)
        if event is not None:
            assert (EVENT, *event, 0) == parse(text, 0, limit)


@given(TEXTS)
@example('2["\\ud800"]')
@example("2/" + "," * 100)
def test_any_text_is_a_packet_or_a_packet_error(text: str) -> None:
    for limit in (0, 8):
        try:
            packet = parse(text, 0, limit)
        except PacketError:
            continue
        assert packet.type in (CONNECT, DISCONNECT, EVENT, ACK, BINARY_EVENT, BINARY_ACK)
        assert packet.namespace.startswith("/")
