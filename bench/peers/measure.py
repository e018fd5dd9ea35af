"""Measures all ways in one case. They alternate in short rounds, so that noise affects all."""

import asyncio
import itertools
import statistics
import time
from dataclasses import dataclass, field

from ways import PARAMETERS


@dataclass
class Case:
    rows: int
    outstanding: int
    # Length of a round.
    seconds: float


@dataclass
class Measurement:
    """What the rounds of one way add up to. All times are in seconds."""

    latencies: list = field(default_factory=list)
    # For each round, its median latency, and its rows per second.
    medians: list = field(default_factory=list)
    rates: list = field(default_factory=list)
    rows: int = 0
    elapsed: float = 0
    server_busy: float = 0
    client_busy: float = 0


async def measure(ways, batches, case, seconds):
    # One client needs several batches, so that they are not in the processor cache.
    slots = max(4, case.outstanding) if case.rows > 1 else len(batches)
    batches = [batch[: case.rows] for batch in batches[:slots]]
    opened = {name: way.open(batches, PARAMETERS) for name, way in ways.items()}
    measurements = {name: Measurement() for name in ways}
    for client in opened.values():
        await latencies_of_round(client, slots, case)
    for _ in range(max(3, round(seconds / case.seconds))):
        for name, client in opened.items():
            await measure_round(measurements[name], ways[name].server, client, slots, case)
    for client in opened.values():
        await client.close()
    return measurements


async def measure_round(measurement, server, client, slots, case):
    server_busy, client_busy, since = server.busy(), time.process_time(), time.perf_counter()
    latencies = await latencies_of_round(client, slots, case)
    elapsed = time.perf_counter() - since
    measurement.elapsed += elapsed
    measurement.client_busy += time.process_time() - client_busy
    measurement.server_busy += server.busy() - server_busy
    rows = case.rows * len(latencies)
    measurement.rows += rows
    measurement.latencies += latencies
    measurement.medians.append(statistics.median(latencies))
    measurement.rates.append(rows / elapsed)


async def latencies_of_round(client, slots, case):
    """One request follows the other for each slot that is asked at the same time."""
    latencies = []
    until = time.perf_counter() + case.seconds

    async def ask_repeatedly(slot):
        since = time.perf_counter()
        while since < until:
            await client.ask_aio(slot)
            since = note(latencies, since)

    if case.outstanding > 1:
        await asyncio.gather(*(ask_repeatedly(slot) for slot in range(case.outstanding)))
    else:
        since = time.perf_counter()
        turns = itertools.cycle(range(slots))
        while since < until:
            client.ask(next(turns))
            since = note(latencies, since)
    return latencies


def note(latencies, since):
    now = time.perf_counter()
    latencies.append(now - since)
    return now
