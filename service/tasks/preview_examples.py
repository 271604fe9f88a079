"""Writes some examples of a dataset as JSON."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from service.sandbox.wire import Answer


def preview_examples(about: dict[str, Any], columns: Sequence[tuple[str, str, list[int], str]]) -> Answer:
    """A `Preview` in JSON, which is what is attached.

    Args:
        about: The preview's members beside `examples`.
        columns: Name, dtype, shape of all examples together, and little-endian values in base 64 of each feature.
    """
    arrays = {
        name: np.frombuffer(base64.b64decode(data), np.dtype(dtype).newbyteorder("<")).reshape(shape)
        for name, dtype, shape, data in columns
    }
    count = min(map(len, arrays.values()))
    examples = [{name: array[row].tolist() for name, array in arrays.items()} for row in range(count)]
    document = {**about, "examples": examples}
    return Answer(None, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
