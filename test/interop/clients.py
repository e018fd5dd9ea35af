"""Each client as its users call it, with one interface, so that the same cases run for all."""

import asyncio

import tritonclient.http
import tritonclient.http.aio
from kelvin import ADDRESS, URL
from tritonclient.http import InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


class Answer:
    def __init__(self, outputs, id, model, version=None):
        self.outputs = outputs
        self.id = id
        self.model = model
        self.version = version


class Refusal:
    """An error answer as the client raises it: status and text."""

    def __init__(self, status, words):
        self.status = status
        self.words = words


def written_as_json(name, json):
    """`json` is True for all tensors, or the names of some."""
    return json is True or name in json


class Triton:
    """tritonclient.http"""

    def __init__(self):
        self.client = tritonclient.http.InferenceServerClient(ADDRESS, concurrency=4)

    def wait(self, value):
        return value

    def close(self):
        self.wait(self.client.close())

    def is_live(self):
        return self.wait(self.client.is_server_live())

    def is_ready(self):
        return self.wait(self.client.is_server_ready())

    def is_model_ready(self, model):
        return self.wait(self.client.is_model_ready(model))

    def arguments(
        self, model, inputs, outputs=None, json=(), classes=0, accept=None, id="", **others
    ):
        tensors = []
        for name, array in inputs.items():
            tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(array, binary_data=not written_as_json(name, json))
            tensors.append(tensor)
        requested = outputs and [
            InferRequestedOutput(name, not written_as_json(name, json), classes)
            for name in outputs
        ]
        return {
            "model_name": model,
            "inputs": tensors,
            "outputs": requested,
            "request_id": id,
            "response_compression_algorithm": accept,
            **others,
        }

    def read(self, result):
        response = result.get_response()
        outputs = {
            output["name"]: result.as_numpy(output["name"]) for output in response["outputs"]
        }
        return Answer(
            outputs, response.get("id"), response["model_name"], response.get("model_version")
        )

    def infer(self, *request, **options):
        return self.read(self.wait(self.client.infer(**self.arguments(*request, **options))))

    def infer_all(self, requests):
        pending = [self.client.async_infer(**self.arguments(**request)) for request in requests]
        return [self.read(result.get_result()) for result in pending]

    def refusal(self, *request, **options):
        try:
            self.infer(*request, **options)
        except InferenceServerException as error:
            return Refusal(int(error.status() or 0), error.message())
        raise AssertionError("the server answered what it should have refused")


class TritonAio(Triton):
    """tritonclient.http.aio"""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.client = self.wait(self.connect())

    async def connect(self):
        return tritonclient.http.aio.InferenceServerClient(ADDRESS)

    def wait(self, value):
        return self.loop.run_until_complete(value)

    def close(self):
        super().close()
        self.loop.close()

    def infer_all(self, requests):
        async def gather():
            return await asyncio.gather(
                *(self.client.infer(**self.arguments(**request)) for request in requests)
            )

        return [self.read(result) for result in self.wait(gather())]


class KServe:
    """kserve's InferenceRESTClient"""

    def __init__(self):
        # Imported here, because kserve does not support every Python.
        import kserve

        self.kserve = kserve
        self.loop = asyncio.new_event_loop()
        config = kserve.RESTConfig(protocol="v2", retries=0)
        self.client = kserve.InferenceRESTClient(config)

    def wait(self, value):
        return self.loop.run_until_complete(value)

    def close(self):
        self.wait(self.client.close())
        self.loop.close()

    def is_live(self):
        return self.wait(self.client.is_server_live(URL))

    def is_ready(self):
        return self.wait(self.client.is_server_ready(URL))

    def is_model_ready(self, model):
        return self.wait(self.client.is_model_ready(URL, model))

    async def ask(
        self,
        model,
        inputs,
        outputs=None,
        json=(),
        classes=0,
        accept=None,
        id=None,
        parameters=None,
    ):
        from kserve.protocol.infer_type import RequestedOutput
        from kserve.utils.numpy_codec import from_np_dtype

        tensors = []
        for name, array in inputs.items():
            tensor = self.kserve.InferInput(name, list(array.shape), from_np_dtype(array.dtype))
            tensor.set_data_from_numpy(array, binary_data=not written_as_json(name, json))
            tensors.append(tensor)
        requested = outputs and [
            RequestedOutput(
                name,
                {
                    "binary_data": not written_as_json(name, json),
                    **({"classification": classes} if classes else {}),
                },
            )
            for name in outputs
        ]
        request = self.kserve.InferRequest(
            model,
            tensors,
            request_id=id,
            parameters={"binary_data_output": json is not True, **(parameters or {})},
            request_outputs=requested,
        )
        headers = {"accept-encoding": accept} if accept else {}
        return await self.client.infer(URL, request, model_name=model, headers=headers)

    def read(self, response):
        outputs = {output.name: output.as_numpy() for output in response.outputs}
        return Answer(outputs, response.id, response.model_name)

    def infer(self, *request, **options):
        return self.read(self.wait(self.ask(*request, **options)))

    def infer_all(self, requests):
        async def gather():
            return await asyncio.gather(*(self.ask(**request) for request in requests))

        return [self.read(response) for response in self.wait(gather())]

    def refusal(self, *request, **options):
        import httpx

        try:
            self.infer(*request, **options)
        except httpx.HTTPStatusError as error:
            # The client appends status and URL to the server's text; they would match too much.
            status = error.response.status_code
            return Refusal(status, str(error).rpartition(f", '{status} ")[0])
        raise AssertionError("the server answered what it should have refused")
