"""Assigns the features of a dataset to the training inputs of a model, and explains why a feature does not fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, prod

import numpy as np

from pippin.api.datasets import Feature, Range, StoredManifest
from pippin.api.requests import DatasetSource, ResolvedDataset
from pippin.datasets.classes import Classes, Span, classes_of, listed
from pippin.datasets.notices import bounded
from pippin.datasets.npz import is_target
from pippin.datasets.shapes import fits, is_picture, squeezed
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec import Feature as Input
from pippin.models.spec import ImageFeature
from pippin.models.trainable import Trainable

_USUAL_VALIDATION = ("validation", "test")


def bind(
    manifest: StoredManifest, model: Trainable, source: DatasetSource, trained_labels: Sequence[str] | None = None
) -> ResolvedDataset:
    """Resolve every choice about a job's dataset, and check that the model can train on it.

    A training input takes the feature that `bind` names for it, else the feature of the same name. A model with one
    input and one target takes the two features of a dataset by their positions.

    Args:
        manifest: The manifest of the dataset.
        model: The model to train.
        source: The `dataset` of the request.
        trained_labels: The labels of the dataset that the model was trained on before, by class number of the model.

    Raises:
        FaultyDocumentError: The dataset does not fit the model. Pointers are relative to the request's `dataset`.
    """
    faults: list[Fault] = []
    splits = _splits(manifest, source, faults)
    bound = _bound_features(manifest, model, source, faults)
    inputs = _training_inputs(model)
    classes = None
    for name, feature in bound.items():
        ranges = [(split, manifest.ranges[split][feature.name]) for split in splits]
        if name == model.target:
            mismatches, classes = target_mismatches(
                inputs[name], feature, manifest, ranges, model, trained_labels=trained_labels
            )
        else:
            mismatches = input_mismatches(inputs[name], feature, manifest, ranges, model.indices.get(name))
        at = pointer("bind", name) if source.bind and name in source.bind else ""
        faults += [Fault(at, detail) for detail in mismatches]
    if faults:
        raise FaultyDocumentError("the dataset does not fit the model", faults)
    return ResolvedDataset(
        id=manifest.id,
        name=manifest.name,
        digest=manifest.digest,
        train=source.train,
        validation=splits[1] if len(splits) > 1 else None,
        validation_fraction=source.validation_fraction,
        bind={name: feature.name for name, feature in bound.items()},
        classes=None if classes is None else classes.pairs,
        notices=list(
            bounded(
                (
                    *(_order_notices(bound, model.target) if manifest.format == "npz" and not source.bind else ()),
                    *_scale_notices(bound, inputs, model.target),
                    *(classes.notices if classes is not None else ()),
                )
            )
        ),
    )


def _order_notices(bound: Mapping[str, Feature], target: str) -> Iterator[str]:
    """A notice where only the order of two features determines which of them is the target."""
    if len(bound) != 2 or any(name == feature.name for name, feature in bound.items()):
        return
    (name, input_), (_, predicted) = sorted(bound.items(), key=lambda item: item[0] == target)
    if input_.shape == predicted.shape and not is_target(predicted.name):
        yield (
            f"{input_.name!r} feeds {name!r} and {predicted.name!r} is the target {target!r}, by their order in the "
            "dataset; set bind to change this"
        )


def _scale_notices(bound: Mapping[str, Feature], inputs: Mapping[str, Input], target: str) -> Iterator[str]:
    """A notice for each training input whose bytes are scaled although its shape is not that of a picture."""
    for name, feature in bound.items():
        # An image input gets its pixels unscaled.
        is_scaled = feature.scale != 1 and not isinstance(inputs[name], ImageFeature)
        if is_scaled and name != target and not is_picture(feature.shape):
            yield (
                f"the bytes of {feature.name!r} are multiplied by {feature.scale:.6g} for the training; numbers sent "
                f"to predict for {name!r} must be multiplied by the same factor"
            )


def _splits(manifest: StoredManifest, source: DatasetSource, faults: list[Fault]) -> list[str]:
    """The existing splits that the job uses: the training split, then the validation split, if there is one."""
    examples = {split.name: split.examples for split in manifest.splits}
    listed = ", ".join(examples)
    used = [source.train]
    if source.validation is not None:
        used.append(source.validation)
    elif source.validation_fraction is None:
        used += [name for name in _USUAL_VALIDATION if name in examples and name != source.train][:1]
    for field, name in zip(("train", "validation"), used, strict=False):
        if name not in examples:
            faults.append(Fault(pointer(field), f"the dataset has no split {name!r}; its splits are {listed}"))
    if source.validation_fraction is not None and examples.get(source.train) == 1:
        detail = f"the split {source.train!r} has only one example, so none can be held out"
        faults.append(Fault(pointer("validation_fraction"), detail))
    return [name for name in used if name in examples]


def _training_inputs(model: Trainable) -> dict[str, Input]:
    """The training inputs by name, the target last."""
    inputs = {feature.name: feature for feature in model.features}
    inputs[model.target] = inputs.pop(model.target)
    return inputs


def _bound_features(
    manifest: StoredManifest, model: Trainable, source: DatasetSource, faults: list[Fault]
) -> dict[str, Feature]:
    """The feature of each training input; adds a fault for each training input without a feature."""
    features = {feature.name: feature for feature in manifest.features}
    names = list(_training_inputs(model))
    listed = ", ".join(features)
    requested = source.bind or {}
    bound: dict[str, Feature] = {}
    for name, feature_name in requested.items():
        if name not in names:
            detail = f"the model has no training input {name!r}; its training inputs are {', '.join(names)}"
            faults.append(Fault(pointer("bind", name), detail))
        elif feature_name not in features:
            detail = f"the dataset has no feature {feature_name!r}; its features are {listed}"
            faults.append(Fault(pointer("bind", name), detail))
        else:
            bound[name] = features[feature_name]
    bound |= {name: features[name] for name in names if name not in requested and name in features}
    if len(names) == len(features) == 2 and bound.keys() >= requested.keys():
        bound |= _by_position([name for name in names if name not in requested], manifest.features, bound)
    for name in names:
        if name not in bound and name not in requested:
            detail = f"no feature feeds the training input {name!r}; name one of {listed} in bind"
            faults.append(Fault("", detail))
    return {name: bound[name] for name in names if name in bound}


def _by_position(names: list[str], features: list[Feature], bound: dict[str, Feature]) -> dict[str, Feature]:
    """The features that feed no training input yet, in order, for the training inputs without a feature."""
    unbound = [name for name in names if name not in bound]
    used = {feature.name for feature in bound.values()}
    return dict(zip(unbound, [feature for feature in features if feature.name not in used], strict=False))


_INT32 = np.iinfo(np.int32)

Ranges = list[tuple[str, Range]]
"""The extreme values of a feature in each split that the job uses."""


def input_mismatches(
    input_: Input, feature: Feature, manifest: StoredManifest, ranges: Ranges, vocabulary: int | None
) -> list[str]:
    """Why a feature does not fit a training input other than the target; empty where it fits.

    Args:
        input_: The training input.
        feature: The feature to feed it with.
        manifest: The manifest of the feature's dataset.
        ranges: The values of the feature.
        vocabulary: The number of indices of the embedding that looks the values up; None without an embedding.
    """
    mismatches = [*_shape_and_type_mismatches(input_, feature, manifest, is_index=vocabulary is not None)]
    return mismatches or [*_value_mismatches(feature, ranges, _allowed(input_, vocabulary))]


def target_mismatches(
    input_: Input,
    feature: Feature,
    manifest: StoredManifest,
    ranges: Ranges,
    model: Trainable,
    *,
    trained_labels: Sequence[str] | None = None,
) -> tuple[list[str], Classes | None]:
    """Why a feature does not fit the target, and which classes its numbers mean: None where they are quantities."""
    labels = manifest.labels_of(feature.name)
    span = Span(
        min((values.minimum for _, values in ranges), default=inf),
        max((values.maximum for _, values in ranges), default=-inf),
    )
    classes = classes_of(model, labels, span, trained_labels)
    if classes is None:
        mismatches = [] if labels is None else [_class_names_for_quantities(input_, feature, labels)]
        return mismatches or input_mismatches(input_, feature, manifest, ranges, None), None
    if prod(feature.shape) != 1:
        return [_several_numbers_for_a_class(input_, feature, model)], classes
    mismatches = [*_shape_and_type_mismatches(input_, feature, manifest, is_index=False)]
    allowed = _Allowed(classes.minimum, classes.maximum, classes.rule)
    return mismatches or [*_value_mismatches(feature, ranges, allowed), *classes.faults], classes


def _class_names_for_quantities(input_: Input, feature: Feature, labels: list[str]) -> str:
    return (
        f"the loss compares {input_.name!r} as a quantity, and the dataset's feature {feature.name!r} holds class "
        f"names ({listed(labels)}); train a model with the loss categorical_cross_entropy on it, or upload the "
        "dataset again with plain numbers for a target"
    )


def _several_numbers_for_a_class(input_: Input, feature: Feature, model: Trainable) -> str:
    inner = squeezed(feature.shape)
    one_hot = len(inner) == 1 and model.classes in {None, inner[0]}
    remedy = (
        "send class numbers instead of one-hot rows (in NumPy, rows.argmax(axis=-1))"
        if one_hot
        else "bind a feature of shape [1]"
    )
    return (
        f"the training input {input_.name!r} takes one class number per example, and the dataset's feature "
        f"{feature.name!r} has the shape {list(feature.shape)}; {remedy}"
    )


def _shape_and_type_mismatches(
    input_: Input, feature: Feature, manifest: StoredManifest, *, is_index: bool
) -> Iterator[str]:
    """Why the shape and type of a feature do not fit a training input."""
    if not fits(feature.shape, input_.lengths):
        yield (
            f"the training input {input_.name!r} has the shape {list(input_.lengths)}, and the dataset's feature "
            f"{feature.name!r} has {list(feature.shape)}; {_remedy(input_, feature, manifest)}"
        )
    if isinstance(input_, ImageFeature):
        if feature.dtype != "uint8":
            yield (
                f"the training input {input_.name!r} is an image, and the dataset's feature {feature.name!r} holds "
                f"{feature.dtype}; an image takes pixels, bytes from 0 to 255"
            )
    elif (is_index or input_.type in ("int", "string", "int64")) and feature.scale != 1:
        yield (
            f"the training input {input_.name!r} takes whole numbers, and the dataset's feature {feature.name!r} "
            "holds pixels, which are scaled to fractions; send whole numbers of another type than uint8"
        )


def _remedy(input_: Input, feature: Feature, manifest: StoredManifest) -> str:
    """The remedy for a feature whose shape does not fit."""
    lengths = input_.lengths
    if manifest.format == "images" and len(lengths) == 3 and lengths[0] in {1, 3}:
        if lengths[1:] != feature.shape[1:]:
            return f"make the pictures {lengths[2]} by {lengths[1]} pixels"
        return f"upload the pictures with color={'gray' if lengths[0] == 1 else 'rgb'}"
    if other := next((each for each in manifest.features if each is not feature and fits(each.shape, lengths)), None):
        return f"name the feature that feeds it in bind, such as {other.name!r}, which has this shape"
    if prod(lengths) != prod(feature.shape):
        return "change the model or the dataset so that the shapes are equal"
    # The option `shape` sets the shape of a table's only input; an array of an NPZ keeps its shape.
    if manifest.format == "csv" and len(manifest.features) == 2 and feature is manifest.features[0]:
        return f"upload the table with shape={','.join(map(str, lengths))}"
    return f"send an NPZ with an array [{', '.join(['N', *map(str, lengths)])}]"


@dataclass(frozen=True)
class _Allowed:
    """The whole numbers that a training input takes: from `minimum` to `maximum`; `rule` states them in a message."""

    minimum: int
    maximum: int
    rule: str


def _allowed(input_: Input, vocabulary: int | None) -> _Allowed | None:
    """The values that a training input takes: an index below `vocabulary`, or any whole number; None for any value."""
    takes = f"the training input {input_.name!r} takes whole numbers"
    if vocabulary is not None:
        return _Allowed(0, vocabulary - 1, f"{takes} from 0 to {vocabulary - 1}, which an embedding looks up")
    return _Allowed(int(_INT32.min), int(_INT32.max), f"{takes} of 32 bits") if input_.type == "int" else None


def _value_mismatches(feature: Feature, ranges: Ranges, allowed: _Allowed | None) -> Iterator[str]:
    """Why the values of a feature do not fit, by split; names the first or most extreme wrong value."""
    if allowed is None:
        return
    for split, values in ranges:
        for value, place in ((values.minimum, values.minimum_at), (values.maximum, values.maximum_at)):
            if not allowed.minimum <= value <= allowed.maximum:
                yield f"{feature.name!r} is {value:.17g} at {place} (split {split}); {allowed.rule}"
        if values.fraction_at is not None:
            yield f"{feature.name!r} is not a whole number at {values.fraction_at} (split {split}); {allowed.rule}"
