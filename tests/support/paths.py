"""Folders and files of the repository that tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DEPLOY = ROOT / "deploy"
EXAMPLES = ROOT / "examples"

# Stand-ins for PyObjC's modules: on PYTHONPATH, they let the Core ML engine run without a Mac.
APPLE = ROOT / "tests" / "apple"
# The rules of the user that workers sign in to Valkey as.
WORKER_ACL = DEPLOY / "valkey" / "worker.acl"
SWIFT_EXAMPLE = EXAMPLES / "mnist-cnn.swiftcoremltools.json"
