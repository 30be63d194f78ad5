"""Files that would fill the memory if they were believed: read in a process of its own that tells its peak."""

import io
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import flatbuffers
import h5py
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image, PngImagePlugin

ROOT = Path(__file__).parents[2]
LARGE = 120_000_000  # bytes
GROWTH = 40_000_000  # bytes that reading it may take, above what reading a small valid file has taken

READ = """
import resource, sys
from pathlib import Path
sys.path.insert(0, "tests/fuzz")
from targets import TARGETS

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

name, file = sys.argv[1:]
for seed in (Path("tests/fuzz/corpus") / name).iterdir():
    TARGETS[name](seed.read_bytes())
content = Path(file).read_bytes()
before = peak()
TARGETS[name](content)
print(peak() - before)
"""


def zipped(path, compression):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("cat/1.png", bytes(LARGE))


def tarred(path, mode, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo("cat/1.png")
    info.type, info.size = kind, LARGE
    with tarfile.open(path, mode) as archive:
        archive.addfile(info, io.BytesIO(bytes(LARGE)))


def with_text(path):
    """A PNG whose comment unpacks to much more than it is."""
    info = PngImagePlugin.PngInfo()
    info.add(b"zTXt", b"comment\0\0" + zlib.compress(bytes(LARGE)))
    Image.new("RGB", (8, 8)).save(path, "png", pnginfo=info)


def unwritten(path):
    """Weights whose arrays are nowhere in the file: HDF5 makes zeros of them."""
    small = ROOT / "tests" / "fuzz" / "corpus" / "weights" / "small.h5"
    path.write_bytes(small.read_bytes())
    with h5py.File(path, "r+") as file:
        place = file["conv"].attrs["weight_names"][0]
        del file["conv"][place]
        file["conv"].create_dataset(place, (LARGE // 4,), np.float32)


def columns(path):
    path.write_text("path" + "," * 200_000 + "\n")


def cells(path):
    path.write_text("path,age\n" + "," * 2_000_000 + "\n")


def one_tensor_again(path):
    """A model that lists one tensor without name or shape a million times."""
    builder = flatbuffers.Builder()
    schema.TensorStart(builder)
    tensor = schema.TensorEnd(builder)
    builder.StartVector(4, 1_000_000, 4)
    for _ in range(1_000_000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    path.write_bytes(builder.Output())


def repeated(path):
    """YAML that means 10 to the 9th words."""
    lines = ["a0: &a0 [w, w, w, w, w, w, w, w, w, w]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    path.write_text("\n".join(lines))


LARGE_FILES = {
    "zip": ("archive", lambda path: zipped(path, zipfile.ZIP_DEFLATED)),
    "zip of bzip2": ("archive", lambda path: zipped(path, zipfile.ZIP_BZIP2)),
    "zip of LZMA": ("archive", lambda path: zipped(path, zipfile.ZIP_LZMA)),
    "tar.gz": ("archive", lambda path: tarred(path, "w:gz")),
    "tar.bz2": ("archive", lambda path: tarred(path, "w:bz2")),
    "tar.xz": ("archive", lambda path: tarred(path, "w:xz")),
    "header of a tar": ("archive", lambda path: tarred(path, "w:gz", tarfile.XHDTYPE)),
    "PNG of many pixels": ("picture", lambda path: Image.new("1", (20_000, 20_000)).save(path, "png")),
    "JPEG of many pixels": ("picture", lambda path: Image.new("L", (20_000, 20_000)).save(path, "jpeg")),
    "WebP of many pixels": ("picture", lambda path: Image.new("RGB", (10_000, 10_000)).save(path, "webp")),
    "PNG with a text": ("picture", with_text),
    "params": ("params", repeated),
    "profile": ("profile", repeated),
    "weights": ("weights", unwritten),
    "columns of attributes": ("attributes", columns),
    "cells of attributes": ("attributes", cells),
    "tensors of a model": ("model", one_tensor_again),
}


@pytest.mark.parametrize("name", LARGE_FILES)
def test_file_that_means_more_than_it_holds_takes_little_memory(name, tmp_path):
    target, write = LARGE_FILES[name]
    write(tmp_path / "large")
    assert (tmp_path / "large").stat().st_size < LARGE / 10
    command = [sys.executable, "-c", READ, target, str(tmp_path / "large")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < GROWTH
