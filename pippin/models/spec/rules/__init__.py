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
    "names.layers-unique": features.layers_and_loss_have_unique_names,
    "names.features-unique": features.features_have_unique_names,
    "names.pippin-reserved": features.metadata_has_no_reserved_keys,
    "features.kinds": features.inputs_are_arrays_or_images,
    "features.ranks": features.array_inputs_have_rank_1_or_3,
    "features.outputs": features.has_outputs,
    "features.outputs-made": features.outputs_are_blobs_of_layers,
    "features.output-shapes": features.output_shapes_match_the_layers,
    "features.versions": features.version_supports_the_layers,
    "features.newer-layers": features.newer_layers_need_exact_arrays,
    "features.mappings": features.rank4_images_need_exact_arrays,
    "features.numbers": features.only_regressors_output_numbers,
    "classifier.labels": features.classifier_labels_match_its_blob,
    "classifier.outputs": features.classifier_outputs_match_its_declaration,
    "regressor.outputs": features.regressor_outputs_its_predicted_feature,
}
"""Rules for every network; a network that breaks a rule is refused."""

TRAINING_RULES_BY_ID: Final[dict[str, Rule]] = {
    "updatable.some": training.has_an_updatable_layer,
    "updatable.types": training.updatable_layers_have_trainable_types,
    "updatable.path": training.gradients_can_reach_every_updatable_layer,
    "loss.softmax": training.cross_entropy_takes_a_softmax_output,
    "loss.distribution": training.cross_entropy_takes_a_vector,
    "loss.input-made": training.mean_squared_error_takes_a_layer_output,
    "loss.target-not-made": training.target_is_no_layer_output,
    "training.inputs": training.training_inputs_include_inputs_of_the_loss,
    "training.target": training.training_inputs_include_the_target,
    "training.target-type": training.target_type_and_shape_match_the_loss,
    "training.nothing-else": training.training_inputs_are_all_used,
}
"""Additional rules for a network that is trained."""

WARNINGS_BY_ID: Final[dict[str, Rule]] = {
    "runtime.batchnorm": runtime.no_batch_normalization_below_the_loss,
    "runtime.lstm": runtime.has_no_lstm,
    "runtime.class-target": runtime.class_target_is_an_index,
    "runtime.softmax-axis": runtime.softmax_input_has_one_axis,
    "runtime.linear-squares": runtime.mean_squared_error_takes_an_activation,
    "runtime.integer-output": runtime.outputs_are_not_integers,
}
"""Models that Core ML's validator accepts and its runtime is known to fail on; Pippin accepts them with a warning."""
