"""What a trained model answers and how good it is: computed with NumPy alone, so that a service can do it as well."""
