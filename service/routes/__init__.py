"""The endpoints: each reads its request, queries the store or the blobs, and builds the answer."""
