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
    """What to change in the small model so that it breaks a rule at a pointer, or at two, and so that it keeps it.

    Attributes:
        at: The rule and the pointer, with a space between them.
        broken: What breaks it.
        other: The second pointer.
        kept: What keeps it.
    """

    at: str
    broken: Change
    other: str | None = None
    kept: Change = lambda model: model

    @property
    def rule(self) -> str:
        return self.at.partition(" ")[0]

    @property
    def pointers(self) -> list[str]:
        pointer = self.at.partition(" ")[2]
        return [pointer] if self.other is None else [pointer, self.other]


def index(model: Message) -> Message:
    return model.kNearestNeighborsClassifier.nearestNeighborsIndex


def array(model: Message) -> Message:
    return model.description.input[0].type.multiArrayType


def holder(model: Message, path: str) -> tuple[Message, str]:
    """The message that has a field, and the field's own name."""
    *parents, field = path.split(".")
    for part in parents:
        model = model[int(part)] if part.isdecimal() else getattr(model, part)
    return model, field


def put(path: str, value: object) -> Change:
    """Sets one field."""
    return lambda model: setattr(*holder(model, path), value)


def clear(path: str) -> Change:
    """Clears one field."""

    def change(model: Message) -> None:
        message, field = holder(model, path)
        message.ClearField(field)

    return change


