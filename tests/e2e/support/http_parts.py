# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as far as a proxy of ours needs it, on asyncio's streams."""

REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
           429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "expect"}


class Head:
    """First line and headers of a message."""

    def __init__(self, first, headers):
        self.first, self.headers = first, headers

    @classmethod
    async def read(cls, reader):
        """IncompleteReadError at the end of the connection."""
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            if not lines[0].startswith("HTTP/1.1 1"):  # 100 Continue and the like
                break
        split = [line.partition(":") for line in lines[1:] if line]
        return cls(lines[0], [(name, value.strip()) for name, _, value in split])

    def get(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def is_chunked(self):
        return (self.get("transfer-encoding") or "").lower() == "chunked"

    @property
    def length(self):
        """None: it does not say."""
        value = self.get("content-length")
        return None if value is None else int(value)

    def bytes(self, *more):
        """To be sent on, with the framing that `more` says instead of its own."""
        kept = [(key, value) for key, value in self.headers if key.lower() not in HOP]
        return "\r\n".join([self.first, *(f"{k}: {v}" for k, v in kept), *more, "", ""]).encode("latin-1")


async def pieces(reader, head, is_answer, has_body=True):
    """The body, as it comes."""
    if not has_body:
        return
    if head.is_chunked:
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in exactly(reader, size):
                yield piece
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    elif head.length is not None:
        async for piece in exactly(reader, head.length):
            yield piece
    elif is_answer:
        while piece := await reader.read(65536):
            yield piece


async def exactly(reader, size):
    while size:
        piece = await reader.read(min(size, 65536))
        if not piece:
            raise ConnectionError("the body ended early")
        size -= len(piece)
        yield piece


async def whole(*args):
    return b"".join([piece async for piece in pieces(*args)])
