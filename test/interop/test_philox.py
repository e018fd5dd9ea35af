"""A draw uses the numbers of NumPy's Philox, for seeds and streams below and above 2^63."""

import unittest

import kelvin
import numpy as np

NUMBERS = [0, 7, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 1]
LOGITS = [2, 1, 0.5, -1, -3]


class TestPhilox(unittest.TestCase):
    def test_draws(self):
        for seed in NUMBERS:
            for stream in NUMBERS:
                for step in [0, 2**53 - 1]:
                    with self.subTest(seed=seed, stream=stream, step=step):
                        self.check(seed, stream, step)

    def check(self, seed, stream, step):
        address = {"seed": str(seed), "stream": str(stream), "step": step}
        result = kelvin.post("/v1/sample", {"logits": LOGITS, "n": 9, **address})["results"][0]
        key = np.array([seed, stream], dtype=np.uint64)
        counter = np.array([0, step, 0, 0], dtype=np.uint64)
        uniforms = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(9)
        running = np.cumsum(result["probabilities"])
        expected = np.searchsorted(running, uniforms * running[-1], side="right")
        self.assertEqual(result["token_ids"], expected.tolist())


if __name__ == "__main__":
    unittest.main()
