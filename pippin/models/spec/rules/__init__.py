"""Core ML's requirements of an updatable model, one function per rule.

Every rule receives the whole graph and reports nothing about parts that a fault elsewhere hides. The sources are files
of Apple's validator in the coremltools repository, under `mlmodel/src/Validation`.
"""

from collections.abc import Callable, Iterator
from typing import Final

from pippin.errors import Fault
from pippin.models.spec.graph import Graph
from pippin.models.spec.rules import features, runtime, training

Rule = Callable[[Graph], Iterator[Fault]]

RULES_BY_ID: Final[dict[str, Rule]] = {
    "names.layers-unique": features.layers_and_loss_have_names_of_their_own,
    "names.features-unique": features.features_have_names_of_their_own,
    "names.pippin-reserved": features.pippins_own_keys_are_left_alone,
    "features.kinds": features.inputs_are_arrays_or_images,
    "features.ranks": features.array_inputs_have_rank_one_or_three,
    "features.outputs": features.outputs_are_there,
    "features.outputs-made": features.outputs_are_made_by_a_layer,
    "features.output-shapes": features.outputs_have_the_shape_that_is_made,
    "features.versions": features.features_are_of_a_version_that_has_them,
    "features.newer-layers": features.newer_layers_see_arrays_as_they_are,
    "features.mappings": features.images_and_arrays_are_mapped_alike,
    "features.numbers": features.numbers_are_answered_by_a_regressor,
    "classifier.labels": features.classes_are_what_a_layer_tells_apart,
    "classifier.outputs": features.answers_of_classes_fit_the_classifier,
    "regressor.outputs": features.a_regressor_answers_its_quantity,
}
"""Rules for every network; a network that breaks a rule is refused."""

TRAINING_RULES_BY_ID: Final[dict[str, Rule]] = {
    "updatable.some": training.some_layer_is_updatable,
    "updatable.types": training.updatable_layers_are_of_a_trainable_type,
    "updatable.path": training.gradients_can_reach_every_updatable_layer,
    "loss.softmax": training.cross_entropy_judges_a_softmax,
    "loss.distribution": training.cross_entropy_judges_a_distribution,
    "loss.input-made": training.mean_squared_error_judges_what_a_layer_makes,
    "loss.target-not-made": training.target_is_not_made_in_the_graph,
    "training.inputs": training.training_inputs_hold_what_the_loss_reads,
    "training.target": training.training_inputs_hold_the_target,
    "training.target-type": training.target_has_the_type_and_shape_that_the_loss_needs,
    "training.nothing-else": training.training_inputs_hold_nothing_else,
}
"""Additional rules for a network that is trained."""

WARNINGS_BY_ID: Final[dict[str, Rule]] = {
    "runtime.batchnorm": runtime.batch_normalization_stands_in_no_gradients_way,
    "runtime.lstm": runtime.no_layer_is_an_lstm,
    "runtime.class-target": runtime.class_target_is_an_index,
    "runtime.softmax-axis": runtime.softmax_has_one_axis_to_work_on,
    "runtime.linear-squares": runtime.squares_judge_an_activation,
    "runtime.integer-output": runtime.outputs_are_no_whole_numbers,
}
"""Models that Core ML's validator accepts and its runtime is known to fail on; Pippin accepts them with a warning."""
