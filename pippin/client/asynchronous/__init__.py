"""The client for asyncio. `make client` writes `pippin.client.sync`, the blocking client, from this package."""
