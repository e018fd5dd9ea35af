"""Uses the client that openapi-python-client makes of the document."""

import io
import math
import os
import struct

from kelvin import Client
from kelvin.api.sampling import sample
from kelvin.models import Problem, ProblemCode, SampleAnswer, SampleRequest
from kelvin.types import File

client = Client(base_url=os.environ["KELVIN_URL"])
logits = [2, 1, 0.5, -1, -3]
# The logprob of token 1 at temperature 0.8. The seed 42 draws this token.
logprob = logits[1] / 0.8 - math.log(sum(math.exp(logit / 0.8) for logit in logits))

# JSON
answer = sample.sync(client=client, body=SampleRequest(logits=logits, temperature=0.8, seed=42))
assert isinstance(answer, SampleAnswer), answer
assert answer.results[0].token_ids == [1]
assert math.isclose(answer.results[0].logprobs[0], logprob, rel_tol=1e-12)
assert answer.results[0].seed == "42"

# Bytes, with all other fields in the query. Omitted fields are not sent.
body = File(payload=io.BytesIO(struct.pack("<5f", *logits)))
response = sample.sync_detailed(
    client=client, body=body, temperature=0.8, seed="42", logprob_token_ids=[4], shape=[5]
)
assert isinstance(response.parsed, SampleAnswer), response.content
assert response.parsed.results[0].token_ids == [1]
assert response.parsed.results[0].scored.ranks == [5]

# An error is the problem document.
problem = sample.sync(client=client, body=SampleRequest(logits=logits, temperature=-1))
assert isinstance(problem, Problem), problem
assert problem.code == ProblemCode.INVALID_REQUEST
assert problem.errors[0].pointer == "/temperature"
