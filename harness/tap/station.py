"""The tap's state: its listeners, its relays, the namespaces in which it dials, and its gate."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic_ns

from harness.environments import kernel
from harness.environments.docker.sandboxes import Sandbox
from harness.environments.listening import is_listened, question_socket
from harness.errors import EnvironmentFailed, HarnessBug
from harness.model.address import CLIENT, Address
from harness.model.cut import Reached
from harness.model.frame import FROM_CLIENT, Frame
from harness.protocols import TAP_MARK
from harness.tap.answers import error_answer
from harness.tap.backlog import Backlog
from harness.tap.detour import Detour, Way
from harness.tap.failing import Failing
from harness.tap.flow import Flow
from harness.tap.gate import Gate, Met
from harness.tap.listeners import Listeners
from harness.tap.relay import Link, Relay, read
from harness.tap.spill import Spill
from harness.tap.spool import Spool
from harness.trace.tracer import Tracer

_READY = b"Z\0\0\0\5"
"""ReadyForQuery without its last byte, the status."""
_END_TIMEOUT_S = 1.0
"""How long a server may take to read what was sent to it before it is told of the end."""


def _route(link: Link) -> "Route":
    return link.client, link.server, link.port


def _marked() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, TAP_MARK)
    return sock


Route = tuple[str, str, int]
"""Client, server and the server's port."""


