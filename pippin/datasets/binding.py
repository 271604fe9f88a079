"""Whether a dataset fits a model, and which feature feeds which training input."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from pippin.datasets.classes import Classes, classes_of
from pippin.datasets.manifest import Feature, Format, Range, StoredManifest
from pippin.faults import Fault, FaultyDocumentError, pointer
from pippin.jobs.request import DatasetSource, ResolvedDataset
from pippin.models.trainable import Trainable
from pippin.spec import Feature as Input
from pippin.spec import ImageFeature

_USUAL_VALIDATION = ("validation", "test")
_INT32 = np.iinfo(np.int32)


def bind(manifest: StoredManifest, model: Trainable, source: DatasetSource) -> ResolvedDataset:
    """Decides every choice about a job's dataset, and checks that the model can train on it.

    A training input takes the feature that `bind` names for it, else the one of its own name; else, for one input, one
    target and two features, the one in its position.

    Raises:
        FaultyDocumentError: The dataset does not fit. Pointers are relative to the request's `dataset`.
    """
    faults: list[Fault] = []
    splits = _splits(manifest, source, faults)
    bound = _bound(manifest, model, source, faults)
    classes = classes_of(model, manifest.labels)
    for name, feature in bound.items():
        wanted = _training_inputs(model)[name]
        ranges = [(split, manifest.ranges[split][feature.name]) for split in splits]
        of_classes = classes if name == model.target else None
        known = model.indices.get(name)
        misfits = [*_form(wanted, feature, manifest.format, is_index=known is not None)] or [
            *_values(feature, ranges, _allowed(wanted, of_classes, known))
        ]
        at = pointer("bind", name) if source.bind and name in source.bind else ""
        faults += [Fault(at, detail) for detail in misfits]
    if classes is not None:
        faults += [Fault("", detail) for detail in classes.strangers]
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


def _form(wanted: Input, feature: Feature, format_: Format, *, is_index: bool) -> Iterator[str]:
    """What is wrong with a feature's shape and type."""
    lengths = wanted.lengths
    if lengths != feature.shape:
        # Only a table loses the shape of its examples on the way.
        reshaped = format_ == "csv" and prod(lengths) == prod(feature.shape)
        remedy = f"upload the table with shape={','.join(map(str, lengths))}" if reshaped else "make the shapes equal"
        yield (
            f"the training input {wanted.name!r} has the shape {list(lengths)}, and the dataset's feature "
            f"{feature.name!r} has {list(feature.shape)}; {remedy}"
        )
    if isinstance(wanted, ImageFeature):
        if feature.dtype != "uint8":
            yield (
                f"the training input {wanted.name!r} is an image, and the dataset's feature {feature.name!r} holds "
                f"{feature.dtype}; an image takes pixels, bytes from 0 to 255"
            )
    elif (is_index or wanted.type in ("int", "string", "int64")) and feature.dtype == "uint8":
        yield (
            f"the training input {wanted.name!r} takes whole numbers, and the dataset's feature {feature.name!r} "
            "holds pixels, which are scaled to fractions"
        )


@dataclass(frozen=True)
class _Allowed:
    """The whole numbers that a training input takes, and how a message says so."""

    least: int
    most: int
    said: str


def _allowed(wanted: Input, classes: Classes | None, known: int | None) -> _Allowed | None:
    """What values a training input takes: a class, an index out of those `known`, a whole number; None for any."""
    if classes is not None:
        return _Allowed(classes.least, classes.most, classes.said)
    takes = f"the training input {wanted.name!r} takes whole numbers"
    if known is not None:
        return _Allowed(0, known - 1, f"{takes} from 0 to {known - 1}, which an embedding looks up")
    return _Allowed(int(_INT32.min), int(_INT32.max), f"{takes} of 32 bits") if wanted.type == "int" else None


def _values(feature: Feature, ranges: list[tuple[str, Range]], allowed: _Allowed | None) -> Iterator[str]:
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
