"""Starts Kelvin and its peers as processes on loopback, all on one core."""

import http.client
import importlib.metadata
import importlib.util
import os
import platform
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import tritonclient.http

HERE = Path(__file__).parent
HOST = "127.0.0.1"
SHARED_MEMORY = Path("/dev/shm")
# Begins the names of all shared memory of this run.
PREFIX = f"kelvin-peers-{os.getpid()}-"
# Without these, glibc returns the memory of each large body to the system, and gets it again page by page.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "MALLOC_TOP_PAD_": str(2**26),
}
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A process that is ready. `start_time` is in seconds."""

    def __init__(self, name, command, ready, cwd, environment, core):
        self.name = name
        self.port = free_port()
        command = [part.replace("PORT", str(self.port)) for part in command]
        environment = {**os.environ, "PORT": str(self.port), **environment}
        since = time.perf_counter()
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not self.is_ready(ready):
                if self.process.poll() is not None:
                    raise SystemExit(f"{name} ended with {self.process.returncode}: {command}")
                if time.perf_counter() - since > 30:
                    raise SystemExit(f"{name} is not ready after 30 s: {command}")
                time.sleep(0.005)
        except BaseException:
            self.stop()
            raise
        self.start_time = time.perf_counter() - since

    def is_ready(self, path):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def busy(self):
        """Processor time of the process and its children, in seconds."""
        return sum(int(part) for pid in self.pids() for part in stat(pid)[11:13]) / TICK

    def memory(self):
        """Resident memory of the process and its children, in bytes."""
        return sum(int(stat(pid)[21]) for pid in self.pids()) * PAGE

    def pids(self):
        pids = [self.process.pid]
        for pid in pids:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pids += children.read_text().split()
        return pids

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def stat(pid):
    """The fields of /proc/PID/stat from the third on, which come after the name of the program."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


class Kelvin:
    name = "Kelvin"

    def __init__(self, checkout):
        self.checkout = Path(checkout).resolve()
        # npm installs Node of the right version there.
        own = self.checkout / "node_modules/node/bin/node"
        self.node = str(own) if own.exists() else "node"

    def start(self, core):
        return Server(
            self.name,
            [self.node, "src/server.ts"],
            ready="/v2/health/ready",
            cwd=self.checkout,
            environment={"HOST": HOST, "SHARED_MEMORY_DIR": str(SHARED_MEMORY)},
            core=core,
        )

    def version(self, _server):
        git = ["git", "-C", str(self.checkout), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
        node = subprocess.run([self.node, "--version"], capture_output=True, text=True)
        return f"{commit}, Node {node.stdout.strip()}"


class FastApi:
    name = "FastAPI"

    def start(self, core):
        command = [sys.executable, "-m", "uvicorn", "fastapi_app:app", "--host", HOST]
        command += ["--port", "PORT", "--loop", "uvloop", "--http", "httptools"]
        return Server(
            self.name,
            # Connections stay open while other servers are measured.
            [*command, "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "75"],
            ready="/ready",
            cwd=HERE,
            environment=MALLOC,
            core=core,
        )

    def version(self, _server):
        packages = ["fastapi", "uvicorn", "uvloop", "httptools"]
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


class Triton:
    """tritonserver of the wheel nvidia-pytriton, without PyTriton."""

    name = "Triton"

    def __init__(self, folder):
        pytriton = Path(importlib.util.find_spec("pytriton").origin).parent
        self.home = pytriton / "tritonserver"
        # The Python backend looks for its stub beside its library. The wheel has a stub for each Python elsewhere.
        self.backends = Path(folder) / "backends"
        backend = self.backends / "python"
        backend.mkdir(parents=True)
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        stub = self.home / "python_backend_stubs" / python / "triton_python_backend_stub"
        if not stub.exists():
            raise SystemExit(f"nvidia-pytriton has no stub for Python {python}: {stub}")
        for file in [stub, *(self.home / "backends/python").iterdir()]:
            (backend / file.name).symlink_to(file)
        # libpython for the stub, and the libraries of the wheel, which the linked backend does not find by itself.
        wheel = pytriton.parent / "nvidia_pytriton.libs"
        self.libraries = f"{sysconfig.get_config_var('LIBDIR')}:{wheel}"

    def start(self, core):
        return Server(
            self.name,
            [
                str(self.home / "bin/tritonserver"),
                f"--model-repository={HERE / 'triton'}",
                f"--backend-directory={self.backends}",
                # Otherwise the backend starts its stub twice.
                "--disable-auto-complete-config",
                f"--backend-config=python,shm-region-prefix-name={PREFIX}triton-",
                f"--http-address={HOST}",
                "--http-port=PORT",
                "--allow-grpc=false",
                "--allow-metrics=false",
                # More threads are slower on one core.
                "--http-thread-count=1",
            ],
            ready="/v2/health/ready",
            cwd=HERE,
            environment={
                **MALLOC,
                "LD_LIBRARY_PATH": self.libraries,
                # The Python in the stub finds this environment by PATH, and `sampler` in the working directory.
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
            core=core,
        )

    def version(self, server):
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.port}") as client:
            version = client.get_server_metadata()["version"]
        wheel = importlib.metadata.version("nvidia-pytriton")
        return f"tritonserver {version} of nvidia-pytriton {wheel}"


def remove_shared_memory():
    """Removes what is left after an error, of a server that did not end by itself too."""
    for file in SHARED_MEMORY.glob(f"{PREFIX}*"):
        file.unlink()


def python_versions():
    return f"Python {platform.python_version()}, NumPy {importlib.metadata.version('numpy')}"
