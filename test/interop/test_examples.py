"""The Python programs of examples/ draw what /v1 draws."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

import kelvin
import numpy as np

EXAMPLES = Path(__file__).parents[2] / "examples"
ROW = EXAMPLES / "story.f32"


def run(program, *arguments):
    command = [sys.executable, EXAMPLES / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


class TestExamples(unittest.TestCase):
    def test_answers(self):
        fields = {"temperature": 0.8, "top_p": 0.95, "seed": 42}
        result = kelvin.v1("sample", np.fromfile(ROW, np.float32).reshape(1, -1), **fields)
        token, logprob = result["token_ids"][0, 0], result["logprobs"][0, 0]
        socket = f"unix:{os.environ['KELVIN_SOCKET']}"
        ways = (("sample.py", kelvin.URL), ("sample.py", socket), ("triton.py", kelvin.ADDRESS))
        for program, address in ways:
            with self.subTest(program=program, address=address):
                ran = run(program, ROW, address)
                self.assertEqual(ran.stderr, "")
                self.assertEqual(ran.stdout, f"token {token}, logprob {logprob:.4f}\n")

    def test_nobody(self):
        for program, address in (("sample.py", "http://127.0.0.1:9"), ("triton.py", "127.0.0.1:9")):
            with self.subTest(program=program):
                ran = run(program, ROW, address)
                self.assertEqual((ran.returncode, ran.stdout), (1, ""))
                self.assertIn("127.0.0.1:9", ran.stderr)


if __name__ == "__main__":
    unittest.main()
