"""An open-loop load: requests go out at a fixed rate, whether or not earlier ones were answered.

What "failed" means is written once, here: a status of 500 or more or 429, a reset, a time-out, a wrong body. What a
browser mends without a word, a kept connection that was closed as a request entered it, is counted apart
(proof/connections.py). The time of an answer counts from the moment its request was due, so that a generator that
falls behind cannot flatter it.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import json
import math
import pathlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from typing import Any, Protocol

import aiohttp

from proof.connections import reopened

CLIENTS = 24
REQUEST_SECONDS = 15
LONGEST_SECONDS = 900
FAULTS_TOLD = 12


@dataclasses.dataclass(frozen=True)
class Answer:
    """What became of one request."""

    step: str
    due: float  # seconds after the load's beginning
    seconds: float  # from the moment it was due to the end of its body
    status: int = 0  # 0: none came
    served_by: str = ""
    fault: str = ""  # why it failed; empty: it did not
    reopened: int = 0  # kept connections that it found closed, and opened again

    @property
    def ended(self) -> float:
        return self.due + self.seconds


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Any
    body: bytes


class Client(Protocol):
    """What a step is given: one of the people at their browsers."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Step:
    """One kind of request: how it is sent, and what is wrong with a reply of it (nothing: an empty string)."""

    name: str
    send: Callable[[Any], Awaitable[Reply]]
    check: Callable[[Any, Reply], str]


def failed_status(status: int) -> bool:
    return status >= 500 or status == 429


