"""Blobs: files named by the SHA-256 of their content, in a folder, in an S3 bucket, or behind a service."""

from pippin.blobs.blobs import Blobs
from pippin.blobs.errors import BlobDamagedError, BlobError, BlobMissingError, BlobRefusedError
from pippin.blobs.objects import BlobEntry

__all__ = ["BlobDamagedError", "BlobEntry", "BlobError", "BlobMissingError", "BlobRefusedError", "Blobs"]
