"""The endpoints: each reads its request, asks the store or the blobs, and shapes the answer."""
