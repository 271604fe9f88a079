"""CSV: each row is an example, each column a value: MNIST with pixels in columns, or a table with a target."""
