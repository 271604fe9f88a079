"""Predictions and evaluations of trained models, computed with NumPy alone, so that the service needs no engine."""
