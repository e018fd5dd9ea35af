"""Measures Kelvin, FastAPI with NumPy, and Triton in one run. bench/README.md says how to install and run it."""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from pathlib import Path

import clients
import numpy as np
import servers
from measure import Case, measure
from report import report_case, report_servers, report_summary
from rows import realistic_rows
from ways import PARAMETERS, all_ways, check

VOCAB_SIZE = 128_256
BATCH = 32
SLOTS = 16
DISTINCT_ROWS = 64
STARTS = 3
SERVER_CORE, CLIENT_CORE = 0, 1
CASES = [Case(1, 1, 0.25), Case(BATCH, 1, 0.5), Case(BATCH, 4, 0.75), Case(BATCH, 16, 1)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kelvin", required=True, help="a checkout of Kelvin after npm ci")
    parser.add_argument("--seconds", type=float, default=8, help="for each way in each case")
    parser.add_argument("--top-k", choices=["maxima", "argpartition"], default="maxima")
    options = parser.parse_args()
    os.environ["TOP_K_METHOD"] = options.top_k
    # Servers and shared memory are removed then, as after an error.
    signal.signal(signal.SIGTERM, lambda *_: exit(1))
    os.sched_setaffinity(0, {CLIENT_CORE})
    running = {}
    with tempfile.TemporaryDirectory(prefix="kelvin-peers-") as folder:
        programs = [servers.Kelvin(options.kelvin), servers.FastApi(), servers.Triton(folder)]
        try:
            starts = start_all(programs, running)
            regions = clients.Regions(SLOTS, BATCH, VOCAB_SIZE)
            fill(regions.batches)
            bench(running, regions, options)
            report_servers(programs, starts, running)
            regions.remove()
        finally:
            for server in running.values():
                server.stop()
            servers.remove_shared_memory()


def start_all(programs, running):
    """Starts each server several times, and keeps the last. Returns times of start and idle memory."""
    starts = {program.name: [] for program in programs}
    for number in range(STARTS):
        for program in programs:
            server = running[program.name] = program.start(SERVER_CORE)
            time.sleep(1)
            starts[program.name].append((server.start_time, server.memory()))
            if number < STARTS - 1:
                server.stop()
    return starts


def fill(batches):
    rows = realistic_rows(DISTINCT_ROWS, batches.shape[2], np.random.default_rng(1))
    for slot, batch in enumerate(batches):
        batch[:] = rows[(4 * slot + np.arange(len(batch))) % len(rows)]


def bench(running, regions, options):
    processor = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    print(f"{processor}, servers on one core, client on the other; {servers.python_versions()}")
    print(f"V = {VOCAB_SIZE:,}, {PARAMETERS}, top-k of the peers by {options.top_k}")
    print(f"{options.seconds:g} s for each way in each case")
    ways = all_ways(running["Kelvin"], running["FastAPI"], running["Triton"], regions)
    with asyncio.Runner() as runner:
        runner.run(check(ways, regions.batches[:4]))
        results = []
        for case in CASES:
            measurements = runner.run(measure(ways, regions.batches, case, options.seconds))
            report_case(ways, case, measurements)
            results.append((case, measurements))
    report_summary(ways, results)


if __name__ == "__main__":
    main()
