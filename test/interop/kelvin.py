"""The server under test, and /v1's answers, with which every answer of /v2 is compared."""

import base64
import json
import os
import urllib.request

import numpy as np

URL = os.environ["KELVIN_URL"]
ADDRESS = URL.split("://")[1]

OUTPUTS = {
    "token_ids": np.int64,
    "logprobs": np.float32,
    "probabilities": np.float32,
    "seed": np.uint64,
    "stream": np.uint64,
    "kept_count": np.int64,
    "entropy": np.float32,
}
DEFAULT_OUTPUTS = {"sample": ["token_ids", "logprobs"], "probabilities": ["probabilities"]}

# 50 tokens take two words of a bitmask, and a part of the second.
LOGITS = np.random.default_rng(1).normal(0, 3, (3, 50)).astype(np.float32)


def post(path, body):
    request = urllib.request.Request(
        URL + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def v1(model, logits, **fields):
    """The outputs of a /v2 model by name, made from the answer of /v1 to the same request."""
    logits = np.asarray(logits, dtype=np.float32)
    data = base64.b64encode(logits.tobytes()).decode()
    tensor = {"dtype": "float32", "shape": logits.shape, "data": data}
    body = {"logits": tensor, "return_probabilities": "all", **fields}
    results = post(f"/v1/{model}", body)["results"]
    for result in results:
        for name in ["seed", "stream"]:
            if name in result:
                result[name] = int(result[name])
    return {
        name: np.array([result[name] for result in results], dtype=dtype)
        for name, dtype in OUTPUTS.items()
        if name in results[0]
    }


def top(logits, count, **fields):
    """The most likely tokens of each row, by /v1."""
    body = {"logits": np.asarray(logits).tolist(), "top_logprobs": count, **fields}
    return [result["top"] for result in post("/v1/probabilities", body)["results"]]


def bitmask(allowed):
    """Rows of booleans as int32 words with a bit for each token, lowest bit first."""
    bits = np.zeros((len(allowed), -(-len(allowed[0]) // 32) * 32), dtype=bool)
    bits[:, : len(allowed[0])] = allowed
    return np.packbits(bits, axis=1, bitorder="little").view("<i4")


def assert_outputs(answer, expected, names):
    """Checks that the answer has exactly the named outputs, with the right types, shapes and bits."""
    assert sorted(answer) == sorted(names), f"outputs {sorted(answer)}, expected {sorted(names)}"
    for name in names:
        got, wanted = answer[name], expected[name]
        assert got.dtype == wanted.dtype, f"{name}: {got.dtype}, expected {wanted.dtype}"
        assert got.shape == wanted.shape, f"{name}: shape {got.shape}, expected {wanted.shape}"
        assert got.tobytes() == wanted.tobytes(), f"{name}:\n{got}\nexpected\n{wanted}"
