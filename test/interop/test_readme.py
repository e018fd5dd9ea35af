"""The Python programs of the README and docs/ run as shown."""

import contextlib
import io
import re
import unittest
from pathlib import Path

import kelvin


class TestReadme(unittest.TestCase):
    def test_programs(self):
        root = Path(__file__).parents[2]
        pages = [root / "README.md", *sorted(root.glob("docs/*.md"))]
        text = "\n".join(page.read_text() for page in pages)
        programs = re.findall(r"```python\n(.*?)```", text, re.S)
        self.assertTrue(programs)
        for program in programs:
            printed = io.StringIO()
            with self.subTest(program=program), contextlib.redirect_stdout(printed):
                exec(program.replace("localhost:27315", kelvin.ADDRESS), {})
                self.assertTrue(printed.getvalue())


if __name__ == "__main__":
    unittest.main()