class Station:
    """All links of a system. `tell` gets what was armed and is reached."""

    def __init__(self, tell: Callable[[Reached], None]) -> None:
        self.tracer = Tracer(frozenset(), terse=True)
        self.spool = Spool()
        self.payload_bytes = 0
        self.failing = Failing()
        self.gate = Gate(
            relays=lambda: self.relays,
            count=self._count,
            earlier=self.tracer.earlier,
            others=self.tracer.others,
            is_done=self.tracer.is_done,
            tell=tell,
            note=self.note,
        )
        self.relays: set[Relay] = set()
        self.dialled: set[tuple[str, str, int]] = set()
        """(server, address, port) of the tap's end of every connection that it has ever made: a
        server may know one for long that is gone here."""
        self.connections = 0
        self.legs = 0
        """Sockets that are open, two for a connection."""
        self._quiet = asyncio.Event()
        self._leg_lost = asyncio.Event()
        self.listeners = Listeners(self._accept, self._takes, self._bound)
        self._namespaces: dict[str, int] = {}
        self._sandboxes: dict[str, Sandbox] = {}
        """Who makes sockets in a client's network where this process may not enter it."""
        self._asking: dict[str, socket.socket] = {}
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        self.backlog = Backlog(read, self._loop)
        """What was forwarded and is to be read."""
        self._dials: dict[asyncio.Task[None], Relay] = {}
        self._detours: dict[Route, Detour] = {}

    def _count(self, pattern: Address) -> int:
        self.drain()
        return self.tracer.count(pattern)

    # --- links --------------------------------------------------------------------------------

    async def listen(self, links: Iterable[Link]) -> None:
        """Stand on these links. Raises OSError naming an address that is taken."""
        await self.listeners.add(links)

    def _accept(self, link: Link) -> Flow:
        self.connections += 1
        relay = Relay(self, link, self.connections)
        self.relays.add(relay)
        self.gate.made(relay)
        self._made(relay)
        return relay.up

    def _made(self, relay: Relay) -> None:
        """A connection whose requests may not be for its server."""
        if self.failing.covers(relay.link):
            relay.aim()

    def saw(self, relay: Relay, flow: Flow, frames: Sequence[Frame]) -> None:
        """Frames that have just been read on a connection that is not on the fast way."""
        self.failing.saw(relay, flow, frames)
        self.gate.saw(relay, flow, frames)

    def _takes(self, link: Link) -> bool | None:
        """Whether somebody listens at the link's server."""
        asking = self._asking.get(link.server)
        return None if asking is None else is_listened(asking, link.address, link.port)

    def network(self, node: str, descriptor: int) -> None:
        """Where connections of the node are dialled from now on."""
        old = self._namespaces.pop(node, None)
        if old is not None:
            os.close(old)
        self._namespaces[node] = descriptor
        if node in self._asking:
            self._asking.pop(node).close()
        self._asking[node] = self._inside(descriptor, question_socket)

    def sandbox(self, client: str, path: str) -> None:
        """Connections of the client are dialled by sockets that its sandbox makes; that of CLIENT
        makes those that listen, for all. Raises EnvironmentFailed."""
        self._sandboxes[client] = Sandbox(client, Path(path))
        self._asking[client] = self._sandboxes[client].socket("question")
        self._asking[client].settimeout(1.0)

    def _bound(self, link: Link) -> socket.socket | None:
        return self._bound_at((link.listen, link.port))

    def _bound_at(self, place: tuple[str, int]) -> socket.socket | None:
        """A socket that listens where the taps' own sandbox is; None: at that address here."""
        sandbox = self._sandboxes.get(CLIENT)
        if sandbox is None:
            return None
        address, port = place
        return sandbox.socket("listening", address=address, port=port)

    def dial(self, relay: Relay) -> None:
        """Connect to the relay's server from its client's own network."""
        task = self._loop.create_task(self._dial(relay))
        self._dials[task] = relay
        task.add_done_callback(self._dials.pop)

    async def _dial(self, relay: Relay) -> None:
        link = relay.link
        try:
            sock = self._socket(link.client)
        except EnvironmentFailed as gone:
            self.note(relay, "refused", str(gone))
            relay.close(reset=True)
            return
        try:
            await self._loop.sock_connect(sock, (link.address, link.port))
            if relay.is_closed:
                sock.close()
                return
            here = sock.getsockname()
            self.dialled.add((link.server, str(here[0]), int(here[1])))
            relay.local = (str(here[0]), int(here[1]))
            detour = self._detours.get(_route(link))
            if detour is not None:
                sock = await detour.through(sock)
            await self._loop.create_connection(lambda: relay.down, sock=sock)
        except asyncio.CancelledError:
            sock.close()
            raise
        except OSError as error:
            sock.close()
            self.note(relay, "refused", error.strerror or str(error))
            if isinstance(error, ConnectionRefusedError):
                self.listeners.refuse(link.server)
            relay.close(reset=True)

    async def lead(self, ways: Mapping[Route, Way]) -> None:
        """From now on these links, and no others, have a detour. Connections of a link that gets
        another way are ended, so that their clients connect again. Raises OSError naming an
        address that is taken."""
        kept = {route: d for route, d in self._detours.items() if ways.get(route) == d.way}
        gone = [detour for route, detour in self._detours.items() if route not in kept]
        changed = (self._detours.keys() | ways.keys()) - kept.keys()
        self._detours = kept
        for route in ways.keys() - kept.keys():
            # The proxy is where the taps are.
            detour = Detour(ways[route], entry=lambda: self._socket(CLIENT), bound=self._bound_at)
            await detour.open()
            self._detours[route] = detour
        ending = [r for r in self.relays if _route(r.link) in changed]
        for relay in ending:
            relay.close(reset=False)
        await asyncio.gather(self._until_ended(ending), *(d.close(_END_TIMEOUT_S) for d in gone))

    def _socket(self, client: str) -> socket.socket:
        namespace = self._namespaces.get(client)
        if client in self._sandboxes:
            sock = self._sandboxes[client].socket("socket")
        elif namespace is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        else:
            sock = self._inside(namespace, _marked)
        sock.setblocking(False)
        return sock

    def _inside(self, namespace: int, make: Callable[[], socket.socket]) -> socket.socket:
        """A socket belongs to the namespace in which it is made, for good."""
        kernel.setns(namespace, kernel.CLONE_NEWNET)
        try:
            return make()
        finally:
            kernel.setns(self._home, kernel.CLONE_NEWNET)

    def leg_lost(self) -> None:
        """A socket has been closed."""
        self.legs -= 1
        self._leg_lost.set()
        if not self.legs:
            self._quiet.set()

    def closed(self, relay: Relay, *, reset: bool) -> None:
        """A relay has ended both its legs."""
        self.relays.discard(relay)
        self.backlog.after(lambda: relay.reader.close(relay.delivered))
        self.note(relay, "close", "reset" if reset else "")
        self.gate.gone()

    # --- reading ------------------------------------------------------------------------------

    def drain(self) -> None:
        """Read what was forwarded before it was read."""
        self.backlog.drain()

    def note(self, relay: Relay, kind: str, text: str) -> None:
        """A frame of the tap's own, in its place among the others."""
        at, now = relay.up.fed, monotonic_ns()
        frame = Frame(direction=FROM_CLIENT, first=at, end=at, kind=kind, name=text)
        self.backlog.after(lambda: self.spool.add(now, relay.who, frame, None, None))

    # --- scenarios ----------------------------------------------------------------------------

    def begin(self, path: Path, key_columns: frozenset[str], payload_bytes: int) -> None:
        """From now on everything is counted anew and written to `path`. Raises OSError."""
        self.drain()
        self.gate.open()
        self.failing.clear()
        self.spool.close()
        self.spool = Spool(path)
        if self.backlog.spill is None:
            self.backlog.spill = Spill(path.parent)
        self.payload_bytes = payload_bytes
        self.tracer.begin(key_columns)
        for relay in self.relays:
            relay.asked.clear()

    def end(self) -> int:
        """Write the rest. Returns how many frames there were. Raises OSError where not all of
        them could be written."""
        self.drain()
        ended, self.spool = self.spool, Spool()
        ended.close()
        if ended.error is not None:
            raise OSError(f"the trace is not complete: {ended.error}")
        return ended.seq

    # --- acting -------------------------------------------------------------------------------

    def discard(self, node: str) -> asyncio.Task[None]:
        """The node is dead: what is held on its connections is dropped, and they end. What is
        returned is done once their servers know: the network they stand in may go then."""
        self.drain()
        self.listeners.refuse(node)
        ending = [r for r in self.relays if node in {r.link.client, r.link.server}]
        for relay in ending:
            if relay.held:
                relay.drop()
            relay.close(reset=False)
        for task, relay in self._dials.items():
            if relay in ending:
                task.cancel()
        # What is on its way through a proxy is lost with the node's network.
        beyond = [d for route, d in self._detours.items() if node in route[:2]]
        return self._loop.create_task(self._until_ended(ending, beyond))

    async def _until_ended(self, relays: list[Relay], beyond: Sequence[Detour] = ()) -> None:
        await asyncio.gather(*(detour.end(_END_TIMEOUT_S) for detour in beyond))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT_S):
                while any(relay.up.source or relay.down.source for relay in relays):
                    self._leg_lost.clear()
                    await self._leg_lost.wait()
        for relay in relays:  # what a server does not take any more would keep its leg open
            for leg in (relay.up.source, relay.down.source):
                if leg is not None:
                    leg.abort()
        # A leg is told to be lost just before its socket is closed.
        await asyncio.sleep(0)

    def fail(self, client: str, server: str, code: str) -> None:
        """Answer every HTTP request on a link with this status, from now on."""
        self.drain()
        self.failing.begin((client, server), code)
        for relay in self.relays:
            self._made(relay)

    def reset(self) -> None:
        """Reset the connection of the effect that was met."""
        self._met().relay.close(reset=True)

    def swallow(self) -> None:
        """Drop the answer that is held, so that its client never gets it."""
        self._replace_answer(self._met(), b"")

    def answer(self, error: str) -> None:
        """Answer with an error in the server's stead. Before the effect the request is never
        sent, and the connection ends with the error, because its server knows nothing of it."""
        met = self._met()
        relay = met.relay
        before = self.gate.answer is None
        told = error_answer(relay.link.protocol, error, met.request, ends_connection=before)
        if not before:
            self._replace_answer(met, told)
        elif relay.up.source is not None:
            relay.up.source.write(told)
        if before or relay.link.protocol == "http":
            relay.drop()
            relay.close(reset=False)

    def _replace_answer(self, met: Met, told: bytes) -> None:
        if self.gate.answer is None:
            raise EnvironmentFailed("there is no answer to the effect yet")
        first, end = self.gate.answer
        down = met.relay.down
        # PostgreSQL's answer to a commit has a second message.
        if down.message(end, end + len(_READY)) == _READY:
            end += len(_READY) + 1
        down.instead(first, end, told)

    def _met(self) -> Met:
        met = self.gate.met
        if met is None:
            raise HarnessBug("no point was reached")
        if met.relay.is_closed:
            raise EnvironmentFailed("the connection of the effect has ended by itself")
        return met

    async def close(self) -> None:
        """End everything."""
        self._quiet.clear()
        await self.listeners.close()
        for relay in tuple(self.relays):
            relay.close(reset=False)
        await asyncio.gather(*self._dials, return_exceptions=True)
        await asyncio.gather(*(d.close(_END_TIMEOUT_S) for d in self._detours.values()))
        if self.legs:
            await self._quiet.wait()
        for asking in self._asking.values():
            asking.close()
        for sandbox in self._sandboxes.values():
            sandbox.close()
        self.spool.close()
        self.backlog.close()
