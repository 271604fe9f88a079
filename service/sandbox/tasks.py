"""What the service has done in its sandbox."""

from collections.abc import Mapping

# Each name stands for a "module:function", which is called with the arguments of `Sandbox.run` as keywords and returns
# an `Answer`, or a document alone. The nursery imports the module before it forks: what the task needs is to be
# imported at the module's top.
TASKS: Mapping[str, str] = {
    "prepare_dataset": "service.tasks.prepare_dataset:prepare_dataset",
    "preview_examples": "service.tasks.preview_examples:preview_examples",
    "inspect_model": "service.tasks.inspect_model:inspect_model",
    "build_model": "service.tasks.documents:build_model",
    "validate_document": "service.tasks.documents:validate_document",
    "export_model": "service.tasks.export_model:export_model",
    "checkpoint_model": "service.tasks.checkpoint_model:checkpoint_model",
    "predict": "service.tasks.trained_model:predict",
    "evaluate": "service.tasks.trained_model:evaluate_model",
}
