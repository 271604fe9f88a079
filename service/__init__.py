"""The REST service: accepts jobs, streams their metrics, serves models. Start it with `pippin serve`."""
