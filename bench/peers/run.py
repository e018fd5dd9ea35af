"""Measures Kelvin, FastAPI with NumPy, and Triton in one run. bench/README.md says how to install and run it."""

import argparse
import asyncio
import itertools
import os
import platform
import signal
import statistics
import tempfile
import time
from pathlib import Path

import clients
import numpy as np
import servers
import tritonclient.http
import uvloop
from rows import realistic_rows

VOCAB_SIZE = 128_256
BATCH = 32
SLOTS = 16
DISTINCT_ROWS = 64
STARTS = 3
SERVER_CORE, CLIENT_CORE = 0, 1
PARAMETERS = {"temperature": 0.8, "top_k": 40, "top_p": 0.95}
# Rows of a request, outstanding requests, and seconds of a round.
CASES = [(1, 1, 0.25), (BATCH, 1, 0.5), (BATCH, 4, 0.75), (BATCH, 16, 1)]


def octets_of_kelvin(server, batches, parameters):
    query = {**parameters, "return_probabilities": "none"}
    query["shape"] = ",".join(str(size) for size in batches[0].shape)
    return clients.Octets(server, "/v1/sample", clients.tokens_of_json, batches, query)


def octets_of_fastapi(server, batches, parameters):
    query = {**parameters, "vocab_size": batches[0].shape[1]}
    return clients.Octets(server, "/sample", clients.tokens_of_octets, batches, query)


def ways(running, regions):
    """For each way: its server, what opens it, and the way of Kelvin to compare it with."""
    kelvin, fastapi, triton = running["Kelvin"], running["FastAPI"], running["Triton"]

    def v2(server, dtype, shared=None):
        return lambda batches, parameters: clients.V2(server, dtype, batches, parameters, shared)

    def octets(make, server):
        return lambda batches, parameters: make(server, batches, parameters)

    kelvin_shares = has_shared_memory(kelvin)
    fastest = "Kelvin, shared memory" if kelvin_shares else "Kelvin, /v2"
    all_ways = {
        "Kelvin, octets": (kelvin, octets(octets_of_kelvin, kelvin), None),
        "FastAPI, octets": (fastapi, octets(octets_of_fastapi, fastapi), "Kelvin, octets"),
        "Kelvin, /v2": (kelvin, v2(kelvin, np.int64), None),
        "Triton, /v2": (triton, v2(triton, np.int32), "Kelvin, /v2"),
    }
    if kelvin_shares:
        regions.register(kelvin)
        all_ways["Kelvin, shared memory"] = (kelvin, v2(kelvin, np.int64, regions), None)
    regions.register(triton)
    all_ways["Triton, shared memory"] = (triton, v2(triton, np.int32, regions), fastest)
    return all_ways


def metadata(server):
    with tritonclient.http.InferenceServerClient(f"{servers.HOST}:{server.port}") as client:
        return client.get_server_metadata()


def has_shared_memory(server):
    return "system_shared_memory" in metadata(server)["extensions"]


def nucleus(row):
    """The tokens that may be drawn, computed in float64 from a sorted row."""
    ids = np.argsort(-row, kind="stable")[: PARAMETERS["top_k"]]
    masses = np.exp((row[ids].astype(np.float64) - row[ids[0]]) / PARAMETERS["temperature"])
    shares = masses.cumsum() / masses.sum()
    return set(ids[: np.searchsorted(shares, PARAMETERS["top_p"]) + 1].tolist())


async def check(all_ways, batches):
    """Every way must find the most likely tokens, and draw from the nucleus of each row."""
    batches = batches[:4]
    allowed = [[nucleus(row) for row in batch] for batch in batches]
    for name, (_, start, _) in all_ways.items():
        for parameters in [{**PARAMETERS, "top_k": 1}, PARAMETERS]:
            way = start(batches, parameters)
            draws = 0
            for slot, batch in enumerate(batches):
                for tokens in [way.ask(slot).tolist(), (await way.ask_aio(slot)).tolist()]:
                    best = batch.argmax(axis=1).tolist()
                    if parameters["top_k"] == 1:
                        assert tokens == best, f"{name}: {tokens}, expected {best}"
                    for token, possible in zip(tokens, allowed[slot], strict=True):
                        assert token in possible, f"{name}: {token} is not in {possible}"
                    draws += tokens != best
            assert (draws > 0) == (parameters["top_k"] > 1), f"{name} does not draw"
            await way.close()


class Measurement:
    """Rounds of one way in one case."""

    def __init__(self):
        self.latencies = []
        self.round_latencies = []
        self.rates = []
        self.busy = self.client_busy = self.elapsed = 0
        self.rows = 0

    def add(self, latencies, rows, elapsed, busy, client_busy):
        self.latencies += latencies
        self.round_latencies.append(statistics.median(latencies))
        self.rates.append(rows * len(latencies) / elapsed)
        self.rows += rows * len(latencies)
        self.busy += busy
        self.client_busy += client_busy
        self.elapsed += elapsed


async def measure_round(way, slots, outstanding, seconds):
    """The latency of each request."""
    latencies = []
    until = time.perf_counter() + seconds

    def note(since):
        now = time.perf_counter()
        latencies.append(now - since)
        return now

    async def work(slot):
        since = time.perf_counter()
        while since < until:
            await way.ask_aio(slot)
            since = note(since)

    if outstanding > 1:
        await asyncio.gather(*(work(slot) for slot in range(outstanding)))
        return latencies
    since = time.perf_counter()
    for slot in itertools.cycle(range(slots)):
        if since >= until:
            return latencies
        way.ask(slot)
        since = note(since)


