"""sample.py ROW [URL] draws a token from a row of float32, with NumPy and the standard library.

The URL of a Unix socket is like unix:/run/kelvin/kelvin.sock.
"""

import http.client
import json
import socket
import sys
import time
from urllib.parse import urlencode, urlsplit

import numpy as np


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Refused(Exception):
    """Kelvin answered with a problem document."""


def connect(url):
    if url.startswith("unix:"):
        return UnixConnection(url.removeprefix("unix:"))
    return http.client.HTTPConnection(urlsplit(url).netloc)


def sample(connection, logits, retries=3, **params):
    """Draws from one row, and returns its result. The connection stays open between calls."""
    path = f"/v1/sample?{urlencode(params)}"
    headers = {"Content-Type": "application/octet-stream"}
    body = logits.astype("<f4", copy=False).tobytes()
    while True:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = json.load(response)
        if response.status == 200:
            return answer["results"][0]
        if response.status != 503 or retries == 0:
            raise Refused(f"{response.status}: {answer['detail']}")
        # A retry is safe: nothing was drawn before the refusal, and with a seed the answer is the same.
        retries -= 1
        time.sleep(float(response.headers["Retry-After"]))


def main(row, url="http://localhost:27315"):
    logits = np.fromfile(row, dtype=np.float32)
    connection = connect(url)
    params = {"temperature": 0.8, "top_p": 0.95, "seed": 42, "return_probabilities": "none"}
    try:
        result = sample(connection, logits, **params)
    except (OSError, Refused) as error:
        sys.exit(f"{url}: {error}")
    print(f"token {result['token_ids'][0]}, logprob {result['logprobs'][0]:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
