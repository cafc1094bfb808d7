"""What schemathesis does not know by itself: bodies and answers of a value a line."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value) -> bytes:
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer("application/x-ndjson")
def first_line(_context, response):
    return json.loads(response.content.splitlines()[0])
