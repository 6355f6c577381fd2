"""Writes Python types of the JSON Schema that comes on stdin to stdout; see `make types-python`."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

HEAD: Final = '''"""The payloads of every type of message, and the messages of each namespace.

Made from schemas/*.py by `make types-python`; don't edit. Payloads may have further keys.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from hearth_realtime.messages import Discontinuity, Message
'''
KINDS: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}


def type_of(schema: dict[str, Any]) -> str:
    """Return the annotation of a value."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "dict[str, Any]" if name == "Payload" else str(name)
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
    if "anyOf" in schema:
        return " | ".join(type_of(one) for one in schema["anyOf"])
    kinds = schema.get("type", [])
    if not kinds:
        return "Any"
    return " | ".join(
        f"list[{type_of(schema.get('items', {}))}]" if kind == "array" else KINDS[kind]
        for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )


def typed_dict(name: str, schema: dict[str, Any]) -> list[str]:
    """Return the lines of a payload's class."""
    described = [f'    """{schema["description"]}"""', ""] if "description" in schema else []
    keys = []
    for key, value in schema["properties"].items():
        kind = type_of(value)
        keys.append(f"    {key}: {kind if key in schema['required'] else f'NotRequired[{kind}]'}")
    return ["", "", f"class {name}(TypedDict):", *described, *keys]


def union(name: str, namespace: str, schema: dict[str, Any]) -> list[str]:
    """Return the lines of a namespace's messages."""
    members = [
        f'Message[Literal["{message_type}"], {type_of(payload)}]'
        for message_type, payload in schema["properties"].items()
    ]
    members.append('Message[Literal["discontinuity"], Discontinuity]')
    lines = [f"    {'| ' if number else ''}{member}" for number, member in enumerate(members)]
    return [f"#: A message in `{namespace}`.", f"{name} = (", *lines, ")"]


def main() -> None:
    schema = json.load(sys.stdin)
    lines = [HEAD.rstrip()]
    for name, definition in schema["$defs"].items():
        if definition["properties"] and name != "Envelope":
            lines += typed_dict(name, definition)
    lines += ["", ""]
    for namespace, types in schema["properties"].items():
        lines += union(f"In{namespace.strip('/').title()}", namespace, types)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