def choose(path: str) -> Change:
    """Makes one message of several the one that there is."""

    def change(model: Message) -> None:
        message, field = holder(model, path)
        getattr(message, field).SetInParent()

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
    Case("neighbors.kind /kind", choose("neuralNetwork")),
    Case("neighbors.kind /kind", clear(KNN)),
    Case("neighbors.version", put("specificationVersion", 3), kept=put("specificationVersion", 10)),
    Case("neighbors.version", put("specificationVersion", 11)),
    Case("neighbors.updatable", clear("isUpdatable")),
    Case("neighbors.functions", lambda model: model.description.functions.add()),
    Case("neighbors.functions", put("description.defaultFunctionName", "main")),
    Case("neighbors.state", lambda model: model.description.state.add()),
    Case("neighbors.names /inputs/0/name", clear(f"{INPUT}.name"), kept=put(f"{INPUT}.name", "x")),
    Case("neighbors.names /outputs/0/name", put(f"{INPUT}.name", "color")),
    Case("neighbors.names /training_inputs/1/name", put(f"{TAUGHT_LABEL}.name", "point")),
    Case("neighbors.inputs /inputs", lambda model: model.description.input.append(model.description.input[0])),
    Case("neighbors.inputs /inputs", clear("description.input")),
    Case("neighbors.inputs /inputs/0/type", choose(f"{INPUT}.type.imageType")),
    Case("neighbors.inputs /inputs/0/type", clear(f"{INPUT}.type")),
    Case("neighbors.inputs /inputs/0", put(f"{INPUT}.type.isOptional", True)),
    Case("neighbors.input-shape /inputs/0/shape", lambda model: array(model).shape.insert(0, 1)),
    Case("neighbors.input-shape /inputs/0/shape", lambda model: array(model).shape.__setitem__(0, 3)),
    Case("neighbors.input-shape /inputs/0/shape", clear(f"{ARRAY}.shape")),
    Case("neighbors.input-shape /inputs/0/shape", lambda model: array(model).shapeRange.sizeRanges.add(lowerBound=2)),
    Case("neighbors.input-type /inputs/0/type", clear(f"{ARRAY}.dataType"), kept=put(f"{ARRAY}.dataType", 65600)),
    Case("neighbors.input-type /inputs/0/type", put(f"{ARRAY}.dataType", 7)),
    Case(
        "neighbors.input-type /inputs/0/type",
        both(put(f"{ARRAY}.dataType", FLOAT16), put("specificationVersion", 6)),
        kept=both(put(f"{ARRAY}.dataType", FLOAT16), put("specificationVersion", 7)),
    ),
    Case(
        "neighbors.input-default /inputs/0",
        put(f"{ARRAY}.intDefaultValue", 1),
        kept=put(f"{ARRAY}.floatDefaultValue", 1.0),
    ),
    Case(
        "neighbors.input-default /inputs/0",
        both(put(f"{ARRAY}.dataType", INT8), put(f"{ARRAY}.intDefaultValue", 128)),
        kept=both(put(f"{ARRAY}.dataType", INT8), put(f"{ARRAY}.intDefaultValue", -128)),
    ),
    Case("neighbors.outputs /outputs", clear("description.predictedFeatureName"), "/outputs/0"),
    Case("neighbors.outputs /outputs", put("description.predictedFeatureName", "colour"), "/outputs/0"),
    Case("neighbors.outputs /outputs", put("description.predictedProbabilitiesName", "shares"), "/outputs/1"),
    Case("neighbors.outputs /outputs", put("description.predictedProbabilitiesName", "color"), "/outputs/1"),
    Case("neighbors.outputs /outputs/0/type", choose(f"{LABEL}.type.int64Type")),
    Case(
        "neighbors.outputs /outputs/1",
        clear("description.predictedProbabilitiesName"),
        kept=both(clear("description.predictedProbabilitiesName"), lambda model: model.description.output.pop()),
    ),
    Case("neighbors.outputs /outputs/1/type", choose(f"{SHARES}.type.dictionaryType.int64KeyType")),
    Case("neighbors.outputs /outputs/1/type", clear(f"{SHARES}.type")),
    Case("neighbors.outputs /outputs/0", put(f"{LABEL}.type.isOptional", True)),
    Case("neighbors.training-inputs /training_inputs", clear("description.trainingInput"), "/training_inputs"),
    Case("neighbors.training-inputs /training_inputs", put(f"{TAUGHT_LABEL}.name", "target"), "/training_inputs/1"),
    Case(
        "neighbors.training-inputs /training_inputs/0",
        put(f"{TAUGHT}.type.multiArrayType.dataType", 65600),
        kept=both(put(f"{TAUGHT}.type.multiArrayType.dataType", 65600), put(f"{ARRAY}.dataType", 65600)),
    ),
    Case("neighbors.training-inputs /training_inputs/1/type", choose(f"{TAUGHT_LABEL}.type.int64Type")),
    Case("neighbors.training-inputs /training_inputs/1/type", put(f"{TAUGHT_LABEL}.type.isOptional", True)),
    Case(
        "neighbors.dimensions /neighbors/dimensions",
        both(forget, put(f"{INDEX}.numberOfDimensions", 0)),
        kept=both(forget, put(f"{INDEX}.numberOfDimensions", 1)),
    ),
    Case("neighbors.dimensions /neighbors/dimensions", put(f"{INDEX}.numberOfDimensions", -2)),
    Case("neighbors.sample-lengths /neighbors/samples", lambda model: index(model).floatSamples[1].vector.append(1.0)),
    Case(
        "neighbors.sample-lengths /neighbors/samples", lambda model: index(model).floatSamples[1].ClearField("vector")
    ),
    Case(
        "neighbors.samples-finite /neighbors/samples",
        lambda model: index(model).floatSamples[2].vector.__setitem__(0, float("nan")),
        kept=lambda model: index(model).floatSamples[2].vector.__setitem__(0, 3e38),
    ),
    Case(
        "neighbors.samples-finite /neighbors/samples",
        lambda model: index(model).floatSamples[0].vector.__setitem__(1, float("-inf")),
    ),
    Case("neighbors.samples-labels /neighbors/samples", clear(f"{INDEX}.floatSamples"), kept=forget),
    Case("neighbors.samples-labels /neighbors/samples", clear(f"{KNN}.stringClassLabels")),
    Case("neighbors.samples-labels /neighbors/samples", lambda model: index(model).floatSamples.add(vector=(1.0, 2.0))),
    Case("neighbors.classes /neighbors/classes", teach_classes(MAX_CLASSES + 1), kept=teach_classes(MAX_CLASSES)),
    Case("neighbors.index /neighbors/index", clear(f"{INDEX}.singleKdTreeIndex"), kept=choose(f"{INDEX}.linearIndex")),
    Case(
        "neighbors.leaf-size /neighbors/leaf_size",
        put(f"{INDEX}.singleKdTreeIndex.leafSize", 0),
        kept=put(f"{INDEX}.singleKdTreeIndex.leafSize", 1),
    ),
    Case("neighbors.leaf-size /neighbors/leaf_size", put(f"{INDEX}.singleKdTreeIndex.leafSize", -1)),
    Case("neighbors.distance /neighbors/distance", clear(f"{INDEX}.squaredEuclideanDistance")),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(0), kept=limits(2**62)),
    Case("neighbors.k /neighbors/number_of_neighbors", clear(f"{KNN}.numberOfNeighbors")),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(4, allowed=(1, 5)), kept=limits(4, allowed=(1, 4))),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(4, allowed=()), kept=limits(4, allowed=(4,))),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(4, allowed=(0, 4))),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(3, maximum=9), kept=limits(3, minimum=3, maximum=3)),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(3, minimum=4, maximum=9)),
    Case("neighbors.k /neighbors/number_of_neighbors", limits(3, minimum=9, maximum=1)),
    Case(
        "neighbors.weighting /neighbors/weighting",
        clear(f"{KNN}.uniformWeighting"),
        kept=choose(f"{KNN}.inverseDistanceWeighting"),
    ),
    Case(
        "neighbors.default-label /neighbors/default_label",
        both(forget, clear(f"{KNN}.defaultStringLabel")),
        kept=clear(f"{KNN}.defaultStringLabel"),
    ),
    Case("neighbors.default-label /neighbors/default_label", put(f"{KNN}.defaultInt64Label", 0)),
    Case(
        "neighbors.default-label /neighbors/default_label",
        both(forget, choose(f"{KNN}.int64ClassLabels")),
        kept=both(forget, clear(f"{KNN}.stringClassLabels")),
    ),
]

by_rule = pytest.mark.parametrize("case", CASES, ids=[case.at for case in CASES])


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
def test_broken_rule_is_reported_by_id_with_what_is_needed(case: Case, message: Message) -> None:
    case.broken(message)
    with pytest.raises(NeighborsError) as caught:
        read_neighbors(message)
    faults = [fault for fault in caught.value.faults if fault.rule == case.rule]
    assert [fault.pointer for fault in faults] == case.pointers
    assert all("found " in fault.detail for fault in faults)
    assert all("needs " in fault.detail or "leave it out" in fault.detail for fault in faults)


def test_pointers_resolve_in_the_summary(message: Message) -> None:
    described = summary(read_neighbors(message)).model_dump(mode="json")
    for pointer in {pointer for case in CASES for pointer in case.pointers}:
        place: Any = described
        for part in pointer.split("/")[1:]:
            assert int(part) < len(place) if isinstance(place, list) else part in place, pointer
            place = place[int(part)] if isinstance(place, list) else place[part]


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
