"""What tests share: paths, environments, records, deadlines, and servers to run."""
