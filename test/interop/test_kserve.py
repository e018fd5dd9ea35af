import importlib.util
import unittest

from cases import Cases
from clients import KServe


@unittest.skipUnless(importlib.util.find_spec("kserve"), "kserve is not to be had for this Python")
class TestKServe(Cases, unittest.TestCase):
    connect = KServe
