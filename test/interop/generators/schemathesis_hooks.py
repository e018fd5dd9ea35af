"""Refusals that a JSON schema cannot predict. They are no findings; each has its reason."""

import re

import schemathesis

# Details of a 400, 404 or 413 to a request that fits its schema, by the rule that the schema cannot express.
EXPLAINED = {
    "the length of one field determines that of another": [
        r"Expected \d+ (objects|items), one for each row",
        r"Expected a list with an item for each row",
        r"Expected a row of \d+ logits like the first",
        r"Expected \d+ logits, one for each token id",
        r"/(values|log_z)[^:]*: Expected a (finite )?number.*, got an array",
        r"Shape \[[\d,]+\] of \w+ takes \d+ bytes",
        r"Expected elements of \d+ bytes",
        r"Expected whole int32 words",
    ],
    "shape and dtype in the query are only for a tensor body": [
        r"In the query, /\w+: \w+ describes a body of application/octet-stream",
    ],
    "a text in the query may have to be JSON": [r"Expected an object as JSON text"],
    "items must differ, and one of the logits must be above -Infinity": [
        r"Expected each sampler once",
        r"Token id \d+ occurs twice",
        r"Expected at least one logit above -Infinity",
    ],
    "a file must exist": [r"Cannot open .*SHARED_MEMORY_DIR", r"Expected the name of a file"],
    "the size of a tensor in shared memory is limited": [r"^The tensors in shared memory have"],
    "the number of rows is limited": [r"Expected at most \d+ rows"],
    "a string of digits may be a number beyond 64 bits": [r"Expected an integer from 0 to \d+"],
}

# The same for /v2, whose schema describes tensors and parameters of any name.
EXPLAINED_INFER = {
    "the type of a tensor or parameter depends on its name": [
        r'^Expected an input named "logits"',
        r'^(unexpected |input |output )"?',
        r"^/[a-z_]+(/\d+)?: ",
    ],
    "a region must be registered, and its file must exist": [
        r"^Unknown shared-memory region",
        r'^region ".*": (Cannot open|Expected the name of a file|Expected a smaller offset)',
    ],
    "the body begins with JSON of the length in a header": [
        r"Inference-Header-Content-Length",
        r"at byte \d+|The JSON ends too early",
        r"Expected a JSON object|The body: Expected an object",
    ],
}


def reasons(case):
    patterns = {**EXPLAINED, **(EXPLAINED_INFER if "/v2/" in case.path else {})}
    return [pattern for group in patterns.values() for pattern in group]


@schemathesis.hook
def filter_case(context, case):
    if case.meta and case.meta.generation.mode.is_negative:
        # null in an optional field means that it is omitted. The schema does not say so, because
        # generators handle it badly.
        if isinstance(case.body, dict) and None in case.body.values():
            return False
    # The length of the JSON is only known when it is written.
    headers = {name.lower() for name in case.headers or {}}
    return "inference-header-content-length" not in headers or case.media_type != "application/json"


@schemathesis.check
def refusals_are_explained(context, response, case):
    """A request that fits its schema is only refused by rules that no schema can express."""
    if response.status_code not in (400, 404, 413) or not case.meta or not case.meta.generation.mode.is_positive:
        return
    answer = response.json()
    detail = answer.get("detail") or answer["error"]
    assert any(re.search(pattern, detail) for pattern in reasons(case)), f"Not explained: {detail}"
