"""Each rule on a model that follows it and on one that breaks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from pippin.errors import Fault
from pippin.models.neighbors import NeighborsError, read_neighbors, summary
from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.rules import RULES_BY_ID
from pippin.models.spec.features import MAX_CLASSES
from pippin.models.spec.layer import Message
from tests.pippin.models.neighbors.classifiers import make_message

Change = Callable[[Message], object]

FLOAT16, INT8 = 65552, 131080


@dataclass(frozen=True)
class Case:
    """What to change in the small model so that it keeps a rule, and breaks it at a pointer, or at two."""

    rule: str
    kept: Change
    broken: Change
    pointer: str
    other: str | None = None

    @property
    def pointers(self) -> list[str]:
        return [self.pointer] if self.other is None else [self.pointer, self.other]


def nothing(model: Message) -> None:
    """Leave the small model as it is."""


def index(model: Message) -> Message:
    return model.kNearestNeighborsClassifier.nearestNeighborsIndex


def array(model: Message) -> Message:
    return model.description.input[0].type.multiArrayType


def put(path: str, value: object) -> Change:
    """Sets one field."""

    def change(model: Message) -> None:
        *parents, field = path.split(".")
        for part in parents:
            model = model[int(part)] if part.isdecimal() else getattr(model, part)
        setattr(model, field, value)

    return change


def clear(path: str) -> Change:
    """Clears one field."""

    def change(model: Message) -> None:
        *parents, field = path.split(".")
        for part in parents:
            model = model[int(part)] if part.isdecimal() else getattr(model, part)
        model.ClearField(field)

    return change


def both(*changes: Change) -> Change:
    """Makes several changes."""

    def change(model: Message) -> None:
        for one in changes:
            one(model)

    return change


def limits(default: int, *, minimum: int = 0, maximum: int = 0, allowed: tuple[int, ...] | None = None) -> Change:
    """Sets the number of neighbours, with a range or a set."""

    def change(model: Message) -> None:
        parameter = model.kNearestNeighborsClassifier.numberOfNeighbors
        parameter.Clear()
        parameter.defaultValue = default
        if allowed is not None:
            parameter.set.SetInParent()
            parameter.set.values.extend(allowed)
        elif minimum or maximum:
            parameter.range.minValue, parameter.range.maxValue = minimum, maximum

    return change


def forget(model: Message) -> None:
    """Leave neither samples nor labels."""
    index(model).ClearField("floatSamples")
    model.kNearestNeighborsClassifier.stringClassLabels.ClearField("vector")


def teach_classes(count: int) -> Change:
    """Teach so many different labels."""

    def change(model: Message) -> None:
        forget(model)
        model.kNearestNeighborsClassifier.stringClassLabels.vector.extend(map(str, range(count)))

    return change


KNN = "kNearestNeighborsClassifier"
INDEX = f"{KNN}.nearestNeighborsIndex"
INPUT, ARRAY = "description.input.0", "description.input.0.type.multiArrayType"
LABEL, SHARES = "description.output.0", "description.output.1"
TAUGHT, TAUGHT_LABEL = "description.trainingInput.0", "description.trainingInput.1"

CASES = [
    Case("neighbors.kind", nothing, lambda model: model.neuralNetwork.SetInParent(), "/kind"),
    Case("neighbors.kind", nothing, clear(KNN), "/kind"),
    Case("neighbors.version", put("specificationVersion", 10), put("specificationVersion", 3), ""),
    Case("neighbors.version", nothing, put("specificationVersion", 11), ""),
    Case("neighbors.updatable", nothing, clear("isUpdatable"), ""),
    Case("neighbors.functions", nothing, lambda model: model.description.functions.add(), ""),
    Case("neighbors.functions", nothing, put("description.defaultFunctionName", "main"), ""),
    Case("neighbors.state", nothing, lambda model: model.description.state.add(), ""),
    Case("neighbors.names", put(f"{INPUT}.name", "x"), clear(f"{INPUT}.name"), "/inputs/0/name"),
    Case("neighbors.names", nothing, put(f"{INPUT}.name", "color"), "/outputs/0/name"),
    Case("neighbors.names", nothing, put(f"{TAUGHT_LABEL}.name", "point"), "/training_inputs/1/name"),
    Case(
        "neighbors.inputs", nothing, lambda model: model.description.input.append(model.description.input[0]),
        "/inputs",
    ),
    Case("neighbors.inputs", nothing, clear("description.input"), "/inputs"),
    Case(
        "neighbors.inputs", nothing, lambda model: model.description.input[0].type.imageType.SetInParent(),
        "/inputs/0/type",
    ),
    Case("neighbors.inputs", nothing, clear(f"{INPUT}.type"), "/inputs/0/type"),
    Case("neighbors.inputs", nothing, put(f"{INPUT}.type.isOptional", True), "/inputs/0"),
    Case("neighbors.input-shape", nothing, lambda model: array(model).shape.insert(0, 1), "/inputs/0/shape"),
    Case("neighbors.input-shape", nothing, lambda model: array(model).shape.__setitem__(0, 3), "/inputs/0/shape"),
    Case("neighbors.input-shape", nothing, clear(f"{ARRAY}.shape"), "/inputs/0/shape"),
    Case(
        "neighbors.input-shape", nothing, lambda model: array(model).shapeRange.sizeRanges.add(lowerBound=2),
        "/inputs/0/shape",
    ),
    Case("neighbors.input-type", put(f"{ARRAY}.dataType", 65600), clear(f"{ARRAY}.dataType"), "/inputs/0/type"),
    Case("neighbors.input-type", nothing, put(f"{ARRAY}.dataType", 7), "/inputs/0/type"),
    Case(
        "neighbors.input-type",
        both(put(f"{ARRAY}.dataType", FLOAT16), put("specificationVersion", 7)),
        both(put(f"{ARRAY}.dataType", FLOAT16), put("specificationVersion", 6)),
        "/inputs/0/type",
    ),
    Case(
        "neighbors.input-default", put(f"{ARRAY}.floatDefaultValue", 1.0), put(f"{ARRAY}.intDefaultValue", 1),
        "/inputs/0",
    ),
    Case(
        "neighbors.input-default",
        both(put(f"{ARRAY}.dataType", INT8), put(f"{ARRAY}.intDefaultValue", -128)),
        both(put(f"{ARRAY}.dataType", INT8), put(f"{ARRAY}.intDefaultValue", 128)),
        "/inputs/0",
    ),
    Case("neighbors.outputs", nothing, clear("description.predictedFeatureName"), "/outputs", "/outputs/0"),
    Case("neighbors.outputs", nothing, put("description.predictedFeatureName", "colour"), "/outputs", "/outputs/0"),
    Case(
        "neighbors.outputs", nothing, put("description.predictedProbabilitiesName", "shares"),
        "/outputs", "/outputs/1",
    ),
    Case(
        "neighbors.outputs", nothing, put("description.predictedProbabilitiesName", "color"),
        "/outputs", "/outputs/1",
    ),
    Case(
        "neighbors.outputs", nothing, lambda model: model.description.output[0].type.int64Type.SetInParent(),
        "/outputs/0/type",
    ),
    Case(
        "neighbors.outputs",
        both(clear("description.predictedProbabilitiesName"), lambda model: model.description.output.pop()),
        clear("description.predictedProbabilitiesName"),
        "/outputs/1",
    ),
    Case(
        "neighbors.outputs",
        nothing,
        lambda model: model.description.output[1].type.dictionaryType.int64KeyType.SetInParent(),
        "/outputs/1/type",
    ),
    Case("neighbors.outputs", nothing, clear(f"{SHARES}.type"), "/outputs/1/type"),
    Case("neighbors.outputs", nothing, put(f"{LABEL}.type.isOptional", True), "/outputs/0"),
    Case(
        "neighbors.training-inputs", nothing, clear("description.trainingInput"),
        "/training_inputs", "/training_inputs",
    ),
    Case(
        "neighbors.training-inputs", nothing, put(f"{TAUGHT_LABEL}.name", "target"),
        "/training_inputs", "/training_inputs/1",
    ),
    Case(
        "neighbors.training-inputs",
        both(put(f"{TAUGHT}.type.multiArrayType.dataType", 65600), put(f"{ARRAY}.dataType", 65600)),
        put(f"{TAUGHT}.type.multiArrayType.dataType", 65600),
        "/training_inputs/0",
    ),
    Case(
        "neighbors.training-inputs",
        nothing,
        lambda model: model.description.trainingInput[1].type.int64Type.SetInParent(),
        "/training_inputs/1/type",
    ),
    Case("neighbors.training-inputs", nothing, put(f"{TAUGHT_LABEL}.type.isOptional", True), "/training_inputs/1/type"),
    Case(
        "neighbors.dimensions",
        both(forget, put(f"{INDEX}.numberOfDimensions", 1)),
        both(forget, put(f"{INDEX}.numberOfDimensions", 0)),
        "/neighbors/dimensions",
    ),
    Case("neighbors.dimensions", nothing, put(f"{INDEX}.numberOfDimensions", -2), "/neighbors/dimensions"),
    Case(
        "neighbors.sample-lengths", nothing, lambda model: index(model).floatSamples[1].vector.append(1.0),
        "/neighbors/samples",
    ),
    Case(
        "neighbors.sample-lengths", nothing, lambda model: index(model).floatSamples[1].ClearField("vector"),
        "/neighbors/samples",
    ),
    Case(
        "neighbors.samples-finite",
        lambda model: index(model).floatSamples[2].vector.__setitem__(0, 3e38),
        lambda model: index(model).floatSamples[2].vector.__setitem__(0, float("nan")),
        "/neighbors/samples",
    ),
    Case(
        "neighbors.samples-finite", nothing,
        lambda model: index(model).floatSamples[0].vector.__setitem__(1, float("-inf")),
        "/neighbors/samples",
    ),
    Case("neighbors.samples-labels", forget, clear(f"{INDEX}.floatSamples"), "/neighbors/samples"),
    Case("neighbors.samples-labels", nothing, clear(f"{KNN}.stringClassLabels"), "/neighbors/samples"),
    Case(
        "neighbors.samples-labels", nothing, lambda model: index(model).floatSamples.add(vector=(1.0, 2.0)),
        "/neighbors/samples",
    ),
    Case("neighbors.classes", teach_classes(MAX_CLASSES), teach_classes(MAX_CLASSES + 1), "/neighbors/classes"),
    Case(
        "neighbors.index", lambda model: index(model).linearIndex.SetInParent(), clear(f"{INDEX}.singleKdTreeIndex"),
        "/neighbors/index",
    ),
    Case(
        "neighbors.leaf-size", put(f"{INDEX}.singleKdTreeIndex.leafSize", 1),
        put(f"{INDEX}.singleKdTreeIndex.leafSize", 0), "/neighbors/leaf_size",
    ),
    Case("neighbors.leaf-size", nothing, put(f"{INDEX}.singleKdTreeIndex.leafSize", -1), "/neighbors/leaf_size"),
    Case("neighbors.distance", nothing, clear(f"{INDEX}.squaredEuclideanDistance"), "/neighbors/distance"),
    Case("neighbors.k", limits(2**62), limits(0), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", nothing, clear(f"{KNN}.numberOfNeighbors"), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", limits(4, allowed=(1, 4)), limits(4, allowed=(1, 5)), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", limits(4, allowed=(4,)), limits(4, allowed=()), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", nothing, limits(4, allowed=(0, 4)), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", limits(3, minimum=3, maximum=3), limits(3, maximum=9), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", nothing, limits(3, minimum=4, maximum=9), "/neighbors/number_of_neighbors"),
    Case("neighbors.k", nothing, limits(3, minimum=9, maximum=1), "/neighbors/number_of_neighbors"),
    Case(
        "neighbors.weighting",
        lambda model: model.kNearestNeighborsClassifier.inverseDistanceWeighting.SetInParent(),
        clear(f"{KNN}.uniformWeighting"),
        "/neighbors/weighting",
    ),
    Case(
        "neighbors.default-label", clear(f"{KNN}.defaultStringLabel"),
        both(forget, clear(f"{KNN}.defaultStringLabel")), "/neighbors/default_label",
    ),
    Case("neighbors.default-label", nothing, put(f"{KNN}.defaultInt64Label", 0), "/neighbors/default_label"),
    Case(
        "neighbors.default-label",
        both(forget, clear(f"{KNN}.stringClassLabels")),
        both(forget, lambda model: model.kNearestNeighborsClassifier.int64ClassLabels.SetInParent()),
        "/neighbors/default_label",
    ),
]  # fmt: skip

by_rule = pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])


@pytest.fixture
def message() -> Message:
    return make_message(index_type="kd_tree", leaf_size=5)


def broken(rule: str, model: Message) -> list[Fault]:
    return list(RULES_BY_ID[rule](Draft(model)))


def test_there_is_a_case_for_every_rule() -> None:
    assert {case.rule for case in CASES} == RULES_BY_ID.keys()


@by_rule
def test_model_that_follows_the_rule_has_no_fault(case: Case, message: Message) -> None:
    case.kept(message)
    assert broken(case.rule, message) == []


@by_rule
def test_model_that_breaks_the_rule_has_a_fault_at_its_pointer(case: Case, message: Message) -> None:
    case.broken(message)
    assert [fault.pointer for fault in broken(case.rule, message)] == case.pointers


@by_rule
def test_broken_rule_is_reported_by_id_with_what_is_needed(case: Case, message: Message) -> None:
    case.broken(message)
    with pytest.raises(NeighborsError) as caught:
        read_neighbors(message)
    faults = [fault for fault in caught.value.faults if fault.rule == case.rule]
    assert [fault.pointer for fault in faults] == case.pointers
    assert all("found " in fault.detail for fault in faults)
    assert all("needs " in fault.detail or "leave it out" in fault.detail for fault in faults)


@by_rule
def test_pointers_resolve_in_the_summary(case: Case, message: Message) -> None:
    described = summary(read_neighbors(message)).model_dump(mode="json")
    for pointer in case.pointers:
        place: Any = described
        for part in pointer.split("/")[1:]:
            assert int(part) < len(place) if isinstance(place, list) else part in place
            place = place[int(part)] if isinstance(place, list) else place[part]


def test_small_model_follows_every_rule(message: Message) -> None:
    assert {rule: broken(rule, message) for rule in RULES_BY_ID} == {rule: [] for rule in RULES_BY_ID}


def test_all_broken_rules_are_reported_at_once(message: Message) -> None:
    both(clear("isUpdatable"), limits(0), clear(f"{INDEX}.squaredEuclideanDistance"), clear(f"{KNN}.uniformWeighting"))(
        message
    )
    with pytest.raises(NeighborsError, match=r"not updatable.*found 0; needs 1 or more") as caught:
        read_neighbors(message)
    assert {fault.rule for fault in caught.value.faults} == {
        "neighbors.updatable",
        "neighbors.k",
        "neighbors.distance",
        "neighbors.weighting",
    }


def test_another_kind_of_model_gets_one_fault(message: Message) -> None:
    message.pipeline.SetInParent()
    with pytest.raises(NeighborsError, match="kind pipeline") as caught:
        read_neighbors(message)
    assert [fault.rule for fault in caught.value.faults] == ["neighbors.kind"]


def test_further_faults_of_one_rule_are_counted(message: Message) -> None:
    for _ in range(30):
        index(message).floatSamples.add()
        message.kNearestNeighborsClassifier.stringClassLabels.vector.append("red")
    with pytest.raises(NeighborsError) as caught:
        read_neighbors(message)
    details = [fault.detail for fault in caught.value.faults if fault.rule == "neighbors.sample-lengths"]
    assert len(details) == 21
    assert details[-1] == "and 10 more faults like these"
