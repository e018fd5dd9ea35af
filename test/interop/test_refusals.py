"""
Published clients and proxies read every refusal, however long the body is that Kelvin drains.

By default each client sends each refused request once, with one of the bodies. RUNS=100 sends each
request with each body 100 times, and prints a line for each. CLIENTS and BODIES are patterns that
select clients and bodies.
"""

import collections
import http.client
import itertools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parents[2]
REFUSALS = json.loads((ROOT / "test/refusals/refusals.json").read_text())
# The URLs of the servers, by their names in the list.
SERVERS = json.loads(os.environ["KELVIN_REFUSING"])
RUNS = int(os.environ.get("RUNS", "0"))

MIB = 2**20
LIMIT = 64 * MIB
BODIES = [
    (size, framing) for size in (MIB // 2, 20 * MIB, 70 * MIB) for framing in ("length", "chunked")
]
TURNS = itertools.cycle(BODIES)


def pieces(size):
    piece = b"]" * MIB
    for start in range(0, size, MIB):
        yield piece[: min(MIB, size - start)]


def payload(size, framing):
    return pieces(size) if framing == "chunked" else b"]" * size


def by_urllib(url, size, framing, headers, runs):
    for _ in range(runs):
        # Without a content type, urllib declares a form.
        headers = {"content-type": "application/octet-stream", **headers}
        request = urllib.request.Request(url, payload(size, framing), headers)
        try:
            urllib.request.urlopen(request)
            yield "200"
        except urllib.error.HTTPError as error:
            yield f"{error.code} {error.read().decode()}"
        except (OSError, http.client.HTTPException) as error:
            yield repr(error)


def by_requests(url, size, framing, headers, runs):
    import requests

    with requests.Session() as session:
        for _ in range(runs):
            try:
                answer = session.post(url, data=payload(size, framing), headers=headers)
                yield f"{answer.status_code} {answer.text}"
            except requests.RequestException as error:
                yield repr(error)


def by_go(url, size, framing, headers, runs):
    command = [GO_CLIENT, url, str(size), framing, str(runs), json.dumps(headers)]
    ran = subprocess.run(command, capture_output=True, text=True)
    yield from ran.stdout.splitlines()
    if ran.returncode:
        yield ran.stderr


def by_curl(*options):
    def send(url, size, framing, headers, runs):
        file = FOLDER / str(size)
        if not file.exists():
            file.write_bytes(b"]" * size)
        given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        if "content-type" not in headers:
            given += ["-H", "content-type:"]
        if framing == "chunked":
            given += ["-H", "transfer-encoding: chunked"]
        command = [
            "curl",
            "-sS",
            "-w",
            "\n%{http_code}",
            "--data-binary",
            f"@{file}",
            *given,
            *options,
            url,
        ]
        for _ in range(runs):
            ran = subprocess.run(command, capture_output=True, text=True)
            body, _, status = ran.stdout.rpartition("\n")
            yield f"{status} {body}" if ran.returncode == 0 else f"{ran.stderr} {ran.stdout}"

    return send


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, log, port):
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{command[0]} does not start: {pathlib.Path(log).read_text()}")


PLAIN = """
server {
    listen 27316;
    location / {
        proxy_pass http://127.0.0.1:27315;
        client_max_body_size 0;
        proxy_request_buffering BUFFERING;
    }
}
"""


def nginx(name, server):
    """nginx with the recipe, or with its defaults."""
    recipe = (ROOT / "deploy/proxy/nginx.conf").read_text()
    inner = {
        "nginx": recipe,
        "nginx, buffering": recipe.replace("buffering off", "buffering on"),
        "plain nginx": PLAIN.replace("BUFFERING", "on"),
        "plain nginx, not buffering": PLAIN.replace("BUFFERING", "off"),
    }[name]
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    port = free_port()
    inner = inner.replace("127.0.0.1:27315", server.split("://")[1]).replace(
        "27316", f"127.0.0.1:{port}"
    )
    temporary = "".join(
        f"{kind}_temp_path {home}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = home / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}{inner}}}\n"
    )
    return start(["nginx", "-c", config, "-e", home / "error.log"], home / "log", port), port


