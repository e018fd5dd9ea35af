"""Tests that every client must pass. `connect` is the client's class in clients.py."""

import base64

import numpy as np
from kelvin import DEFAULT_OUTPUTS, LOGITS, assert_outputs, bitmask, top, v1

HISTORY = np.array([[4, 9, 4, -1], [7, -1, -1, -1], [1, 2, 3, 1]], dtype=np.int32)
HISTORIES = [[id for id in row if id >= 0] for row in HISTORY.tolist()]

REFUSED = {
    "an unknown model": ("nope", {"logits": LOGITS}, {}, 404, "nope"),
    "an unknown input": ("sample", {"logits": LOGITS, "logitz": LOGITS}, {}, 400, "logitz"),
    "no logits": ("sample", {"temperature": np.ones(1, np.float32)}, {}, 400, "logits"),
    "an unknown parameter": ("sample", {"logits": LOGITS}, {"temprature": 1}, 400, "temprature"),
    "a parameter out of range": ("sample", {"logits": LOGITS}, {"top_p": 7}, 400, "top_p"),
    "a tensor out of range": (
        "sample",
        {"logits": LOGITS, "temperature": np.array([1, -2, 1], np.float32)},
        {},
        400,
        "temperature",
    ),
    "a value for too few rows": (
        "sample",
        {"logits": LOGITS, "min_p": np.zeros(2, np.float32)},
        {},
        400,
        "min_p",
    ),
    "a datatype that is none for it": (
        "sample",
        {"logits": LOGITS, "top_k": np.array([b"five"] * 3, dtype=object)},
        {},
        400,
        "top_k",
    ),
    "a row that is not a number": (
        "sample",
        {"logits": np.where(LOGITS == LOGITS[1, 2], np.float32("nan"), LOGITS)},
        {},
        400,
        "NaN",
    ),
    "a token beyond the vocabulary": (
        "sample",
        {"logits": LOGITS, "banned_token_ids": np.array([50], np.int64)},
        {},
        400,
        "banned_token_ids",
    ),
    "no token left": (
        "sample",
        {"logits": LOGITS, "token_bitmask": np.zeros((3, 2), np.int32)},
        {},
        400,
        "token",
    ),
}


