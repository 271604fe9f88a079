"""The tasks that the sandbox runs on untrusted files."""

from collections.abc import Mapping

# Each name stands for a "module:function", which is called with the arguments of `Sandbox.run` as keywords and returns
# an `Answer`, or a document alone. The fork server imports the modules before it forks, so a module imports what its
# tasks need at its top.
TASKS: Mapping[str, str] = {
    "prepare_dataset": "service.tasks.datasets:prepare_dataset",
    "preview_examples": "service.tasks.datasets:preview_examples",
    "inspect_model": "service.tasks.models:inspect_model",
    "build_model": "service.tasks.models:build_model",
    "validate_document": "service.tasks.models:validate_document",
    "export_model": "service.tasks.models:export_model",
    "checkpoint_model": "service.tasks.models:checkpoint_model",
    "predict": "service.tasks.predictions:predict",
    "evaluate": "service.tasks.predictions:evaluate_model",
}
