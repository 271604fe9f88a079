"""Whether a dataset fits a model, and which feature feeds which training input."""

from collections.abc import Iterator, Mapping, Sequence

from pippin.api.datasets import Feature, StoredManifest
from pippin.api.requests import DatasetSource, ResolvedDataset
from pippin.datasets.fitting import input_misfits, target_misfits
from pippin.datasets.notices import bounded
from pippin.datasets.npz_keys import is_target
from pippin.datasets.shapes import is_picture
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec import Feature as Input
from pippin.models.spec import ImageFeature
from pippin.models.trainable import Trainable

_USUAL_VALIDATION = ("validation", "test")


def bind(
    manifest: StoredManifest, model: Trainable, source: DatasetSource, taught: Sequence[str] | None = None
) -> ResolvedDataset:
    """Decides every choice about a job's dataset, and checks that the model can train on it.

    A training input takes the feature that `bind` names for it, else the one of its own name; else, for one input, one
    target and two features, the one in its position.

    Args:
        manifest: The dataset's.
        model: What is to be trained.
        source: What the request says of the dataset.
        taught: Of a model that was trained before, what its dataset called the classes, by the model's number.

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
            misfits, classes = target_misfits(inputs[name], feature, manifest, ranges, model, taught=taught)
        else:
            misfits = input_misfits(inputs[name], feature, manifest, ranges, model.indices.get(name))
        at = pointer("bind", name) if source.bind and name in source.bind else ""
        faults += [Fault(at, detail) for detail in misfits]
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
