"""triton.py ROW [HOST:PORT] draws a token with the client of Triton.

The client does not support Unix sockets. It needs tritonclient[http].
"""

import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def main(row, address="localhost:27315"):
    logits = np.fromfile(row, dtype=np.float32).reshape(1, -1)
    tensor = triton.InferInput("logits", logits.shape, "FP32")
    tensor.set_data_from_numpy(logits)
    client = triton.InferenceServerClient(address)
    try:
        result = client.infer(
            "sample", [tensor], parameters={"temperature": 0.8, "top_p": 0.95, "seed": 42}
        )
    except (InferenceServerException, OSError) as error:
        sys.exit(f"{address}: {error}")
    token, logprob = result.as_numpy("token_ids")[0, 0], result.as_numpy("logprobs")[0, 0]
    print(f"token {token}, logprob {logprob:.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
