"""The model: metadata, features and one network."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pippin.models.builder.network import NeuralNetwork, as_parts
from pippin.models.builder.parts import (
    BuilderError,
    Classifier,
    Feature,
    Input,
    Layer,
    Output,
    Part,
    Regressor,
    TrainingInput,
)
from pippin.models.spec import ResolvedSpec, resolve
from pippin.models.spec.shapes import ArrayMapping, ImageMapping
from pippin.models.spec.weights import initial_weights
from pippin.models.swiftcoreml import to_swift

_LISTS: dict[type[Feature], str] = {Input: "inputs", Output: "outputs", TrainingInput: "training_inputs"}
_AT_MOST_ONE: tuple[type[Part], ...] = (NeuralNetwork, Classifier, Regressor)


class Model(Part):
    """`Model(author=…)[Input(…), Output(…), NeuralNetwork(…)[…]]`: a model in the style of Swift code.

    The brackets contain inputs, outputs and training inputs, one network, and optionally a `Classifier` or a
    `Regressor`. Parts that the spec language infers may be left out.
    """

    known = (
        "version",
        "short_description",
        "author",
        "license",
        "version_string",
        "user_defined",
        "array_input_shape_mapping",
        "image_input_shape_mapping",
    )

    def __init__(
        self,
        *,
        version: int | None = None,
        short_description: str | None = None,
        author: str | None = None,
        license: str | None = None,  # noqa: A002 - the field's name
        version_string: str | None = None,
        user_defined: Mapping[str, str] | None = None,
        array_input_shape_mapping: ArrayMapping | None = None,
        image_input_shape_mapping: ImageMapping | None = None,
    ) -> None:
        super().__init__(
            version=version,
            short_description=short_description,
            author=author,
            license=license,
            version_string=version_string,
            user_defined=user_defined,
            array_input_shape_mapping=array_input_shape_mapping,
            image_input_shape_mapping=image_input_shape_mapping,
        )
        self.parts: tuple[Part, ...] = ()

    def __getitem__(self, parts: Part | tuple[Part, ...]) -> Self:
        """This model with its parts.

        Raises:
            BuilderError: The parts do not form a model.
        """
        if self.parts:
            raise BuilderError("found a second list of parts; a model has one: unpack a list with a star")
        model = type(self).__new__(type(self))
        model.fields = self.fields
        model.parts = as_parts(parts, Part, "among a model's parts", _RULE)
        _check(model.parts)
        return model

    @property
    def spec(self) -> dict[str, Any]:
        """The model as a JSON document in the spec language: the given fields, and names for layers without one.

        Raises:
            BuilderError: The model has no parts yet.
        """
        if not self.parts:
            raise BuilderError("found a model without parts; give them in brackets: Model(…)[Input(…), …]")
        document: dict[str, Any] = dict(self.fields)
        names: set[str] = set()
        for part in self.parts:
            match part:
                case Feature():
                    document.setdefault(_LISTS[type(part)], []).append(part.fields)
                    names.add(part.fields["name"])
                case Classifier():
                    document["classifier"] = part.document
                case Regressor():
                    document["regressor"] = part.document
        (network,) = (part for part in self.parts if isinstance(part, NeuralNetwork))
        return deepcopy(document | network.document(names))

    @cached_property
    def resolved(self) -> ResolvedSpec:
        """The model, checked and with everything filled in.

        Raises:
            SpecError: With every fault at once, each with a pointer into `spec`.
        """
        return resolve(self.spec)

    @property
    def mlmodel(self) -> bytes:
        """The bytes of the model's `.mlmodel`, untrained.

        Raises:
            SpecError: As `resolved` does.
        """
        # The import takes 1.5 s, and only this property needs it.
        from pippin.models.mlmodel import build  # noqa: PLC0415

        return build(self.resolved)

    def save(self, path: str | Path) -> None:
        """Write the `.mlmodel` to `path`."""
        Path(path).write_bytes(self.mlmodel)

    def to_swift(self, *, has_weights: bool = True) -> dict[str, Any]:
        """The model in SwiftCoreMLTools' JSON format.

        Args:
            has_weights: Whether to write the initial weights, which the library's decoder requires. Without them, the
                layers without explicit weights must be `glorot_uniform`, which is what Swift code draws.

        Raises:
            SpecError: As `resolved` does.
            SwiftDocumentError: The library cannot express the model.
        """
        weights = initial_weights(self.resolved) if has_weights else None
        return to_swift(self.resolved.spec.document(), weights)


_RULE = "inputs, outputs, training inputs, one network and a Classifier or Regressor belong in Model(…)[…]"


def _check(parts: tuple[Part, ...]) -> None:
    for part in parts:
        if isinstance(part, Layer):
            raise BuilderError(f"found {part!r} beside the network; layers belong in NeuralNetwork(…)[…]")
        if type(part) not in (*_LISTS, *_AT_MOST_ONE):
            raise BuilderError(f"found {part!r} among a model's parts; {_RULE}")
    for kind in _AT_MOST_ONE:
        count = sum(isinstance(part, kind) for part in parts)
        if count > 1:
            raise BuilderError(f"found {count} parts of type {kind.__name__}; a model has one at most")
    network = next((part for part in parts if isinstance(part, NeuralNetwork)), None)
    if network is None:
        raise BuilderError("found no NeuralNetwork; a model needs one")
    if not network.layers:
        raise BuilderError("found a NeuralNetwork without layers; give them in brackets: NeuralNetwork(…)[ReLU(), …]")
    if not any(isinstance(part, Input) for part in parts):
        raise BuilderError('found no Input; a model needs one or more: Input("image", [1, 28, 28])')
