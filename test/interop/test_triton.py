import os
import unittest

import ml_dtypes
import numpy as np
import tritonclient.http as triton
import tritonclient.utils.shared_memory as shm
from cases import Cases
from clients import Triton, TritonAio
from kelvin import LOGITS, assert_outputs, v1


class TritonCases(Cases):
    """Features of tritonclient that kserve's client does not have."""

    def test_server_metadata(self):
        metadata = self.client.wait(self.client.client.get_server_metadata())
        self.assertEqual(metadata["name"], "kelvin")
        self.assertIsInstance(metadata["version"], str)
        self.assertIn("binary_tensor_data", metadata["extensions"])
        self.assertIn("classification", metadata["extensions"])

    def test_model_metadata(self):
        for model in ["sample", "probabilities"]:
            for version in ["", "1"]:
                metadata = self.client.wait(self.client.client.get_model_metadata(model, version))
                self.assertEqual(metadata["name"], model)
                self.assertEqual(metadata["versions"], ["1"])
                self.assertIsInstance(metadata["platform"], str)
                for tensor in metadata["inputs"] + metadata["outputs"]:
                    self.assertIsInstance(tensor["name"], str)
                    self.assertIsInstance(tensor["datatype"], str)
                    self.assertTrue(all(type(size) is int for size in tensor["shape"]), tensor)
                logits = [tensor for tensor in metadata["inputs"] if tensor["name"] == "logits"]
                self.assertEqual([tensor["datatype"] for tensor in logits], ["FP32"])
                self.assertEqual(logits[0]["shape"], [-1, -1])
                self.assertIn("probabilities", [t["name"] for t in metadata["outputs"]])

    def test_repository_index(self):
        index = self.client.wait(self.client.client.get_model_repository_index())
        self.assertEqual(
            sorted((model["name"], model["state"]) for model in index),
            [("probabilities", "READY"), ("sample", "READY")],
        )

    def test_bfloat16(self):
        logits = LOGITS.astype(ml_dtypes.bfloat16)
        expected = v1("sample", logits, seed=7)
        self.same(expected, "sample", {"logits": logits}, parameters={"seed": 7})

    def test_versions(self):
        options = {"parameters": {"seed": 7}, "model_version": "1"}
        answer = self.client.infer("sample", {"logits": LOGITS}, **options)
        self.assertEqual(answer.version, "1")
        assert_outputs(answer.outputs, v1("sample", LOGITS, seed=7), ["token_ids", "logprobs"])
        refusal = self.client.refusal("sample", {"logits": LOGITS}, model_version="2")
        self.assertEqual(refusal.status, 404, refusal.words)
        self.assertIs(self.client.wait(self.client.client.is_model_ready("sample", "1")), True)
        self.assertIs(self.client.wait(self.client.client.is_model_ready("sample", "2")), False)

    def test_compressed_requests(self):
        """Their header has the length of the JSON before compression."""
        expected = v1("sample", LOGITS, seed=7)
        for sent in ["gzip", "deflate"]:
            for accept in [None, "gzip", "deflate"]:
                for json in [(), True]:
                    with self.subTest(sent, accept=accept, json=json):
                        self.same(
                            expected,
                            "sample",
                            {"logits": LOGITS},
                            ["token_ids", "probabilities"],
                            parameters={"seed": 7},
                            json=json,
                            request_compression_algorithm=sent,
                            accept=accept,
                        )

    def test_shared_memory(self):
        name = f"kelvin-test-{os.getpid()}"
        client, wait = self.client.client, self.client.wait
        ids, inputs = 8 * len(LOGITS), LOGITS.nbytes
        size = inputs + ids + inputs
        memory = shm.create_shared_memory_region(name, name, size)
        try:
            wait(client.register_system_shared_memory(name, name, size))
            status = wait(client.get_system_shared_memory_status(name))
            self.assertEqual(
                status, [{"name": name, "key": name, "offset": 0, "byte_size": size}]
            )
            shm.set_shared_memory_region(memory, [LOGITS])
            logits = triton.InferInput("logits", LOGITS.shape, "FP32")
            logits.set_shared_memory(name, inputs)
            outputs = [triton.InferRequestedOutput(n) for n in ["token_ids", "probabilities"]]
            outputs[0].set_shared_memory(name, ids, offset=inputs)
            outputs[1].set_shared_memory(name, inputs, offset=inputs + ids)
            wait(client.infer("sample", [logits], outputs=outputs, parameters={"seed": 7}))
            expected = v1("sample", LOGITS, seed=7)
            answer = {
                "token_ids": shm.get_contents_as_numpy(
                    memory, np.int64, [len(LOGITS), 1], offset=inputs
                ),
                "probabilities": shm.get_contents_as_numpy(
                    memory, np.float32, LOGITS.shape, offset=inputs + ids
                ),
            }
            assert_outputs(answer, expected, list(answer))
            wait(client.unregister_system_shared_memory(name))
            self.assertEqual(wait(client.get_system_shared_memory_status()), [])
        finally:
            shm.destroy_shared_memory_region(memory)

    def test_parameters_of_the_protocol_are_no_errors(self):
        """Both are for Triton's queue, which Kelvin does not have."""
        options = {"parameters": {"seed": 7}, "priority": 1, "timeout": 10**6}
        self.same(v1("sample", LOGITS, seed=7), "sample", {"logits": LOGITS}, **options)


class TestTriton(TritonCases, unittest.TestCase):
    connect = Triton


class TestTritonAio(TritonCases, unittest.TestCase):
    connect = TritonAio
