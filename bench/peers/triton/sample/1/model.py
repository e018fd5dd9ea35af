"""A model of Triton's Python backend that samples. The parameters are those of the request."""

import json

import triton_python_backend_utils as backend
from sampler import sample


class TritonPythonModel:
    def execute(self, requests):
        return [answer(request) for request in requests]


def answer(request):
    logits = backend.get_input_tensor_by_name(request, "logits").as_numpy()
    token_ids = sample(logits, **json.loads(request.parameters()))
    return backend.InferenceResponse([backend.Tensor("token_ids", token_ids)])
