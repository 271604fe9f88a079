"""Models of SwiftCoreMLTools: from the JSON and YAML that it writes to the spec language, and back."""

from pippin.swiftcoremltools.errors import SwiftDocumentError
from pippin.swiftcoremltools.read import from_swift, looks_like
from pippin.swiftcoremltools.translation import Place, Translation
from pippin.swiftcoremltools.write import to_swift

__all__ = ["Place", "SwiftDocumentError", "Translation", "from_swift", "looks_like", "to_swift"]
