"""Tables in Markdown."""

import statistics


def table(head, lines):
    print(f"\n| {' | '.join(head)} |\n|{' --- |' * len(head)}", flush=True)
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)


def quartiles(values, digits=0):
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.{digits}f}–{high:.{digits}f}"


def report_case(ways, case, measurements):
    is_latency = case.rows == 1
    if is_latency:
        what, unit = "one row", "µs"
    else:
        what, unit = f"{case.rows} rows, {case.outstanding} outstanding", "rows/s"
    lines = []
    for name, way in ways.items():
        one = measurements[name]
        values = [1e6 * latency for latency in one.latencies] if is_latency else one.rates
        line = [
            name,
            f"{statistics.median(values):.0f}",
            quartiles(values),
            f"{1e6 * one.server_busy / one.rows:.0f}",
            f"{100 * one.client_busy / one.elapsed:.0f} %",
        ]
        comparison = ["", ""]
        if way.counterpart:
            kelvin = measurements[way.counterpart]
            comparison = (
                compare(kelvin.speeds, one.speeds)
                if is_latency
                else compare(kelvin.rates, one.rates)
            )
        lines.append([*line, *comparison])
    head = [what, unit, "quartiles", "processor of server, µs per row", "client busy"]
    table([*head, "Kelvin is … times as fast", "quartiles"], lines)


def compare(kelvin, other):
    """The ratio of the medians, and the quartiles of the ratio of each pair of rounds."""
    pairs = [mine / its for mine, its in zip(kelvin, other, strict=True)]
    return [f"{statistics.median(kelvin) / statistics.median(other):.2f}", quartiles(pairs, 2)]


def report_servers(programs, starts, running):
    lines = []
    for program in programs:
        server = running[program.name]
        times, memories = zip(*starts[program.name], strict=True)
        sizes = [statistics.median(memories), server.memory()]
        megabytes = [f"{size / 1e6:.0f}" for size in sizes]
        ready = f"{statistics.median(times):.2f}"
        lines.append([program.name, program.version(server), ready, *megabytes])
    table(["server", "version", "ready after, s", "idle, MB", "after the run, MB"], lines)
