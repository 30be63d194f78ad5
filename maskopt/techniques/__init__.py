"""Trained models -> compressed ones."""
