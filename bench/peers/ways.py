"""The ways to ask each server, and the check that all of them answer the same question."""

from collections.abc import Callable
from dataclasses import dataclass

import clients
import numpy as np
import tritonclient.http
from servers import HOST, Server

PARAMETERS = {"temperature": 0.8, "top_k": 40, "top_p": 0.95}


@dataclass
class Way:
    server: Server
    # Makes a client from the batches of its slots and the parameters of all requests.
    open: Callable
    # The way of Kelvin with which this one is compared.
    counterpart: str | None = None


def all_ways(kelvin, fastapi, triton, regions):
    ways = {
        "Kelvin, octets": Way(kelvin, octets_of_kelvin(kelvin)),
        "FastAPI, octets": Way(fastapi, octets_of_fastapi(fastapi), "Kelvin, octets"),
        "Kelvin, /v2": Way(kelvin, v2(kelvin, np.int64)),
        "Triton, /v2": Way(triton, v2(triton, np.int32), "Kelvin, /v2"),
    }
    fastest = "Kelvin, /v2"
    if "system_shared_memory" in metadata(kelvin)["extensions"]:
        fastest = "Kelvin, shared memory"
        regions.register(kelvin)
        ways[fastest] = Way(kelvin, v2(kelvin, np.int64, regions))
    regions.register(triton)
    ways["Triton, shared memory"] = Way(triton, v2(triton, np.int32, regions), fastest)
    return ways


def octets_of_kelvin(server):
    def start(batches, parameters):
        shape = ",".join(str(size) for size in batches[0].shape)
        query = {**parameters, "shape": shape, "return_probabilities": "none"}
        return clients.Octets(server, "/v1/sample", clients.tokens_of_json, batches, query)

    return start


def octets_of_fastapi(server):
    def start(batches, parameters):
        query = {**parameters, "vocab_size": batches[0].shape[1]}
        return clients.Octets(server, "/sample", clients.tokens_of_octets, batches, query)

    return start


def v2(server, token_dtype, regions=None):
    def start(batches, parameters):
        return clients.V2(server, token_dtype, batches, parameters, regions)

    return start


def metadata(server):
    with tritonclient.http.InferenceServerClient(f"{HOST}:{server.port}") as client:
        return client.get_server_metadata()


async def check(ways, batches):
    """Each way must find the most likely tokens, and draw from the nucleus of each row."""
    best = [batch.argmax(axis=1).tolist() for batch in batches]
    possible = [[nucleus(row) for row in batch] for batch in batches]
    for name, way in ways.items():
        answers = await all_answers(way, batches, {**PARAMETERS, "top_k": 1})
        if any(tokens != best[slot] for slot, tokens in answers):
            raise SystemExit(f"{name} does not find the most likely tokens: {answers}")
        answers = await all_answers(way, batches, PARAMETERS)
        for slot, tokens in answers:
            if not all(token in kept for token, kept in zip(tokens, possible[slot], strict=True)):
                raise SystemExit(f"{name} draws tokens outside the nucleus: {tokens}")
        if all(tokens == best[slot] for slot, tokens in answers):
            raise SystemExit(f"{name} does not draw")


async def all_answers(way, batches, parameters):
    """The tokens for each slot, from both clients of the way."""
    client = way.open(batches, parameters)
    answers = []
    for slot in range(len(batches)):
        answers.append((slot, client.ask(slot).tolist()))
        answers.append((slot, (await client.ask_aio(slot)).tolist()))
    await client.close()
    return answers


def nucleus(row):
    """The tokens that may be drawn, computed in float64 from a sorted row."""
    ids = np.argsort(-row, kind="stable")[: PARAMETERS["top_k"]]
    masses = np.exp((row[ids].astype(np.float64) - row[ids[0]]) / PARAMETERS["temperature"])
    shares = masses.cumsum() / masses.sum()
    return set(ids[: np.searchsorted(shares, PARAMETERS["top_p"]) + 1].tolist())