async def measure(all_ways, batches, case, seconds):
    rows, outstanding, round_seconds = case
    slots = max(4, outstanding) if rows > 1 else SLOTS
    batches = [batch[:rows] for batch in batches[:slots]]
    opened = {name: start(batches, PARAMETERS) for name, (_, start, _) in all_ways.items()}
    measurements = {name: Measurement() for name in all_ways}
    # The first round warms up.
    for number in range(1 + max(3, round(seconds / round_seconds))):
        for name, way in opened.items():
            server = all_ways[name][0]
            busy, client, since = server.busy(), time.process_time(), time.perf_counter()
            latencies = await measure_round(way, slots, outstanding, round_seconds)
            elapsed = time.perf_counter() - since
            client = time.process_time() - client
            if number > 0:
                busy = server.busy() - busy
                measurements[name].add(latencies, rows, elapsed, busy, client)
    for way in opened.values():
        await way.close()
    return measurements


def quartiles(values, form):
    low, _, high = statistics.quantiles(values, n=4)
    return f"{form.format(low)}–{form.format(high)}"


def table(head, lines):
    print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    for line in lines:
        print(f"| {' | '.join(str(cell) for cell in line)} |")


def report(all_ways, case, measurements):
    rows, outstanding, _ = case
    is_latency = rows == 1
    lines = []
    for name, (_, _, counterpart) in all_ways.items():
        one = measurements[name]
        if is_latency:
            values = [1e6 * latency for latency in one.latencies]
        else:
            values = one.rates
        times = ["", ""]
        if counterpart:
            other = measurements[counterpart]
            if is_latency:
                pairs = zip(one.round_latencies, other.round_latencies, strict=True)
                ratio = statistics.median(one.latencies) / statistics.median(other.latencies)
            else:
                pairs = zip(other.rates, one.rates, strict=True)
                ratio = statistics.median(other.rates) / statistics.median(one.rates)
            times = [f"{ratio:.2f}", quartiles([a / b for a, b in pairs], "{:.2f}")]
        lines.append(
            [
                name,
                f"{statistics.median(values):.0f}",
                quartiles(values, "{:.0f}"),
                f"{1e6 * one.busy / one.rows:.0f}",
                f"{100 * one.client_busy / one.elapsed:.0f} %",
                *times,
            ]
        )
    unit = "µs" if is_latency else "rows/s"
    what = "One row" if is_latency else f"{rows} rows, {outstanding} outstanding"
    head = [what, unit, "quartiles", "server, µs of processor per row", "client busy"]
    table([*head, "Kelvin is … times as fast", "quartiles"], lines)


def start_all(kinds):
    """Starts each server several times, and keeps the last of each."""
    running, starts = {}, {kind.name: [] for kind in kinds}
    for number in range(STARTS):
        for kind in kinds:
            server = kind.start(SERVER_CORE)
            running[kind.name] = server
            time.sleep(1)
            starts[kind.name].append((server.start_time, server.memory()))
            if number < STARTS - 1:
                server.stop()
    return running, starts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kelvin", required=True, help="a checkout of Kelvin after npm ci")
    parser.add_argument("--seconds", type=float, default=8, help="for each way in each case")
    parser.add_argument("--top-k", choices=["maxima", "argpartition"], default="maxima")
    options = parser.parse_args()
    os.environ["TOP_K_METHOD"] = options.top_k
    # With SystemExit, everything below ends as after an error.
    signal.signal(signal.SIGTERM, lambda *_: exit(1))
    os.sched_setaffinity(0, {CLIENT_CORE})
    running = {}
    with tempfile.TemporaryDirectory(prefix="kelvin-peers-") as folder:
        kinds = [servers.Kelvin(options.kelvin), servers.FastApi(), servers.Triton(folder)]
        try:
            running, starts = start_all(kinds)
            regions = clients.Regions(SLOTS, BATCH, VOCAB_SIZE)
            rows = realistic_rows(DISTINCT_ROWS, VOCAB_SIZE, np.random.default_rng(1))
            for slot in range(SLOTS):
                regions.batches[slot] = rows[(4 * slot + np.arange(BATCH)) % DISTINCT_ROWS]
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                bench(runner, kinds, running, starts, regions, options)
            regions.remove()
        finally:
            for server in running.values():
                server.stop()
            servers.remove_shared_memory()


def bench(runner, kinds, running, starts, regions, options):
    processor = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    triton = metadata(running["Triton"])["version"]
    print(f"{platform.system()}, {processor}; server on one core, client on the other")
    print(f"V = {VOCAB_SIZE:,}, {PARAMETERS}; {options.seconds:g} s each; top-k by {options.top_k}")
    print(servers.python_versions())
    all_ways = ways(running, regions)
    runner.run(check(all_ways, regions.batches))
    for case in CASES:
        report(all_ways, case, runner.run(measure(all_ways, regions.batches, case, options.seconds)))
    lines = []
    for kind in kinds:
        times, memories = zip(*starts[kind.name], strict=True)
        version = f"{triton}, {kind.version()}" if kind.name == "Triton" else kind.version()
        memory = [statistics.median(memories), running[kind.name].memory()]
        mebibytes = [f"{size / 2**20:.0f}" for size in memory]
        lines.append([kind.name, version, f"{statistics.median(times):.2f}", *mebibytes])
    table(["server", "version", "ready after, s", "idle, MiB", "after the run, MiB"], lines)


if __name__ == "__main__":
    main()
