"""Whether a dataset fits a model, and which feature feeds which training input."""

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
    """Decides every choice about a job's dataset, and checks that the model can train on it.

    A training input takes the feature that `bind` names for it, else the one of its own name; else, for one input, one
    target and two features, the one in its position.

    Args:
        manifest: The dataset's.
        model: What is to be trained.
        source: What the request says of the dataset.
        trained_labels: The labels of the dataset that the model was trained on before, by the model's number.

    Raises:
        FaultyDocumentError: The dataset does not fit. Pointers are relative to the request's `dataset`.
    """
    faults: list[Fault] = []
    splits = _splits(manifest, source, faults)
    bound = _bound(manifest, model, source, faults)
    inputs = _training_inputs(model)
    classes = None
    for name, feature in bound.items():
        ranges = [(split, manifest.ranges[split][feature.name]) for split in splits]
        if name == model.target:
            array_faults, classes = target_misfits(
                inputs[name], feature, manifest, ranges, model, trained_labels=trained_labels
            )
        else:
            array_faults = input_misfits(inputs[name], feature, manifest, ranges, model.indices.get(name))
        at = pointer("bind", name) if source.bind and name in source.bind else ""
        faults += [Fault(at, detail) for detail in array_faults]
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
                    *(_guessed(bound, model.target) if manifest.format == "npz" and not source.bind else ()),
                    *_scaled(bound, inputs, model.target),
                    *(classes.notices if classes is not None else ()),
                )
            )
        ),
    )


def _guessed(bound: Mapping[str, Feature], target: str) -> Iterator[str]:
    """A notice where nothing but the order of two features tells which of them is the target."""
    if len(bound) != 2 or any(name == feature.name for name, feature in bound.items()):
        return
    (name, fed), (_, predicted) = sorted(bound.items(), key=lambda item: item[0] == target)
    if fed.shape == predicted.shape and not is_target(predicted.name):
        yield (
            f"{fed.name!r} feeds {name!r} and {predicted.name!r} is the target {target!r}, by their order in the "
            "dataset; bind says otherwise"
        )


def _scaled(bound: Mapping[str, Feature], inputs: Mapping[str, Input], target: str) -> Iterator[str]:
    """A notice for each training input whose bytes are scaled though they are no picture's."""
    for name, feature in bound.items():
        # An image gets its pixels as they are.
        is_scaled = feature.scale != 1 and not isinstance(inputs[name], ImageFeature)
        if is_scaled and name != target and not is_picture(feature.shape):
            yield (
                f"the bytes of {feature.name!r} are multiplied by {feature.scale:.6g} for the training; numbers "
                f"sent to predict for {name!r} must be multiplied alike"
            )


def _splits(manifest: StoredManifest, source: DatasetSource, faults: list[Fault]) -> list[str]:
    """The names of the splits that the job uses and that exist: to train on, then to validate on, if any."""
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
        detail = f"the split {source.train!r} has one example, of which none can be held out"
        faults.append(Fault(pointer("validation_fraction"), detail))
    return [name for name in used if name in examples]


def _training_inputs(model: Trainable) -> dict[str, Input]:
    """The training inputs by name, the target last."""
    inputs = {feature.name: feature for feature in model.features}
    inputs[model.target] = inputs.pop(model.target)
    return inputs


def _bound(
    manifest: StoredManifest, model: Trainable, source: DatasetSource, faults: list[Fault]
) -> dict[str, Feature]:
    """The feature of each training input that has one; a fault for each that has none."""
    features = {feature.name: feature for feature in manifest.features}
    names = list(_training_inputs(model))
    listed = ", ".join(features)
    asked = source.bind or {}
    bound: dict[str, Feature] = {}
    for name, feature_name in asked.items():
        if name not in names:
            detail = f"the model has no training input {name!r}; its training inputs are {', '.join(names)}"
            faults.append(Fault(pointer("bind", name), detail))
        elif feature_name not in features:
            detail = f"the dataset has no feature {feature_name!r}; its features are {listed}"
            faults.append(Fault(pointer("bind", name), detail))
        else:
            bound[name] = features[feature_name]
    bound |= {name: features[name] for name in names if name not in asked and name in features}
    if len(names) == len(features) == 2 and bound.keys() >= asked.keys():
        bound |= _by_position([name for name in names if name not in asked], manifest.features, bound)
    for name in names:
        if name not in bound and name not in asked:
            detail = f"no feature feeds the training input {name!r}; say which of {listed} does, in bind"
            faults.append(Fault("", detail))
    return {name: bound[name] for name in names if name in bound}


def _by_position(names: list[str], features: list[Feature], bound: dict[str, Feature]) -> dict[str, Feature]:
    """Features for the training inputs that have none yet, out of the features that feed none yet."""
    lacking = [name for name in names if name not in bound]
    used = {feature.name for feature in bound.values()}
    return dict(zip(lacking, [feature for feature in features if feature.name not in used], strict=False))


_INT32 = np.iinfo(np.int32)

Ranges = list[tuple[str, Range]]
"""A feature's extreme values in each of the splits that are used."""


def input_misfits(
    wanted: Input, feature: Feature, manifest: StoredManifest, ranges: Ranges, known: int | None
) -> list[str]:
    """What is wrong with the feature of a training input other than the target.

    Args:
        wanted: The training input.
        feature: What is to feed it.
        manifest: The feature's dataset.
        ranges: The feature's values.
        known: How many indices an embedding knows that looks the values up; None where none does.
    """
    array_faults = [*_form(wanted, feature, manifest, is_index=known is not None)]
    return array_faults or [*_values(feature, ranges, _allowed(wanted, known))]


