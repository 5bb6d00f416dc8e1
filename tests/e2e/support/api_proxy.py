# SPDX-License-Identifier: Apache-2.0
"""
Between an agent and an API server, doing on command what networks, proxies and servers in trouble do. ApiProxy ends
TLS and reads HTTP/1.1, so that a fault can be aimed at one request; WireProxy passes bytes without looking at them, so
that HTTP/2 suffers too. Both keep what they saw.
"""

import asyncio
import json
import re
import ssl
import threading
import time

from .http_parts import REASONS, Head, pieces, whole

GARBAGE = b"\x00\xff\x16\x03\x01<html>\xc3\x28 502 Bad Gateway {\"kind\":" * 4


class Cut(Exception):
    """The connection is to end now."""


def status_object(code, message="the proxy says so"):
    """metav1.Status"""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": REASONS.get(code, ""), "code": code}


def error_frame(code=410, message="too old resource version"):
    """What a watch says before it ends."""
    return json.dumps({"type": "ERROR", "object": status_object(code, message)}).encode() + b"\n"


class Reader(asyncio.StreamReader):
    """Tells of the other end's leaving without taking a byte: a client may send its next request early."""

    def __init__(self, **more):
        super().__init__(**more)
        self.ended = asyncio.Event()

    def feed_eof(self):
        super().feed_eof()
        self.ended.set()

    def set_exception(self, error):
        super().set_exception(error)
        self.ended.set()


class Exchange:
    """One request and what became of it."""

    def __init__(self, head):
        self.at = time.monotonic()
        self.method, self.path = head.first.split(" ")[:2]
        self.agent = head.get("user-agent")
        self.status, self.passed, self.fault = None, 0, None  # passed: bytes of the answer's body
        self.is_open, self.is_muted = True, False
        self.writer, self.is_chunked = None, False

    def __str__(self):
        return f"{self.method} {self.path} -> {self.status} ({self.passed} bytes, {self.fault})"

    def matches(self, pattern):
        return re.search(pattern, f"{self.method} {self.path}") is not None

    async def send(self, data):
        self.passed += len(data)
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data) if self.is_chunked else data)
        await self.writer.drain()


class Fault:
    def __init__(self, kind, pattern, count, settings):
        self.kind, self.pattern, self.left, self.settings = kind, pattern, count, settings
        self.hits = 0

    def get(self, name, default=None):
        return self.settings.get(name, default)


