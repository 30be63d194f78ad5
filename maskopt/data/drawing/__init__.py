"""One synthetic face: random numbers -> traits -> picture.

Where things are, in every file here: `u` is the sine of the angle from the middle of the face, -1 at the left ear
and 1 at the right one as the viewer sees them; `v` is the height, -1 at the crown, 0 between the eyes, 1 at the chin;
`lift` is the distance above the skin. The unit of `lift` is half the head's width.
"""
