"""Classify with the model beside this file: python example.py PICTURE... (needs numpy, pillow, ai-edge-litert)."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

here = Path(__file__).parent
model = json.loads((here / "model.json").read_text(encoding="utf-8"))
given = model["input"]
size, behind = (given["width_px"], given["height_px"]), tuple(given["background"])
interpreter = Interpreter(str(here / "model.tflite"))
interpreter.allocate_tensors()
for file in sys.argv[1:]:
    layer = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    picture = Image.alpha_composite(Image.new("RGBA", layer.size, (*behind, 255)), layer).convert("RGB")
    if given["aspect"] == "crop":
        picture = ImageOps.fit(picture, size, Image.Resampling.BILINEAR)
    elif given["aspect"] == "stretch":
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    else:
        width, height = (max(1, round(side * size[0] / max(picture.size))) for side in picture.size)
        inner, picture = picture.resize((width, height), Image.Resampling.BILINEAR), Image.new("RGB", size, behind)
        picture.paste(inner, ((size[0] - width) // 2, (size[1] - height) // 2))
    pixels = np.array(picture, given["dtype"])[None]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    raw = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].astype(float)
    scores = (raw - model["output"]["zero_point"]) * model["output"]["scale"]
    answer = model["classes"][scores.argmax()] if scores.max() >= model["unsure_below"] else "unsure"
    print(file, answer, f"{scores.max():.1%}")
