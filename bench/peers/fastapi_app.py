"""A FastAPI application that samples. The body is float32 octets; the answer is int32 octets."""

from typing import Annotated

import numpy as np
from fastapi import FastAPI, Query, Request, Response
from sampler import sample

app = FastAPI()


@app.get("/ready")
def ready():
    return Response()


@app.post("/sample")
async def post_sample(
    request: Request,
    vocab_size: Annotated[int, Query(ge=1)],
    top_k: Annotated[int, Query(ge=1)],
    top_p: Annotated[float, Query(gt=0, le=1)],
    temperature: Annotated[float, Query(gt=0)],
    seed: Annotated[int, Query(ge=0)],
):
    logits = np.frombuffer(await request.body(), dtype="<f4").reshape(-1, vocab_size)
    token_ids = sample(logits, top_k, top_p, temperature, seed)
    return Response(token_ids.tobytes(), media_type="application/octet-stream")
