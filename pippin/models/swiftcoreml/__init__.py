"""Translates models between SwiftCoreMLTools' JSON or YAML and the spec language."""

from pippin.models.swiftcoreml.read import from_swift, looks_like
from pippin.models.swiftcoreml.reader import Place, SwiftDocumentError, Translation
from pippin.models.swiftcoreml.write import to_swift

__all__ = ["Place", "SwiftDocumentError", "Translation", "from_swift", "looks_like", "to_swift"]
