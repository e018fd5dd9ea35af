import importlib.util
import pathlib
import re
import unittest

MANIFEST = pathlib.Path(__file__).parents[2] / "deploy/kserve/inference-service.yaml"
SIMPLE = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def misfits(value, type_name, models, path=""):
    """The fields of a value that KServe's API does not have, or has with another type."""
    listed = re.fullmatch(r"list\[(.*)\]", type_name)
    if listed:
        return [
            fault
            for i, item in enumerate(value)
            for fault in misfits(item, listed[1], models, f"{path}/{i}")
        ]
    mapped = re.fullmatch(r"dict\(str, (.*)\)", type_name)
    if mapped:
        return [
            fault
            for key, item in value.items()
            for fault in misfits(item, mapped[1], models, f"{path}/{key}")
        ]
    if type_name in SIMPLE:
        return [] if isinstance(value, SIMPLE[type_name]) else [f"{path} is no {type_name}"]
    model = next((getattr(m, type_name) for m in models if hasattr(m, type_name)), None)
    if model is None:
        return []
    names = {json: name for name, json in model.attribute_map.items()}
    faults = [f"{path}/{key} is unknown" for key in value if key not in names]
    return faults + [
        fault
        for key, item in value.items()
        if key in names
        for fault in misfits(item, model.openapi_types[names[key]], models, f"{path}/{key}")
    ]


@unittest.skipUnless(importlib.util.find_spec("kserve"), "kserve is not to be had for this Python")
class Manifest(unittest.TestCase):
    def check(self, change=lambda manifest: None):
        import kserve
        import kubernetes.client
        import yaml

        manifest = yaml.safe_load(MANIFEST.read_text())
        change(manifest)
        models = [kserve, kserve.models, kubernetes.client]
        return misfits(manifest, "V1beta1InferenceService", models)

    def test_is_what_kserve_takes(self):
        self.assertEqual(self.check(), [])

    def test_faults_would_be_noticed(self):
        def misspell(manifest):
            manifest["spec"]["predictor"]["minReplica"] = 0

        def mistype(manifest):
            manifest["spec"]["predictor"]["canaryTrafficPercent"] = "ten"

        def misplace(manifest):
            manifest["spec"]["predictor"]["containers"][0]["restart"] = "Always"

        self.assertEqual(self.check(misspell), ["/spec/predictor/minReplica is unknown"])
        self.assertEqual(self.check(mistype), ["/spec/predictor/canaryTrafficPercent is no int"])
        self.assertEqual(self.check(misplace), ["/spec/predictor/containers/0/restart is unknown"])


if __name__ == "__main__":
    unittest.main()
