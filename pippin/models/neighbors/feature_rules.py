"""Rules about inputs and outputs."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from pippin.errors import Fault, pointer
from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.model import ArrayType
from pippin.models.spec.explain import shown
from pippin.models.spec.layer import Message

ARRAY_TYPES: Final[dict[int, ArrayType]] = {
    65568: "float",
    65600: "double",
    131104: "int",
    65552: "float16",
    131080: "int8",
}
"""Names for the values of `ArrayFeatureType.ArrayDataType`, as in the spec language."""

_FIRST_VERSIONS: Final[dict[ArrayType, int]] = {"float": 1, "double": 1, "int": 1, "float16": 7, "int8": 10}
_DEFAULTS: Final[dict[ArrayType, str]] = {
    "float": "floatDefaultValue",
    "float16": "floatDefaultValue",
    "double": "doubleDefaultValue",
    "int": "intDefaultValue",
    "int8": "intDefaultValue",
}


def features_have_unique_names(draft: Draft) -> Iterator[Fault]:
    """Every feature has a name, and the names of inputs and outputs are unique.

    Source: InterfaceValidators.cpp, `validateFeatureDescription`. It does not check for duplicate names, with which an
    example would be ambiguous. A training input may be listed twice if both entries are of the same type.
    """
    description = draft.description
    yield from _unnamed_or_repeated(
        chain(_numbered("inputs", description.input), _numbered("outputs", description.output))
    )
    yield from _unnamed_or_repeated(_numbered("training_inputs", _without_duplicates(description.trainingInput)))


def only_input_is_an_array(draft: Draft) -> Iterator[Fault]:
    """There is one input, a required array.

    Source: InterfaceValidators.cpp, `validateOptionalGeneric`. Apple's validator accepts several inputs of any kind;
    NearestNeighbors.proto specifies a single vector of numbers.
    """
    inputs = draft.description.input
    if len(inputs) != 1:
        yield Fault("/inputs", f"found {len(inputs)} inputs; needs one, the vector whose neighbours are looked for")
    for place, feature in enumerate(inputs):
        kind = feature.type.WhichOneof("Type")
        if kind != "multiArrayType":
            yield Fault(pointer("inputs", place, "type"), f"found {kind or 'no type'}; needs multiArrayType")
        if feature.type.isOptional:
            yield Fault(pointer("inputs", place), "found an optional input; needs one that every example has")


def input_is_a_vector_of_fixed_length(draft: Draft) -> Iterator[Fault]:
    """The input has one axis, and its length is the number of dimensions.

    Apple's validator does not check this; with any other shape the runtime returns neither a model nor an error after
    an update.
    """
    dimensions = draft.index.numberOfDimensions
    for place, array in _arrays(draft):
        if list(array.shape) != [dimensions]:
            yield Fault(
                pointer("inputs", place, "shape"),
                f"found {shown(list(array.shape))}; needs [{dimensions}], one axis of numberOfDimensions",
            )
        if flexibility := array.WhichOneof("ShapeFlexibility"):
            yield Fault(
                pointer("inputs", place, "shape"), f"found {flexibility}; needs one fixed shape, [{dimensions}]"
            )


def version_supports_the_input_type(draft: Draft) -> Iterator[Fault]:
    """The specification version supports the input's data type. Source: InterfaceValidators.cpp."""
    version = draft.message.specificationVersion
    for place, array in _arrays(draft):
        kind = ARRAY_TYPES.get(array.dataType)
        if kind is None or version < _FIRST_VERSIONS[kind]:
            known = (
                f"{number} ({name})" for number, name in ARRAY_TYPES.items() if _FIRST_VERSIONS[name] <= max(version, 1)
            )
            yield Fault(
                pointer("inputs", place, "type"),
                f"found data type {array.dataType} in version {version}; needs one of {', '.join(known)}",
            )


def input_default_has_the_input_type(draft: Draft) -> Iterator[Fault]:
    """An input's default value is in the field for its data type. Source: InterfaceValidators.cpp."""
    for place, array in _arrays(draft):
        field, kind = array.WhichOneof("defaultOptionalValue"), ARRAY_TYPES.get(array.dataType)
        if field is None or kind is None:
            continue
        if field != _DEFAULTS[kind]:
            yield Fault(pointer("inputs", place), f"found {field} for numbers of type {kind}; needs {_DEFAULTS[kind]}")
        elif kind == "int8" and not -128 <= array.intDefaultValue <= 127:
            yield Fault(
                pointer("inputs", place), f"found intDefaultValue {array.intDefaultValue}; needs one from -128 to 127"
            )