class Cases:
    @classmethod
    def setUpClass(cls):
        cls.client = cls.connect()

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def same(self, expected, model, inputs, outputs=None, **options):
        answer = self.client.infer(model, inputs, outputs=outputs, **options)
        self.assertEqual(answer.model, model)
        assert_outputs(answer.outputs, expected, outputs or DEFAULT_OUTPUTS[model])

    def same_or_refused(self, expected, model, inputs, outputs=None, **options):
        """For a tensor that JSON cannot represent: any result except a wrong answer."""
        try:
            self.same(expected, model, inputs, outputs, **options)
        except AssertionError:
            raise
        except Exception:
            refusal = self.client.refusal(model, inputs, outputs=outputs, **options)
            self.assertEqual(refusal.status, 400, refusal.words)

    def test_live_and_ready(self):
        self.assertIs(self.client.is_live(), True)
        self.assertIs(self.client.is_ready(), True)

    def test_models_are_ready(self):
        self.assertIs(self.client.is_model_ready("sample"), True)
        self.assertIs(self.client.is_model_ready("probabilities"), True)
        self.assertIs(self.client.is_model_ready("nope"), False)

    def test_float32_binary(self):
        expected = v1("sample", LOGITS, seed=7)
        self.same(expected, "sample", {"logits": LOGITS}, parameters={"seed": 7})
        self.same(v1("probabilities", LOGITS), "probabilities", {"logits": LOGITS})

    def test_float32_json(self):
        expected = v1("sample", LOGITS, seed=7)
        outputs = ["token_ids", "logprobs", "seed", "kept_count", "entropy", "probabilities"]
        options = {"parameters": {"seed": 7}, "json": True}
        self.same(expected, "sample", {"logits": LOGITS}, outputs, **options)

    def test_float16(self):
        logits = LOGITS.astype(np.float16)
        expected = v1("sample", logits, seed=7)
        self.same(expected, "sample", {"logits": logits}, parameters={"seed": 7})

    def test_float64(self):
        logits = np.random.default_rng(2).normal(0, 3, (3, 50))
        expected = v1("sample", logits, seed=7)
        parameters = {"seed": 7}
        self.same(expected, "sample", {"logits": logits}, parameters=parameters)
        self.same(
            expected, "sample", {"logits": logits}, parameters=parameters, json={"logits"}
        )

    def test_one_row_without_a_batch(self):
        expected = v1("sample", LOGITS[0], seed=7)
        self.same(expected, "sample", {"logits": LOGITS[0]}, parameters={"seed": 7})

    def test_one_column(self):
        expected = v1("sample", LOGITS[:, :1], seed=7)
        self.same(expected, "sample", {"logits": LOGITS[:, :1]}, parameters={"seed": 7})

    def test_a_whole_vocabulary(self):
        logits = np.random.default_rng(3).normal(0, 3, (2, 128_256)).astype(np.float32)
        expected = v1("sample", logits, seed=7, top_p=0.9)
        parameters = {"seed": 7, "top_p": 0.9}
        outputs = ["token_ids", "probabilities"]
        self.same(expected, "sample", {"logits": logits}, outputs, parameters=parameters)

    def test_every_output_by_name(self):
        expected = v1("sample", LOGITS, seed=7, min_p=0.02)
        parameters = {"seed": 7, "min_p": 0.02}
        # In an unusual order, which the binary parts of the answer must have, too.
        outputs = ["entropy", "token_ids", "probabilities", "kept_count", "seed", "logprobs"]
        self.same(expected, "sample", {"logits": LOGITS}, outputs, parameters=parameters)
        outputs = ["kept_count", "entropy", "probabilities"]
        self.same(expected, "probabilities", {"logits": LOGITS}, outputs, parameters=parameters)

    def test_binary_and_json_together(self):
        inputs = {
            "top_k": np.array([2, 5, 50], np.int32),
            "logits": LOGITS,
            "min_p": np.array([0.125, 0, 0.5], np.float32),
            "seed": np.array([7], np.uint64),
        }
        rows = [{"top_k": 2, "min_p": 0.125}, {"top_k": 5}, {"top_k": 50, "min_p": 0.5}]
        expected = v1("sample", LOGITS, seed=7, rows=rows)
        outputs = ["logprobs", "token_ids", "kept_count", "entropy"]
        options = {"json": {"top_k", "seed", "token_ids", "entropy"}}
        self.same(expected, "sample", inputs, outputs, **options)

    def test_request_parameters(self):
        parameters = {
            "temperature": 0.7,
            "top_k": 20,
            "top_p": 0.9,
            "min_p": 0.01,
            "n": 3,
            "replacement": False,
            "seed": "18446744073709551615",
            "profile": "llama.cpp",
        }
        expected = v1("sample", LOGITS, **parameters)
        self.same(expected, "sample", {"logits": LOGITS}, parameters=parameters)

    def test_parameters_for_each_row(self):
        inputs = {
            "logits": LOGITS,
            "temperature": np.array([0.7, 1.3, 0], np.float32),
            "top_p": np.array([[0.9], [0.5], [1]]),
            "top_k": np.array([[10], [0], [3]], np.int32),
            "min_tokens_to_keep": np.array([1, 2, 3], np.uint8),
            "step": np.array([0, 5, 9], np.int64),
            "seed": np.array([7], np.uint64),
            "n": np.array([4], np.uint32),
        }
        # The float32 nearest to 0.7 is not 0.7; the request means the decimal.
        rows = [
            {
                "temperature": [0.7, 1.3, 0][row],
                "top_p": [0.9, 0.5, 1][row],
                "top_k": [10, 0, 3][row],
                "min_tokens_to_keep": row + 1,
                "step": [0, 5, 9][row],
            }
            for row in range(3)
        ]
        expected = v1("sample", LOGITS, seed=7, n=4, rows=rows)
        self.same(expected, "sample", inputs)
        named = {"outputs": ["token_ids", "logprobs"], "json": True}
        self.same(expected, "sample", inputs, **named)

    def test_a_tensor_for_some_rows_and_a_parameter_for_all(self):
        inputs = {"logits": LOGITS, "top_k": np.array([1, 2, 3], np.int64)}
        rows = [{"top_k": 1}, {"top_k": 2}, {"top_k": 3}]
        expected = v1("sample", LOGITS, seed=7, temperature=2, rows=rows)
        self.same(expected, "sample", inputs, parameters={"temperature": 2, "seed": 7})

    def test_seeds(self):
        seeds = [2**64 - 1, 2**63, 2**53 + 1]
        expected = v1("sample", LOGITS, rows=[{"seed": str(seed)} for seed in seeds])
        inputs = {"logits": LOGITS, "seed": np.array(seeds, np.uint64)}
        self.same(expected, "sample", inputs, ["token_ids", "seed"])
        # The seed of the answer is JSON here, with digits that a double does not hold.
        parameters = {"seed": str(2**64 - 1)}
        expected = v1("sample", LOGITS, **parameters)
        options = {"parameters": parameters, "json": True}
        self.same(expected, "sample", {"logits": LOGITS}, ["token_ids", "seed"], **options)
        seeds = [2**63 - 1, 0, 5]
        expected = v1("sample", LOGITS, rows=[{"seed": str(seed)} for seed in seeds])
        inputs = {"logits": LOGITS, "seed": np.array(seeds, np.int64)}
        self.same(expected, "sample", inputs, ["token_ids", "seed"])

    def test_seeds_beyond_doubles_as_json(self):
        expected = v1("sample", LOGITS, seed=str(2**64 - 1))
        seed = np.array([2**64 - 1], np.uint64)
        outputs = ["token_ids", "logprobs"]
        self.same_or_refused(
            expected, "sample", {"logits": LOGITS, "seed": seed}, outputs, json=True
        )

    def test_a_seed_of_the_server_draws_the_same_again(self):
        outputs = ["token_ids", "seed", "stream"]
        answer = self.client.infer("sample", {"logits": LOGITS}, outputs=outputs)
        address = {name: answer.outputs[name] for name in ["seed", "stream"]}
        rows = [{name: str(values[row]) for name, values in address.items()} for row in range(3)]
        expected = v1("sample", LOGITS, rows=rows)
        assert_outputs(answer.outputs, expected, outputs)
        self.same(expected, "sample", {"logits": LOGITS, **address}, outputs)

    def test_histories(self):
        parameters = {"seed": 7, "repetition_penalty": 1.5, "frequency_penalty": 0.5}
        outputs = ["probabilities", "token_ids"]
        expected = v1("sample", LOGITS, prompt_token_ids=HISTORIES, **parameters)
        inputs = {"logits": LOGITS, "prompt_token_ids": HISTORY}
        self.same(expected, "sample", inputs, outputs, parameters=parameters)
        expected = v1("sample", LOGITS, output_token_ids=HISTORIES, **parameters)
        inputs = {"logits": LOGITS, "output_token_ids": HISTORY.astype(np.int64)}
        self.same(expected, "sample", inputs, outputs, parameters=parameters)
        self.same(expected, "sample", inputs, outputs, parameters=parameters, json=True)

    def test_one_history_for_all_rows(self):
        parameters = {"seed": 7, "repetition_penalty": 1.5}
        expected = v1("sample", LOGITS, output_token_ids=[4, 9, 4], **parameters)
        inputs = {"logits": LOGITS, "output_token_ids": np.array([4, 9, 4], np.int32)}
        self.same(expected, "sample", inputs, parameters=parameters)

    def test_an_empty_history(self):
        """The history before the first step. kserve's client sends it as `data: null`."""
        parameters = {"seed": 7, "repetition_penalty": 1.5}
        expected = v1("sample", LOGITS, **parameters)
        for shape in [(3, 0), (0,)]:
            inputs = {"logits": LOGITS, "output_token_ids": np.zeros(shape, np.int64)}
            with self.subTest(shape):
                self.same(expected, "sample", inputs, parameters=parameters)
                outputs = ["token_ids", "logprobs"]
                options = {"parameters": parameters, "json": True}
                self.same(expected, "sample", inputs, outputs, **options)

    def test_allowed_and_banned_tokens(self):
        for name in ["allowed_token_ids", "banned_token_ids"]:
            with self.subTest(name):
                outputs = ["probabilities", "kept_count"]
                expected = v1("probabilities", LOGITS, **{name: [3, 40]})
                inputs = {"logits": LOGITS, name: np.array([3, 40], np.int64)}
                self.same(expected, "probabilities", inputs, outputs)
                rows = [{name: ids} for ids in HISTORIES]
                expected = v1("probabilities", LOGITS, rows=rows)
                inputs = {"logits": LOGITS, name: HISTORY}
                self.same(expected, "probabilities", inputs, outputs)

    def test_stop_tokens(self):
        stop = np.array([[int(np.argmax(row))] for row in LOGITS], np.int32)
        rows = [{"stop_token_ids": ids} for ids in stop.tolist()]
        expected = v1("probabilities", LOGITS, min_tokens=1, rows=rows)
        inputs = {"logits": LOGITS, "stop_token_ids": stop}
        self.same(expected, "probabilities", inputs, parameters={"min_tokens": 1})

    def test_bitmask(self):
        allowed = np.random.default_rng(4).random((3, 50)) < 0.5
        words = bitmask(allowed)
        encoded = [base64.b64encode(row.tobytes()).decode() for row in words]
        outputs = ["probabilities", "kept_count"]
        rows = [{"token_bitmask": row} for row in encoded]
        expected = v1("probabilities", LOGITS, rows=rows)
        inputs = {"logits": LOGITS, "token_bitmask": words}
        self.same(expected, "probabilities", inputs, outputs)
        expected = v1("probabilities", LOGITS, token_bitmask=encoded[0])
        inputs = {"logits": LOGITS, "token_bitmask": words[0]}
        self.same(expected, "probabilities", inputs, outputs)

    def test_guidance(self):
        unconditional = LOGITS[:, ::-1].copy()
        parameters = {"guidance_scale": 1.5}
        expected = v1(
            "probabilities", LOGITS, unconditional_logits=unconditional.tolist(), **parameters
        )
        inputs = {"logits": LOGITS, "unconditional_logits": unconditional}
        self.same(expected, "probabilities", inputs, parameters=parameters)

    def test_strings(self):
        profiles = ["vllm", "llama.cpp", "kelvin"]
        parameters = {"seed": 7, "temperature": 0.5, "top_p": 0.6}
        expected = v1("sample", LOGITS, rows=[{"profile": p} for p in profiles], **parameters)
        inputs = {"logits": LOGITS, "profile": np.array(profiles, dtype=object)}
        outputs = ["token_ids", "logprobs", "probabilities"]
        self.same(expected, "sample", inputs, outputs, parameters=parameters)
        self.same(expected, "sample", inputs, outputs, parameters=parameters, json=True)

    def test_booleans(self):
        inputs = {"logits": LOGITS, "replacement": np.array([False, True, False])}
        rows = [{"replacement": False}, {"replacement": True}, {"replacement": False}]
        expected = v1("sample", LOGITS, seed=7, n=20, rows=rows)
        self.same(expected, "sample", inputs, parameters={"seed": 7, "n": 20})
        options = {"parameters": {"seed": 7, "n": 20}, "json": {"replacement"}}
        self.same(expected, "sample", inputs, **options)

    def test_masked_logits(self):
        logits = np.where(LOGITS > 0, LOGITS, np.float32("-inf"))
        outputs = ["token_ids", "logprobs", "probabilities"]
        expected = v1("sample", logits, seed=7)
        parameters = {"seed": 7}
        self.same(expected, "sample", {"logits": logits}, outputs, parameters=parameters)
        # tritonclient writes -Infinity, which is not JSON; kserve writes null.
        options = {"parameters": parameters, "json": True}
        self.same_or_refused(expected, "sample", {"logits": logits}, outputs, **options)

    def test_classification(self):
        expected = top(LOGITS, 5, temperature=0.5)
        for json in [(), True]:
            answer = self.client.infer(
                "probabilities",
                {"logits": LOGITS},
                outputs=["probabilities"],
                parameters={"temperature": 0.5},
                classes=5,
                json=json,
            )
            classes = answer.outputs["probabilities"]
            self.assertEqual(classes.shape, (3, 5))
            for row, wanted in zip(classes, expected):
                texts = [text.decode() if isinstance(text, bytes) else text for text in row]
                values, ids = zip(*(text.split(":") for text in texts))
                self.assertEqual([int(id) for id in ids], wanted["token_ids"])
                # Triton writes six decimals.
                difference = np.subtract([float(v) for v in values], wanted["probabilities"])
                self.assertLess(abs(difference).max(), 1e-6, texts)

    def test_request_id(self):
        answer = self.client.infer("sample", {"logits": LOGITS}, id="row 17 – é")
        self.assertEqual(answer.id, "row 17 – é")

    def test_compressed_answers(self):
        expected = v1("sample", LOGITS, seed=7)
        for algorithm in ["gzip", "deflate"]:
            for json in [(), True]:
                with self.subTest(algorithm, json=json):
                    self.same(
                        expected,
                        "sample",
                        {"logits": LOGITS},
                        ["token_ids", "probabilities"],
                        parameters={"seed": 7},
                        json=json,
                        accept=algorithm,
                    )

    def test_refusals(self):
        for name, (model, inputs, parameters, status, word) in REFUSED.items():
            with self.subTest(name):
                refusal = self.client.refusal(model, inputs, parameters=parameters)
                self.assertEqual(refusal.status, status, refusal.words)
                self.assertIn(word, refusal.words)

    def test_an_unknown_output_is_refused(self):
        refusal = self.client.refusal("probabilities", {"logits": LOGITS}, outputs=["token_ids"])
        self.assertEqual(refusal.status, 400, refusal.words)
        self.assertIn("token_ids", refusal.words)

    def test_refusals_can_be_read_whatever_was_accepted(self):
        """tritonclient accepts compressed answers, but cannot read compressed errors."""
        for algorithm in ["gzip", "deflate"]:
            with self.subTest(algorithm):
                options = {"parameters": {"top_p": 7}, "accept": algorithm}
                refusal = self.client.refusal("sample", {"logits": LOGITS}, **options)
                self.assertEqual(refusal.status, 400)
                self.assertIn("top_p", refusal.words)
                self.assertNotIn("exception occurred in the client", refusal.words)

    def test_one_request_after_another(self):
        for seed in range(10):
            self.client.refusal("sample", {"logits": LOGITS}, parameters={"top_p": 7})
            expected = v1("sample", LOGITS, seed=seed)
            self.same(expected, "sample", {"logits": LOGITS}, parameters={"seed": seed})

    def test_requests_at_once(self):
        requests = [
            {"model": "sample", "inputs": {"logits": LOGITS}, "parameters": {"seed": seed}}
            for seed in range(24)
        ]
        for seed, answer in enumerate(self.client.infer_all(requests)):
            expected = v1("sample", LOGITS, seed=seed)
            assert_outputs(answer.outputs, expected, DEFAULT_OUTPUTS["sample"])
