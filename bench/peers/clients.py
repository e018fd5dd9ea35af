"""The ways to ask: requests are prepared before the measurement, and answers are read to token ids.

Each way has a client for one outstanding request at a time (`ask`), and one for several (`ask_aio`).
"""

import asyncio
import json
import socket
from urllib.parse import urlencode

import numpy as np
import tritonclient.http
import tritonclient.http.aio
from servers import HOST, PREFIX
from tritonclient.http import InferInput, InferRequestedOutput
from tritonclient.utils import shared_memory

TIMEOUT = 60


class Regions:
    """Shared memory with the batches of all slots, and with room for their answers."""

    def __init__(self, slots, rows, vocab_size):
        self.batch_bytes = rows * vocab_size * 4
        self.output_bytes = rows * 8
        self.handles = {
            name: shared_memory.create_shared_memory_region(
                name, f"/{PREFIX}{name}", slots * size, create_only=True
            )
            for name, size in [("batches", self.batch_bytes), ("outputs", self.output_bytes)]
        }
        self.batches = self.view("batches", np.float32, (slots, rows, vocab_size))

    def view(self, name, dtype, shape, offset=0):
        return shared_memory.get_contents_as_numpy(self.handles[name], dtype, shape, offset)

    def register(self, server):
        with tritonclient.http.InferenceServerClient(f"{HOST}:{server.port}") as client:
            for name, handle in self.handles.items():
                # The client keeps the key and the size of a region private.
                key, size = handle._shm_key, handle._mpsm_handle.size
                client.register_system_shared_memory(name, key, size)

    def remove(self):
        del self.batches
        for handle in self.handles.values():
            shared_memory.destroy_shared_memory_region(handle)


class V2:
    """tritonclient. With `regions`, logits and token ids are in shared memory."""

    def __init__(self, server, token_dtype, batches, parameters, regions=None):
        self.address = f"{HOST}:{server.port}"
        self.token_dtype = token_dtype
        self.regions = regions
        self.rows = batches[0].shape[0]
        self.requests = [
            {
                "model_name": "sample",
                "inputs": [self.input(slot, batch)],
                "outputs": [self.output(slot)],
                "parameters": {**parameters, "seed": slot},
            }
            for slot, batch in enumerate(batches)
        ]
        self.client = tritonclient.http.InferenceServerClient(
            self.address, network_timeout=TIMEOUT, connection_timeout=TIMEOUT
        )
        self.aio = None

    def input(self, slot, batch):
        tensor = InferInput("logits", batch.shape, "FP32")
        if self.regions:
            offset = slot * self.regions.batch_bytes
            tensor.set_shared_memory("batches", batch.nbytes, offset)
        else:
            tensor.set_data_from_numpy(batch)
        return tensor

    def output(self, slot):
        tensor = InferRequestedOutput("token_ids", binary_data=True)
        if self.regions:
            size = self.rows * self.token_dtype().itemsize
            tensor.set_shared_memory("outputs", size, slot * self.regions.output_bytes)
        return tensor

    def tokens(self, slot, result):
        if not self.regions:
            return result.as_numpy("token_ids").ravel()
        offset = slot * self.regions.output_bytes
        return self.regions.view("outputs", self.token_dtype, (self.rows,), offset)

    def ask(self, slot):
        return self.tokens(slot, self.client.infer(**self.requests[slot]))

    async def ask_aio(self, slot):
        if self.aio is None:
            self.aio = tritonclient.http.aio.InferenceServerClient(
                self.address, conn_timeout=TIMEOUT
            )
        return self.tokens(slot, await self.aio.infer(**self.requests[slot]))

    async def close(self):
        self.client.close()
        if self.aio:
            await self.aio.close()


class Octets:
    """A socket that writes prepared bytes, with a connection for each slot that is asked at the same time."""

    def __init__(self, server, path, read, batches, query):
        self.address = (HOST, server.port)
        self.read = read
        self.requests = [
            request(f"{path}?{urlencode({**query, 'seed': slot}, safe=',')}", batch)
            for slot, batch in enumerate(batches)
        ]
        self.socket = socket.create_connection(self.address, TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.aio = {}

    def ask(self, slot):
        self.socket.sendall(self.requests[slot])
        answer = bytearray()
        while (body := body_of(answer)) is None:
            answer += received(self.socket.recv(65536))
        return self.read(body)

    async def ask_aio(self, slot):
        loop = asyncio.get_running_loop()
        if slot not in self.aio:
            self.aio[slot] = socket.create_connection(self.address, TIMEOUT)
            self.aio[slot].setblocking(False)
        await loop.sock_sendall(self.aio[slot], self.requests[slot])
        answer = bytearray()
        while (body := body_of(answer)) is None:
            answer += received(await loop.sock_recv(self.aio[slot], 65536))
        return self.read(body)

    async def close(self):
        for connection in [self.socket, *self.aio.values()]:
            connection.close()


def request(target, batch):
    head = f"POST {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/octet-stream\r\n"
    return f"{head}Content-Length: {batch.nbytes}\r\n\r\n".encode() + batch.tobytes()


def received(piece):
    if not piece:
        raise ConnectionError("the server closed the connection")
    return piece


def body_of(answer):
    """The body of an answer that is complete."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return None
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(answer.decode(errors="replace"))
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return body if len(body) == length else None


def tokens_of_json(body):
    return np.array([result["token_ids"][0] for result in json.loads(body)["results"]])


def tokens_of_octets(body):
    return np.frombuffer(body, dtype="<i4")