def outputs_are_the_label_and_its_probabilities(draft: Draft) -> Iterator[Fault]:
    """The outputs are those that the description names: a label, and optionally a dictionary of probabilities.

    Source: Validators.hpp and InterfaceValidators.cpp, `validateClassifierFeatureDescriptions`. Apple's validator also
    accepts an array for the probabilities, with a note that it should not, and outputs that no model part computes.
    """
    if draft.label_type is None:
        return
    description = draft.description
    label, probabilities = description.predictedFeatureName, description.predictedProbabilitiesName
    if not label:
        yield Fault("/outputs", "found no predictedFeatureName; needs the name of the output that is the label")
    elif label == probabilities:
        yield Fault("/outputs", f"found {shown(label)} named for the label and its probabilities; needs two outputs")
    needed = {probabilities: "dictionary"} if probabilities else {}
    if label:
        needed[label] = draft.label_type
    for name in sorted(needed.keys() - {feature.name for feature in description.output}):
        yield Fault(
            "/outputs", f"found no output {shown(name)}; needs it as {needed[name]}, since the description names it"
        )
    for place, feature in enumerate(description.output):
        if feature.name not in needed:
            yield Fault(
                pointer("outputs", place),
                f"found output {shown(feature.name)}, which is neither predictedFeatureName nor "
                "predictedProbabilitiesName; needs no other",
            )
        elif not _has_type(feature.type, needed[feature.name], draft.label_type):
            kind = feature.type.WhichOneof("Type")
            yield Fault(
                pointer("outputs", place, "type"),
                f"found {kind or 'no type'}; needs {_needed_text(needed[feature.name], draft.label_type)}",
            )
        if feature.type.isOptional:
            yield Fault(pointer("outputs", place), "found an optional output; needs a required one")


def training_inputs_are_the_input_and_the_label(draft: Draft) -> Iterator[Fault]:
    """A training example holds only the input, declared identically, and the label, named like the predicted feature.

    Source: the models of coremltools' builder, which the runtime trains; Apple's validator does not check this.
    """
    description = draft.description
    named = {feature.name: feature.type for feature in description.input}
    label = description.predictedFeatureName
    names = {feature.name for feature in description.trainingInput}
    for name in sorted({*named, label} - names - {""}):
        what = "the label" if name == label else "the input"
        yield Fault("/training_inputs", f"found no training input {shown(name)}; needs it, {what}")
    for place, feature in enumerate(description.trainingInput):
        where = pointer("training_inputs", place)
        if feature.name == label:
            kind = feature.type.WhichOneof("Type")
            if draft.label_type is not None and (kind != f"{draft.label_type}Type" or feature.type.isOptional):
                yield Fault(
                    f"{where}/type",
                    f"found {_type_text(feature.type)}; needs {draft.label_type}Type, as the labels are",
                )
        elif feature.name not in named:
            yield Fault(where, f"found training input {shown(feature.name)}, which no example needs; leave it out")
        elif feature.type != named[feature.name]:
            yield Fault(
                where, f"found a different type than that of the input {shown(feature.name)}; needs the same type"
            )


def _arrays(draft: Draft) -> Iterator[tuple[int, Message]]:
    """The array inputs with their indices."""
    for place, feature in enumerate(draft.description.input):
        if feature.type.WhichOneof("Type") == "multiArrayType":
            yield place, feature.type.multiArrayType


def _numbered(field: str, features: Iterable[Message]) -> Iterator[tuple[str, str]]:
    for place, feature in enumerate(features):
        yield pointer(field, place, "name"), feature.name


def _without_duplicates(features: Message) -> Iterator[Message]:
    """The features without duplicates of an earlier feature with the same name and type."""
    first: dict[str, Message] = {}
    for feature in features:
        if not feature.name or feature.name not in first or first[feature.name] != feature.type:
            yield feature
        first.setdefault(feature.name, feature.type)


def _unnamed_or_repeated(names: Iterator[tuple[str, str]]) -> Iterator[Fault]:
    taken: set[str] = set()
    for where, name in names:
        if not name:
            yield Fault(where, "found a feature without a name; needs one")
        elif name in taken:
            yield Fault(where, f"found {shown(name)} a second time; needs a unique name")
        taken.add(name)


def _has_type(kind: Message, needed: str, label_type: str) -> bool:
    """Whether a `FeatureType` matches the label, or the dictionary of probabilities by label."""
    if needed != "dictionary":
        return bool(kind.WhichOneof("Type") == f"{needed}Type")
    return bool(kind.WhichOneof("Type") == "dictionaryType" and kind.dictionaryType.HasField(f"{label_type}KeyType"))


def _needed_text(needed: str, label_type: str) -> str:
    return f"dictionaryType with {label_type}KeyType" if needed == "dictionary" else f"{needed}Type, as the labels are"


def _type_text(kind: Message) -> str:
    return ("optional " if kind.isOptional else "") + (kind.WhichOneof("Type") or "no type")
