"""Says what a model file holds in a language for people."""

import json
from pathlib import Path

from pippin.models.mlmodel import Model, open_model
from pippin.models.mlmodel.errors import ModelFileError
from pippin.models.swiftcoreml import to_swift


def export_model(path: str, form: str, to: str) -> object:
    """Write the network in the `.mlmodel` at `path` as a document to `to`: with weights it may be large.

    Args:
        path: A file.
        form: `pippin`, the spec language, without weights; or `swiftcoremltools`, with them, since that library reads
            no network that has none.
        to: Another file, which need not be there.

    Raises:
        FaultyDocumentError: The language cannot say it; it carries every reason.
    """
    model = open_model(Path(path).read_bytes())
    if not isinstance(model, Model):
        raise ModelFileError("found a model that is no single network; nothing but the file describes it whole")
    document = model.resolved.spec.document()
    if form == "swiftcoremltools":
        document = to_swift(document, model.weights)
    with Path(to).open("w", encoding="utf-8") as file:
        # In parts: the text as a whole would take as much memory again.
        file.writelines(json.JSONEncoder(ensure_ascii=False, allow_nan=False).iterencode(document))
    return None
