"""Metrics -> tables, figures."""
