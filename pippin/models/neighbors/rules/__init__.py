"""What Core ML demands of an updatable nearest-neighbour classifier, one small function a rule.

Every rule sees the whole message and keeps silent about what a fault elsewhere hides from it. What they take, Apple's
validator takes; its files, which each rule names, are in the coremltools repository, under `mlmodel/src/Validation`.
Where a rule asks for more than it does, it says why.
"""

from collections.abc import Callable, Iterator
from typing import Final

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.rules import features, file, samples, voting

Rule = Callable[[Draft], Iterator[Fault]]

RULES_BY_ID: Final[dict[str, Rule]] = {
    "neighbors.kind": file.model_is_a_nearest_neighbor_classifier,
    "neighbors.version": file.version_has_updatable_classifiers,
    "neighbors.updatable": file.model_is_updatable,
    "neighbors.functions": file.model_has_no_functions,
    "neighbors.state": file.model_keeps_no_state,
    "neighbors.names": features.features_have_names_of_their_own,
    "neighbors.inputs": features.only_input_is_an_array,
    "neighbors.input-shape": features.input_is_one_vector_of_fixed_length,
    "neighbors.input-type": features.input_has_numbers_that_the_version_knows,
    "neighbors.input-default": features.default_of_the_input_is_of_its_own_type,
    "neighbors.outputs": features.outputs_are_the_label_and_its_probabilities,
    "neighbors.training-inputs": features.training_inputs_are_the_input_and_the_label,
    "neighbors.dimensions": samples.there_is_a_dimension,
    "neighbors.sample-lengths": samples.samples_have_one_number_a_dimension,
    "neighbors.samples-finite": samples.samples_are_finite,
    "neighbors.samples-labels": samples.there_are_as_many_labels_as_samples,
    "neighbors.classes": samples.classes_are_not_too_many,
    "neighbors.index": samples.an_index_is_chosen,
    "neighbors.leaf-size": samples.leaves_hold_a_sample,
    "neighbors.distance": samples.a_distance_is_chosen,
    "neighbors.k": voting.number_of_neighbors_is_positive_and_inside_its_limits,
    "neighbors.weighting": voting.a_weighting_is_chosen,
    "neighbors.default-label": voting.default_label_is_there_if_needed_and_of_the_labels_type,
}
"""What a model must keep. A model that breaks the first is not asked about the others, which would all be broken."""
