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
    lines = []
    for name, way in ways.items():
        one = measurements[name]
        values = figures(case, one)
        comparison = ["", ""]
        if way.counterpart:
            kelvin = measurements[way.counterpart]
            pairs = zip(speeds(case, kelvin), speeds(case, one), strict=True)
            ratios = [kelvins / others for kelvins, others in pairs]
            comparison = [ratio(case, kelvin, one), quartiles(ratios, 2)]
        lines.append(
            [
                name,
                f"{statistics.median(values):.0f}",
                quartiles(values),
                f"{1e6 * one.server_busy / one.rows:.0f}",
                f"{100 * one.client_busy / one.elapsed:.0f} %",
                *comparison,
            ]
        )
    head = [title(case), "quartiles", "processor of server, µs per row", "client busy"]
    table(["way", *head, "Kelvin is … times as fast", "quartiles"], lines)


def report_summary(ways, results):
    """A line for each way, with the speed of Kelvin as a multiple of its own in brackets."""
    lines = []
    for name, way in ways.items():
        line = [name]
        for case, measurements in results:
            one = measurements[name]
            figure = f"{statistics.median(figures(case, one)):.0f}"
            if way.counterpart:
                figure += f" ({ratio(case, measurements[way.counterpart], one)})"
            line.append(figure)
        lines.append(line)
    table(["way", *(title(case) for case, _ in results)], lines)


def title(case):
    if is_latency(case):
        return "one row, µs"
    return f"{case.rows} rows, {case.outstanding} outstanding, rows/s"


def is_latency(case):
    return case.rows == 1


def figures(case, one):
    """Microseconds of all requests, or rows per second of all rounds."""
    return [1e6 * latency for latency in one.latencies] if is_latency(case) else one.rates


def speeds(case, one):
    """For each round, a number that grows with the speed."""
    return [1 / latency for latency in one.medians] if is_latency(case) else one.rates


def ratio(case, kelvin, other):
    """How many times as fast Kelvin is."""
    mine, its = (statistics.median(figures(case, one)) for one in [kelvin, other])
    return f"{its / mine if is_latency(case) else mine / its:.2f}"


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