def why(error: BaseException) -> str:
    """A request that got no answer: one word for the figures, and what the library said."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError | aiohttp.ClientOSError):
        return f"reset: {error}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"wrong body: {error}"
    return f"{type(error).__name__}: {error}"


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """Nearest rank: a value that was measured, never one between two."""
    if not sorted_values:
        return math.nan
    return sorted_values[max(0, math.ceil(percent / 100 * len(sorted_values)) - 1)]


@dataclasses.dataclass(frozen=True)
class Result:
    """The figures of a load, of all its answers or of some."""

    answers: tuple[Answer, ...]
    rate: float
    clients: int
    # how late the generator itself was at worst; the answers' times include it
    behind: float
    marks: tuple[tuple[float, str], ...] = ()

    def only(self, *steps: str) -> Result:
        return dataclasses.replace(self, answers=tuple(answer for answer in self.answers if answer.step in steps))

    def between(self, begin: float, end: float) -> Result:
        return dataclasses.replace(self, answers=tuple(answer for answer in self.answers if begin <= answer.due < end))

    @property
    def requests(self) -> int:
        return len(self.answers)

    @property
    def failures(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.fault]

    @property
    def reopened(self) -> int:
        """Kept connections that were found closed as a request entered them, and opened again."""
        return sum(answer.reopened for answer in self.answers)

    @property
    def shares(self) -> dict[str, float]:
        """The part of the answers that each node gave."""
        served = collections.Counter(answer.served_by for answer in self.answers if answer.status)
        return {node: count / served.total() for node, count in sorted(served.items())}

    def seconds(self, percent: float) -> float:
        return percentile(sorted(answer.seconds for answer in self.answers), percent)

    @property
    def slowest(self) -> float:
        return max((answer.seconds for answer in self.answers), default=math.nan)

    def longest_gap(self) -> float:
        """The longest time without a single good answer: how long the cluster was away for everybody."""
        ends = sorted(answer.ended for answer in self.answers if not answer.fault)
        return max((after - before for before, after in itertools.pairwise(ends)), default=math.nan)

    def timeline(self) -> list[dict[str, Any]]:
        """Second by second: requests due, how many of them failed, the slowest, who answered."""
        by_second: dict[int, list[Answer]] = collections.defaultdict(list)
        for answer in self.answers:
            by_second[int(answer.due)].append(answer)
        return [
            {
                "second": second,
                "requests": len(answers),
                "failed": sum(bool(answer.fault) for answer in answers),
                "slowest": round(max(answer.seconds for answer in answers), 3),
                "served_by": dict(sorted(collections.Counter(answer.served_by for answer in answers).items())),
            }
            for second, answers in sorted(by_second.items())
        ]

    def figures(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "rate": self.rate,
            "clients": self.clients,
            "failed": len(self.failures),
            "reopened": self.reopened,
            "by_step": dict(sorted(collections.Counter(answer.step for answer in self.answers).items())),
            "by_status": {
                str(status): count
                for status, count in sorted(collections.Counter(answer.status for answer in self.answers).items())
            },
            "shares": {node: round(share, 4) for node, share in self.shares.items()},
            "seconds": {
                "p50": round(self.seconds(50), 4),
                "p95": round(self.seconds(95), 4),
                "p99": round(self.seconds(99), 4),
                "max": round(self.slowest, 4),
            },
            "generator_behind_seconds": round(self.behind, 4),
        }

    def describe(self) -> str:
        """A few lines for a person, with the failures there were and what was going on then."""
        figures = self.figures()
        times = {name: round(value * 1000) for name, value in figures["seconds"].items()}
        lines = [
            f"{self.requests} requests at {self.rate:g}/s from {self.clients} clients, {len(self.failures)} failed, "
            f"{self.reopened} connections opened again; "
            f"p50 {times['p50']} ms, p95 {times['p95']} ms, p99 {times['p99']} ms, max {times['max']} ms; "
            f"generator behind by {self.behind * 1000:.0f} ms at most",
            "shares: " + ", ".join(f"{node or '?'} {share:.1%}" for node, share in self.shares.items()),
        ]
        lines += [
            f"  failed at {answer.due:.1f} s: {answer.step} {answer.status} {answer.served_by} "
            f"after {answer.seconds:.2f} s: {answer.fault}"
            for answer in self.failures[:FAULTS_TOLD]
        ]
        if len(self.failures) > FAULTS_TOLD:
            lines.append(f"  ... and {len(self.failures) - FAULTS_TOLD} more")
        lines += [f"  {moment:.1f} s: {text}" for moment, text in self.marks]
        return "\n".join(lines)

    def save(self, path: pathlib.Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**self.figures(), "marks": self.marks, "timeline": self.timeline()}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def mixed(weights: Iterable[tuple[Step, int]]) -> Iterator[Step]:
    """The steps in turn, as often as their weights say and evenly spread; the same order every time."""
    table = [(step, weight) for step, weight in weights if weight > 0]
    total = sum(weight for _, weight in table)
    credit = [0] * len(table)
    while True:
        credit = [have + weight for have, (_, weight) in zip(credit, table, strict=True)]
        chosen = credit.index(max(credit))
        credit[chosen] -= total
        yield table[chosen][0]


class Load:
    """A load that runs in a thread of its own, at least so many requests and until it is told to end."""

    def __init__(
        self,
        make_client: Callable[[int], Client],
        mix: Iterable[tuple[Step, int]],
        *,
        rate: float,
        at_least: int,
        at_most: int | None = None,
        clients: int = CLIENTS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._make_client = make_client
        self._mix = tuple(mix)
        self._rate = rate
        self._at_least = at_least
        self._at_most = at_least if at_most is None else at_most
        if self._at_most / rate > LONGEST_SECONDS:
            raise ValueError(f"{self._at_most} requests at {rate:g}/s take longer than {LONGEST_SECONDS} s")
        self._clients = clients
        self._request_seconds = request_seconds
        self._answers: list[Answer] = []
        self._marks: list[tuple[float, str]] = []
        self._behind = 0.0
        self._began = 0.0
        self._ready = threading.Event()
        self._enough = threading.Event()
        self._stop = threading.Event()
        self._outcome: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="load", daemon=True)

    # --- for the test's thread ---

    def start(self) -> None:
        """Return when every client is signed in and the first request is due."""
        self._thread.start()
        while not self._ready.wait(0.05):
            if self._outcome.done():
                self._outcome.result()

    @property
    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._began

    def mark(self, text: str) -> float:
        """Note what is being done to the cluster, beside the answers."""
        moment = self.now
        self._marks.append((round(moment, 2), text))
        return moment

    def answers_since(self, moment: float) -> list[Answer]:
        """Answers that ended after that moment (seconds since the load began)."""
        return [answer for answer in self._answers.copy() if answer.ended > moment]

    def served_since(self, moment: float) -> set[str]:
        """Nodes that gave a good answer to a request that was due after that moment."""
        return {answer.served_by for answer in self._answers.copy() if answer.due > moment and not answer.fault}

    def finish(self) -> Result:
        """Let it reach its number of requests, and give the figures."""
        self._enough.set()
        self._thread.join()
        self._outcome.result()
        answers = tuple(sorted(self._answers, key=lambda answer: answer.due))
        return Result(answers, self._rate, self._clients, self._behind, tuple(self._marks))

    def abandon(self) -> None:
        """End now: the figures are of no interest any more."""
        self._stop.set()
        self._thread.join()

    # --- the load's own thread ---

    def _work(self) -> None:
        try:
            asyncio.run(self._drive())
        except BaseException as error:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(None)

    async def _drive(self) -> None:
        clients = [self._make_client(number) for number in range(self._clients)]
        async with AsyncExitStack() as stack:
            for client in clients:
                stack.push_async_callback(client.close)
            # a few at a time: signing in costs the cluster its hashing
            gate = asyncio.Semaphore(4)

            async def enter(client: Client) -> None:
                async with gate:
                    await client.open()

            await asyncio.gather(*map(enter, clients))
            self._began = time.monotonic()
            self._ready.set()
            await self._send(clients)

    async def _send(self, clients: Sequence[Client]) -> None:
        steps = mixed(self._mix)
        running: set[asyncio.Task[None]] = set()
        number = 0
        while number < self._at_most and not self._stop.is_set():
            if number >= self._at_least and self._enough.is_set():
                break
            due = number / self._rate
            ahead = due - self.now
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._behind = max(self._behind, self.now - due)
            task = asyncio.create_task(self._ask(next(steps), clients[number % len(clients)], due))
            running.add(task)
            task.add_done_callback(running.discard)
            number += 1
        if running:
            await asyncio.gather(*running)

    async def _ask(self, step: Step, client: Client, due: float) -> None:
        status, served_by = 0, ""
        reopened.set(0)
        try:
            async with asyncio.timeout(max(0.1, due + self._request_seconds - self.now)):
                reply = await step.send(client)
            status, served_by = reply.status, reply.headers.get("X-Served-By", "")
            fault = f"status {status}" if failed_status(status) else step.check(client, reply)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            fault = why(error)
        self._answers.append(Answer(step.name, due, self.now - due, status, served_by, fault, reopened.get()))


@contextmanager
def running(load: Load) -> Iterator[Load]:
    """The load while something is done to the cluster; whoever wants the figures calls finish() inside."""
    try:
        load.start()
        yield load
    finally:
        load.abandon()
