"""Details on which the clients rely, and requests that no client sends."""

import gzip
import http.client
import json
import unittest
import zlib

import numpy as np
from kelvin import ADDRESS, LOGITS, assert_outputs, v1
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

HEADER = "Inference-Header-Content-Length"


class TestWire(unittest.TestCase):
    def setUp(self):
        self.connection = http.client.HTTPConnection(ADDRESS)
        self.addCleanup(self.connection.close)

    def send(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response, response.read()

    def infer(self, body, length=None, model="sample", **headers):
        if length is not None:
            headers[HEADER] = str(length)
        return self.send("POST", f"/v2/models/{model}/infer", body, **headers)

    def refuse(self, status, word, response, body):
        self.assertEqual(response.status, status, body)
        # kserve's client compares the whole header.
        self.assertEqual(response.headers["Content-Type"], "application/json")
        error = json.loads(body)
        self.assertEqual(list(error), ["error"])
        self.assertIn(word, error["error"])

    def outputs(self, response, body):
        self.assertEqual(response.status, 200, body)
        length = response.headers[HEADER]
        result = InferenceServerClient.parse_response_body(body, header_length=length)
        names = [output["name"] for output in result.get_response()["outputs"]]
        return {name: result.as_numpy(name) for name in names}

    def question(self, outputs=None):
        logits = InferInput("logits", list(LOGITS.shape), "FP32").set_data_from_numpy(LOGITS)
        requested = [InferRequestedOutput(*output) for output in outputs or []]
        parameters = {"seed": 7}
        return InferenceServerClient.generate_request_body(
            [logits], requested, parameters=parameters
        )

    def test_about_the_server(self):
        for path in ["/v2", "/v2/"]:
            response, body = self.send("GET", path)
            self.assertEqual(response.headers["Content-Type"], "application/json")
            self.assertEqual(json.loads(body)["name"], "kelvin")
        _, body = self.send("GET", "/v2/models")
        self.assertEqual(json.loads(body), {"models": ["sample", "probabilities"]})

    def test_health(self):
        _, body = self.send("GET", "/v2/health/live")
        self.assertIs(json.loads(body)["live"], True)
        _, body = self.send("GET", "/v2/health/ready")
        self.assertIs(json.loads(body)["ready"], True)
        response, _ = self.send("GET", "/v2/models/sample/ready")
        self.assertEqual(response.status, 200)

    def test_repository_index_by_any_body(self):
        for body in [None, "", "{}", '{"ready":true}']:
            response, answer = self.send("POST", "/v2/repository/index", body)
            self.assertEqual(response.status, 200, answer)
            self.assertEqual(len(json.loads(answer)), 2)

    def test_content_types(self):
        body, length = self.question([("token_ids", False)])
        response, _ = self.infer(body, length)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertIsNone(response.headers[HEADER])
        body, length = self.question()
        response, answer = self.infer(body, length)
        self.assertEqual(response.headers["Content-Type"], "application/octet-stream")
        json.loads(answer[: int(response.headers[HEADER])])

    def test_any_content_type_is_taken(self):
        body, length = self.question()
        expected = v1("sample", LOGITS, seed=7)
        for given in ["application/octet-stream", "application/json", "text/plain", "x/y; z=1"]:
            with self.subTest(given):
                answer = self.outputs(*self.infer(body, length, Content_Type=given))
                assert_outputs(answer, expected, ["token_ids", "logprobs"])

    def test_spaces_around_the_header(self):
        body, length = self.question()
        padded = body[:length] + b" " * 5 + body[length:]
        answer = self.outputs(*self.infer(padded, length + 5))
        assert_outputs(answer, v1("sample", LOGITS, seed=7), ["token_ids", "logprobs"])

    def test_a_body_in_chunks(self):
        body, length = self.question()
        answer = self.outputs(*self.infer(iter([body[:100], body[100:]]), length))
        assert_outputs(answer, v1("sample", LOGITS, seed=7), ["token_ids", "logprobs"])

    def test_nested_json(self):
        tensor = {"name": "logits", "shape": [3, 50], "datatype": "FP32", "data": LOGITS.tolist()}
        body = json.dumps({"inputs": [tensor], "parameters": {"seed": 7}})
        answer = self.outputs(*self.infer(body))
        assert_outputs(answer, v1("sample", LOGITS, seed=7), ["token_ids", "logprobs"])

    def test_a_raw_row(self):
        row = LOGITS[1]
        answer = self.outputs(*self.infer(row.tobytes(), 0, "probabilities"))
        assert_outputs(answer, v1("probabilities", row), ["probabilities"])
        only = np.where(row == row.max(), row, np.float32("-inf"))
        answer = self.outputs(*self.infer(only.tobytes(), 0))
        assert_outputs(answer, v1("sample", only), ["token_ids", "logprobs"])

    def test_compression_when_asked_for_and_only_then(self):
        body, length = self.question()
        expected = v1("sample", LOGITS, seed=7)
        undo = {"gzip": gzip.decompress, "deflate": zlib.decompress}
        for algorithm, decompress in undo.items():
            with self.subTest(algorithm):
                response, answer = self.infer(body, length, Accept_Encoding=algorithm)
                self.assertEqual(response.headers["Content-Encoding"], algorithm)
                answer = self.outputs(response, decompress(answer))
                assert_outputs(answer, expected, ["token_ids", "logprobs"])
        for accepted in ["identity", "br", "gzip;q=0, identity"]:
            with self.subTest(accepted):
                response, answer = self.infer(body, length, Accept_Encoding=accepted)
                self.assertIsNone(response.headers["Content-Encoding"])
                assert_outputs(
                    self.outputs(response, answer), expected, ["token_ids", "logprobs"]
                )

    def test_one_connection(self):
        body, length = self.question()
        self.infer(body, length)
        socket = self.connection.sock
        for _ in range(5):
            self.infer(body, length)
            self.send("GET", "/v2/health/ready")
            self.assertIs(self.connection.sock, socket)

    def test_lengths_that_do_not_fit(self):
        body, length = self.question()
        self.refuse(400, "logits", *self.infer(body[:-4], length))
        self.refuse(400, "4", *self.infer(body + b"\0\0\0\0", length))
        for wrong in ["-1", "many", "1.5", len(body) + 1]:
            with self.subTest(wrong):
                self.refuse(400, HEADER, *self.infer(body, wrong))
        self.refuse(400, "", *self.infer(b"\0\0\0", 0))
        self.refuse(400, "", *self.infer(b"", 0))

    def test_bodies_that_are_none(self):
        self.refuse(400, "JSON", *self.infer(b"{"))
        self.refuse(400, "", *self.infer(b"[]"))
        self.refuse(400, "", *self.infer(b""))
        self.refuse(400, "inputs", *self.infer(b"{}"))

    def test_compressions_that_are_none(self):
        body, length = self.question()
        self.refuse(400, "gzip", *self.infer(body, length, Content_Encoding="gzip"))
        response, answer = self.infer(body, length, Content_Encoding="br")
        self.assertIn(response.status, [400, 415])
        self.assertIn("br", json.loads(answer)["error"])

    def test_half_precision_as_json_is_refused(self):
        for datatype in ["FP16", "BF16"]:
            tensor = {"name": "logits", "shape": [2], "datatype": datatype, "data": [1, 2]}
            self.refuse(400, datatype, *self.infer(json.dumps({"inputs": [tensor]})))

    def test_no_such_path(self):
        response, body = self.send("GET", "/v2/models/sample/nothing")
        self.refuse(404, "", response, body)
