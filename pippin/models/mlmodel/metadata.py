"""The metadata of a file: `Metadata`.

Two fields of the spec language determine the initial weights but have no field in the format. They are stored under
user-defined keys with Pippin's prefix, and only if they differ from the default.
"""

from typing import Final

from pippin.models.mlmodel.proto import Message
from pippin.models.spec import ModelSpec
from pippin.models.spec.values import RESERVED_PREFIX
from pippin.models.spec.weighted import Drawn

_FIELDS: Final = {
    "short_description": "shortDescription",
    "author": "author",
    "license": "license",
    "version_string": "versionString",
}
_INITIAL_SEED: Final = f"{RESERVED_PREFIX}initial_seed"
_INITIALIZER_OF: Final = f"{RESERVED_PREFIX}initializer."


def write_metadata(spec: ModelSpec, message: Message) -> None:
    """Write the author's metadata, the initial seed and the initializers."""
    for name, field in _FIELDS.items():
        setattr(message, field, getattr(spec, name))
    user_defined = message.userDefined
    user_defined.update(spec.user_defined)
    if spec.initial_seed != ModelSpec.model_fields["initial_seed"].default:
        user_defined[_INITIAL_SEED] = str(spec.initial_seed)
    for layer in spec.layers:
        if isinstance(layer, Drawn) and layer.initializer != Drawn.model_fields["initializer"].default:
            user_defined[_INITIALIZER_OF + layer.name] = layer.initializer


def read_metadata(message: Message) -> dict[str, object]:
    """The author's metadata, as a spec's document has it."""
    user_defined = message.userDefined
    document: dict[str, object] = {name: getattr(message, field) for name, field in _FIELDS.items()}
    document["user_defined"] = {
        key: user_defined[key] for key in sorted(user_defined) if not key.startswith(RESERVED_PREFIX)
    }
    return document


def read_seeds(message: Message) -> dict[str, object]:
    """The initial seed as a field of a spec's document; empty for the default seed."""
    seed = message.userDefined.get(_INITIAL_SEED)
    if seed is None:
        return {}
    return {"initial_seed": int(seed) if seed.isdecimal() and len(seed) < 20 else seed}


def read_initializer(layer: str, message: Message) -> dict[str, object]:
    """The initializer of a layer as a field of the layer's document; empty for the default initializer."""
    key = _INITIALIZER_OF + layer
    return {"initializer": message.userDefined[key]} if key in message.userDefined else {}
