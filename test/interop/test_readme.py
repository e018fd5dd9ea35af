"""The Python of the README runs as it is written."""

import contextlib
import io
import re
import unittest
from pathlib import Path

import kelvin


class TestReadme(unittest.TestCase):
    def test_programs(self):
        readme = (Path(__file__).parents[2] / "README.md").read_text()
        programs = re.findall(r"```python\n(.*?)```", readme, re.S)
        self.assertTrue(programs)
        for program in programs:
            printed = io.StringIO()
            with self.subTest(program=program), contextlib.redirect_stdout(printed):
                exec(program.replace("localhost:27315", kelvin.ADDRESS), {})
                self.assertTrue(printed.getvalue())


if __name__ == "__main__":
    unittest.main()