def haproxy(name, server):
    recipe = (ROOT / "deploy/proxy/haproxy.cfg").read_text()
    if name == "haproxy, closing":
        recipe = recipe.replace("option http-keep-alive", "option httpclose")
    home = pathlib.Path(tempfile.mkdtemp(dir=FOLDER))
    port = free_port()
    config = home / "haproxy.cfg"
    config.write_text(
        recipe.replace("127.0.0.1:27315", server.split("://")[1]).replace(
            ":27316", f"127.0.0.1:{port}"
        )
    )
    return start(["haproxy", "-db", "-f", config], home / "log", port), port


NO_EXPECT = ("-H", "Expect:")
CLIENTS = {
    "urllib": ("python3", by_urllib),
    "requests": ("python3", by_requests),
    "Go": ("go", by_go),
    "curl": ("curl", by_curl(*NO_EXPECT)),
    "curl, closing": ("curl", by_curl(*NO_EXPECT, "-H", "Connection: close")),
    "curl, asking first": ("curl", by_curl("-H", "Expect: 100-continue")),
}
PROXIES = {
    "plain nginx": ("nginx", nginx),
    "plain nginx, not buffering": ("nginx", nginx),
    "nginx": ("nginx", nginx),
    "nginx, buffering": ("nginx", nginx),
    "haproxy": ("haproxy", haproxy),
    "haproxy, closing": ("haproxy", haproxy),
}


def chosen(variable, names):
    words = os.environ.get(variable)
    return [name for name in names if not words or re.search(words, name)]


def fault_of(refusal, size, outcome):
    """The fault of an outcome, if any."""
    # A body beyond the limit may be refused as too large instead.
    expected = {refusal["status"], 413} if size > LIMIT else {refusal["status"]}
    status, _, body = outcome.partition(" ")
    try:
        document = json.loads(body)
        is_document = document.get("error") or document.get("status") == int(status)
    except ValueError:
        is_document = False
    if is_document and int(status) in expected:
        return None
    return outcome[:200]


def setUpModule():
    global FOLDER, GO_CLIENT
    FOLDER = pathlib.Path(tempfile.mkdtemp())
    GO_CLIENT = FOLDER / "client"
    unittest.addModuleCleanup(shutil.rmtree, FOLDER)
    if shutil.which("go"):
        subprocess.run(
            ["go", "build", "-o", GO_CLIENT, ROOT / "test/refusals/client.go"], check=True
        )


class Refusals(unittest.TestCase):
    """The refusals as one client or proxy reads them."""

    def want(self, program, name):
        if not shutil.which(program):
            # unittest prints the reason only in verbose mode.
            print(f"Skipped {name}: {program} is not installed", file=sys.stderr)
            self.skipTest(f"{program} is not installed")

    def check(self, name, send, url_of):
        for refusal in REFUSALS:
            for size, framing in BODIES if RUNS else [next(TURNS)]:
                if not re.search(os.environ.get("BODIES", ""), f"{size // MIB or 0.5} {framing}"):
                    continue
                with self.subTest(client=name, refusal=refusal["name"], size=size, framing=framing):
                    path = refusal["path"].replace("{columns}", str(size // 4 // 8192))
                    url = url_of(refusal["server"]) + path
                    outcomes = list(send(url, size, framing, refusal["headers"], RUNS or 1))
                    faults = collections.Counter(
                        fault for outcome in outcomes if (fault := fault_of(refusal, size, outcome))
                    )
                    if RUNS:
                        read = len(outcomes) - faults.total()
                        line = (
                            name,
                            refusal["name"],
                            f"{size / MIB:g} MB",
                            framing,
                            f"{read} of {len(outcomes)}",
                        )
                        print(" | ".join(line), dict(faults) or "", flush=True)
                    self.assertEqual(len(outcomes), RUNS or 1)
                    self.assertEqual(faults, {})

    def test_clients(self):
        for name in chosen("CLIENTS", CLIENTS):
            program, send = CLIENTS[name]
            with self.subTest(client=name):
                self.want(program, name)
                self.check(name, send, SERVERS.__getitem__)

    def test_proxies(self):
        for name in chosen("CLIENTS", PROXIES):
            program, configure = PROXIES[name]
            with self.subTest(proxy=name):
                self.want(program, name)
                started = {server: configure(name, url) for server, url in SERVERS.items()}
                try:
                    self.check(
                        name, by_urllib, lambda server: f"http://127.0.0.1:{started[server][1]}"
                    )
                finally:
                    for process, _ in started.values():
                        process.terminate()
                        process.wait()


if __name__ == "__main__":
    unittest.main()
