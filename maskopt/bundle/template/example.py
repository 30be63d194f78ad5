"""Classify with the model beside this file: python example.py PICTURE... (needs numpy, pillow, ai-edge-litert)."""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

model = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
given, size, out = model["input"], model["input"]["width_px"], model["output"]
interpreter = Interpreter(str(Path(__file__).with_name("model.tflite")))
interpreter.allocate_tensors()
for file in sys.argv[1:] or sys.exit(__doc__):
    layer = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    behind = Image.new("RGBA", layer.size, (*given["background"], 255))
    picture = Image.alpha_composite(behind, layer).convert("RGB")
    if given["aspect"] == "crop":
        picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    pad = given["aspect"] == "pad"  # else each side becomes as long, whatever it was
    inner = [max(1, round(side * size / max(picture.size))) if pad else size for side in picture.size]
    square = Image.new("RGB", (size, size), tuple(given["background"]))
    square.paste(picture.resize(inner, Image.Resampling.BILINEAR), [(size - side) // 2 for side in inner])
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.array(square, given["dtype"])[None])
    interpreter.invoke()
    raw = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].astype(float)
    scores = (raw - out["zero_point"]) * out["scale"]
    sure = "" if scores.max() >= model["unsure_below"] else "unsure: "
    print(file, sure + model["classes"][scores.argmax()], scores.max())
