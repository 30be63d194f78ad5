"""Trained models -> .tflite files, and what is in them."""