def target_misfits(
    wanted: Input,
    feature: Feature,
    manifest: StoredManifest,
    ranges: Ranges,
    model: Trainable,
    *,
    trained_labels: Sequence[str] | None = None,
) -> tuple[list[str], Classes | None]:
    """What is wrong with the feature of the target; and what its numbers mean, None where they are quantities."""
    labels = manifest.labels_of(feature.name)
    span = Span(
        min((values.minimum for _, values in ranges), default=inf),
        max((values.maximum for _, values in ranges), default=-inf),
    )
    classes = classes_of(model, labels, span, trained_labels)
    if classes is None:
        array_faults = [] if labels is None else [_names_for_quantities(wanted, feature, labels)]
        return array_faults or input_misfits(wanted, feature, manifest, ranges, None), None
    if prod(feature.shape) != 1:
        return [_several_numbers_for_a_class(wanted, feature, model)], classes
    array_faults = [*_form(wanted, feature, manifest, is_index=False)]
    allowed = _Allowed(classes.least, classes.most, classes.said)
    return array_faults or [*_values(feature, ranges, allowed), *classes.faults], classes


def _names_for_quantities(wanted: Input, feature: Feature, labels: list[str]) -> str:
    return (
        f"the loss compares {wanted.name!r} as a quantity, and the dataset's feature {feature.name!r} holds class "
        f"names ({listed(labels)}); train a model with the loss categorical_cross_entropy on it, or upload the "
        "dataset again with plain numbers for a target"
    )


def _several_numbers_for_a_class(wanted: Input, feature: Feature, model: Trainable) -> str:
    inner = squeezed(feature.shape)
    one_hot = len(inner) == 1 and model.classes in {None, inner[0]}
    remedy = (
        "send class numbers instead of one-hot rows (in NumPy, rows.argmax(axis=-1))"
        if one_hot
        else "bind a feature of shape [1]"
    )
    return (
        f"the training input {wanted.name!r} takes one class number an example, and the dataset's feature "
        f"{feature.name!r} has the shape {list(feature.shape)}; {remedy}"
    )


def _form(wanted: Input, feature: Feature, manifest: StoredManifest, *, is_index: bool) -> Iterator[str]:
    """What is wrong with a feature's shape and type."""
    if not fits(feature.shape, wanted.lengths):
        yield (
            f"the training input {wanted.name!r} has the shape {list(wanted.lengths)}, and the dataset's feature "
            f"{feature.name!r} has {list(feature.shape)}; {_remedy(wanted, feature, manifest)}"
        )
    if isinstance(wanted, ImageFeature):
        if feature.dtype != "uint8":
            yield (
                f"the training input {wanted.name!r} is an image, and the dataset's feature {feature.name!r} holds "
                f"{feature.dtype}; an image takes pixels, bytes from 0 to 255"
            )
    elif (is_index or wanted.type in ("int", "string", "int64")) and feature.scale != 1:
        yield (
            f"the training input {wanted.name!r} takes whole numbers, and the dataset's feature {feature.name!r} "
            "holds pixels, which are scaled to fractions; send whole numbers of another type than uint8"
        )


def _remedy(wanted: Input, feature: Feature, manifest: StoredManifest) -> str:
    """What to do about a feature of another shape."""
    lengths = wanted.lengths
    if manifest.format == "images" and len(lengths) == 3 and lengths[0] in {1, 3}:
        if lengths[1:] != feature.shape[1:]:
            return f"make the pictures {lengths[2]} by {lengths[1]} pixels"
        return f"upload the pictures with color={'gray' if lengths[0] == 1 else 'rgb'}"
    if other := next((each for each in manifest.features if each is not feature and fits(each.shape, lengths)), None):
        return f"name the one that feeds it in bind, as {other.name!r}, which has this shape"
    if prod(lengths) != prod(feature.shape):
        return "make the shapes equal"
    # A table has a shape for its only input; an array of an NPZ keeps its own.
    if manifest.format == "csv" and len(manifest.features) == 2 and feature is manifest.features[0]:
        return f"upload the table with shape={','.join(map(str, lengths))}"
    return f"send an NPZ with an array [{', '.join(['N', *map(str, lengths)])}]"


@dataclass(frozen=True)
class _Allowed:
    """The whole numbers that a training input takes, and how a message says so."""

    least: int
    most: int
    said: str


def _allowed(wanted: Input, known: int | None) -> _Allowed | None:
    """What values a training input takes: an index out of those `known`, a whole number; None for any."""
    takes = f"the training input {wanted.name!r} takes whole numbers"
    if known is not None:
        return _Allowed(0, known - 1, f"{takes} from 0 to {known - 1}, which an embedding looks up")
    return _Allowed(int(_INT32.min), int(_INT32.max), f"{takes} of 32 bits") if wanted.type == "int" else None


def _values(feature: Feature, ranges: Ranges, allowed: _Allowed | None) -> Iterator[str]:
    """What is wrong with a feature's values, in each of the splits used; the first or worst one is named."""
    if allowed is None:
        return
    least, most, right = allowed.least, allowed.most, allowed.said
    for split, values in ranges:
        for value, place in ((values.minimum, values.minimum_at), (values.maximum, values.maximum_at)):
            if not least <= value <= most:
                yield f"{feature.name!r} is {value:.17g} at {place} (split {split}); {right}"
        if values.fraction_at is not None:
            yield f"{feature.name!r} is not a whole number at {values.fraction_at} (split {split}); {right}"
