""".tflite files -> figures."""
