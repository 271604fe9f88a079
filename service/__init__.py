"""The REST service: takes jobs, streams their metrics, hands out models. Start it with `pippin serve`."""
