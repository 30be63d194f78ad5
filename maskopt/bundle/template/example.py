"""Classify with the model beside this file: python example.py PICTURE... (needs numpy, pillow, ai-edge-litert)."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

here = Path(__file__).parent
model = json.loads((here / "model.json").read_text())
interpreter = Interpreter(str(here / "model.tflite"))
interpreter.allocate_tensors()
size = (model["input"]["width_px"], model["input"]["height_px"])
for file in sys.argv[1:]:
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB").resize(size, Image.Resampling.BILINEAR)
    interpreter.set_tensor(
        interpreter.get_input_details()[0]["index"], np.array(picture, model["input"]["dtype"])[None]
    )
    interpreter.invoke()
    raw = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].astype(float)
    scores = (raw - model["output"]["zero_point"]) * model["output"]["scale"]
    print(
        file,
        model["classes"][scores.argmax()] if scores.max() >= model["unsure_below"] else "unsure",
        f"{scores.max():.1%}",
    )
