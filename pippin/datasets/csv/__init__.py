"""CSV: a row is an example, a column a value; MNIST as pixels in a row, or any table of numbers with a target."""