class Server:
    """A listener on a port of loopback, its event loop in a thread of its own."""

    def __init__(self, target, context=None):
        self.target, self.port, self._context = target, 0, context
        self._loop = asyncio.new_event_loop()
        self._server, self._writers = None, set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()

    def _do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def listen(self):
        self._do(self._listen())

    async def _listen(self):
        def protocol():
            return asyncio.StreamReaderProtocol(Reader(limit=1 << 20), self._serve)
        self._server = await self._loop.create_server(protocol, "127.0.0.1", self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self):
        """Nobody listens, and what was connected is cut, until listen()."""
        self._do(self._refuse())

    async def _refuse(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, Cut, ssl.SSLError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    def cleanup(self):
        async def end():
            await self._refuse()
            while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await self._loop.shutdown_asyncgens()
        self._do(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class ApiProxy(Server):
    """
    proxy.add("status", "GET .*/secrets", code=429, retry_after=1): the next request that fits meets the fault; count=3
    the next three, count=None all until clear(). Kinds, each with what it may be told:

    cut       after=N      N bytes of the answer's body, then the end; after=None: not even its head
    silence   after=N      the same, but the connection stays open
    end       after=N      the same, but the answer ends as an orderly one
    delay     seconds=S    before the server hears of it
    trickle   size=N pause=S
    status    code=N retry_after=S message=TEXT body=BYTES
    truncate  keep=F       that part of the body, well framed: half a JSON text
    garbage   wire=True    instead of the body; on the wire instead of the whole answer
    frame     data=BYTES   at the beginning of a watch, which then ends; 410 Gone unless data says otherwise

    reach: whether the server gets the request all the same. Not with status, otherwise always, unless told.
    """

    def __init__(self, plane):
        bundle = plane.authority.issue(san="DNS:localhost,IP:127.0.0.1", cn="proxy")
        (plane.dir / "proxy.pem").write_bytes(bundle.cert + bundle.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plane.dir / "proxy.pem")
        context.set_alpn_protocols(["http/1.1"])
        self._client = ssl.create_default_context(cafile=str(plane.ca_file))
        self.log, self.faults = [], []
        super().__init__(plane.port, context)

    # --- what tests say and ask

    def add(self, kind, pattern=".", count=1, **settings):
        assert hasattr(self, "_" + kind), kind
        fault = Fault(kind, pattern, count, settings)
        self.faults.append(fault)
        return fault

    def clear(self):
        self.faults = []

    def seen(self, pattern=".", since=0.0):
        return [exchange for exchange in self.log if exchange.at >= since and exchange.matches(pattern)]

    def running(self, pattern="."):
        return [exchange for exchange in self.seen(pattern) if exchange.is_open]

    def busiest(self, seconds=60.0, pattern=".", since=0.0):
        """The most requests that came within any such time."""
        times, most, first = [exchange.at for exchange in self.seen(pattern, since)], 0, 0
        for last, at in enumerate(times):
            while at - times[first] > seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def cut_now(self, pattern="."):
        """Answers that are under way."""
        return self._now(pattern, lambda exchange: exchange.writer.transport.abort())

    def mute_now(self, pattern="watch="):
        """They stay open, and nothing more comes."""
        return self._now(pattern, lambda exchange: setattr(exchange, "is_muted", True))

    def frame_now(self, pattern="watch=", data=None):
        async def send(exchange):
            await exchange.send(error_frame() if data is None else data)
        return self._now(pattern, send)

    def _now(self, pattern, act):
        async def each():
            found = self.running(pattern)
            for exchange in found:
                done = act(exchange)
                if asyncio.iscoroutine(done):
                    await done
            return len(found)
        return self._do(each())

    # --- one connection, one request

    async def _talk(self, reader, writer):
        while True:
            head = await Head.read(reader)
            if head.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await whole(reader, head, False)
            exchange = Exchange(head)
            exchange.writer = writer
            self.log.append(exchange)
            try:
                await self._until_gone(reader, self._answer(exchange, head, body))
            finally:
                exchange.is_open = False
            if (head.get("connection") or "").lower() == "close":
                return

    async def _until_gone(self, reader, coroutine):
        """A client that leaves ends its request, also at the server."""
        work, gone = asyncio.ensure_future(coroutine), asyncio.ensure_future(reader.ended.wait())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Cut
            work.result()
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    def _take(self, exchange):
        for fault in self.faults:
            if fault.left != 0 and exchange.matches(fault.pattern):
                fault.left = None if fault.left is None else fault.left - 1
                fault.hits += 1
                exchange.fault = fault.kind
                return fault
        return Fault("none", "", 0, {})

    async def _answer(self, exchange, head, body):
        fault = self._take(exchange)
        act = getattr(self, "_" + fault.kind)
        if not fault.get("reach", fault.kind != "status"):
            return await act(exchange, fault, None, None)
        if fault.kind == "delay":
            await asyncio.sleep(fault.get("seconds"))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target, ssl=self._client, limit=1 << 20)
        try:
            more = [f"Content-Length: {len(body)}"] if body or exchange.method != "GET" else []
            writer.write(head.bytes("Connection: close", *more) + body)
            answer = await Head.read(reader)
            exchange.status = int(answer.first.split(" ")[1])
            has_body = exchange.method != "HEAD" and exchange.status not in (204, 304)
            await act(exchange, fault, answer, pieces(reader, answer, True, has_body))
        finally:
            writer.transport.abort()

    async def _begin(self, exchange, answer):
        exchange.is_chunked = answer.is_chunked
        framing = [] if answer.length is None else [f"Content-Length: {answer.length}"]
        exchange.writer.write(answer.bytes(*(["Transfer-Encoding: chunked"] if answer.is_chunked else framing)))
        await exchange.writer.drain()

    async def _finish(self, exchange):
        if exchange.is_muted:
            await asyncio.Event().wait()
        if exchange.is_chunked:
            exchange.writer.write(b"0\r\n\r\n")
        await exchange.writer.drain()

    async def _whole(self, exchange, body, first="HTTP/1.1 200 OK", *more):
        """An answer of ours, well framed."""
        lines = [first, "Content-Type: application/json", f"Content-Length: {len(body)}", *more, "", ""]
        exchange.writer.write("\r\n".join(lines).encode())
        await exchange.send(body)

    # --- the faults

    async def _none(self, exchange, fault, answer, body):
        await self._begin(exchange, answer)
        async for piece in body:
            if not exchange.is_muted:
                await exchange.send(piece)
        await self._finish(exchange)

    _delay = _none

    async def _trickle(self, exchange, fault, answer, body):
        size, pause = fault.get("size", 1), fault.get("pause", 0.01)
        await self._begin(exchange, answer)
        async for piece in body:
            for at in range(0, len(piece), size):
                await exchange.send(piece[at:at + size])
                await asyncio.sleep(pause)
        await self._finish(exchange)

    async def _first(self, exchange, fault, answer, body):
        """Up to `after` bytes; the head at least, unless that is None."""
        left = fault.get("after", 0)
        if left is None or answer is None:
            return
        await self._begin(exchange, answer)
        while left:
            piece = await anext(body, b"")
            if not piece:
                return
            await exchange.send(piece[:left])
            left -= len(piece[:left])

    async def _cut(self, *args):
        await self._first(*args)
        raise Cut

    async def _silence(self, exchange, *args):
        await self._first(exchange, *args)
        exchange.is_muted = True
        await self._finish(exchange)

    async def _end(self, exchange, *args):
        await self._first(exchange, *args)
        await self._finish(exchange)
        if not exchange.is_chunked:
            raise Cut

    async def _status(self, exchange, fault, *_):
        code = exchange.status = fault.get("code")
        body = fault.get("body")
        if body is None:
            body = json.dumps(status_object(code, fault.get("message", "the proxy says so"))).encode()
        after = fault.get("retry_after")
        more = [] if after is None else [f"Retry-After: {after}"]
        await self._whole(exchange, body, f"HTTP/1.1 {code} {REASONS.get(code, 'Whatever')}", *more)

    async def _truncate(self, exchange, fault, answer, body):
        text = b"".join([piece async for piece in body])
        await self._whole(exchange, text[:int(len(text) * fault.get("keep", 0.5))])

    async def _garbage(self, exchange, fault, *_):
        if not fault.get("wire"):
            return await self._whole(exchange, GARBAGE)
        exchange.writer.write(GARBAGE)
        await exchange.writer.drain()
        raise Cut

    async def _frame(self, exchange, fault, answer, body):
        await self._begin(exchange, answer)
        await exchange.send(fault.get("data", error_frame()))
        await self._finish(exchange)


class WireProxy(Server):
    """Bytes of TCP. Connections that come later are well, except under hold(), delay and pace."""

    def __init__(self, port):
        self.delay = 0.0    # seconds, each way
        self.pace = None    # (bytes, seconds): no more at a time, with a pause behind
        self.connections = []  # the moments at which they came
        self.passed = 0
        self._muted, self._flow = set(), None
        super().__init__(port)

    async def _listen(self):
        if self._flow is None:
            self._flow = asyncio.Event()
            self._flow.set()
        await super()._listen()

    def cut(self):
        """All connections there are."""
        async def act():
            found = list(self._writers)
            for writer in found:
                writer.transport.abort()
            return len(found)
        return self._do(act())

    def mute(self):
        """All connections there are stay open, and what either end says is lost: as behind a firewall that forgot them."""
        async def act():
            self._muted |= self._writers
            return len(self._writers)
        return self._do(act())

    def hold(self):
        """Nothing passes, nothing is lost, until go()."""
        self._loop.call_soon_threadsafe(self._flow.clear)

    def go(self):
        self._loop.call_soon_threadsafe(self._flow.set)

    def open_count(self):
        return len(self._writers)

    async def _talk(self, reader, writer):
        self.connections.append(time.monotonic())
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
        tasks = [asyncio.ensure_future(self._pass(reader, upstream, writer)),
                 asyncio.ensure_future(self._pass(upstream_reader, writer, writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._muted.discard(writer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            upstream.transport.abort()

    async def _pass(self, source, target, client):
        size, pause = 65536, 0.0
        while True:
            if self.pace:
                size, pause = self.pace
            data = await source.read(size)
            if client in self._muted:
                if not data:
                    await asyncio.Event().wait()  # not even the end is heard of
                continue
            if not data:
                return
            await asyncio.sleep(self.delay)
            await self._flow.wait()
            if client not in self._muted:
                self.passed += len(data)
                target.write(data)
                await target.drain()
            await asyncio.sleep(pause)
