"""What a bundle has for LiteRT Micro: the model as an array of C, with a test vector, and the arena it needs."""

import math
import re
import shutil
import subprocess

import numpy as np
import pytest

from maskopt.bundle.description import MODEL, read_description
from maskopt.bundle.micro import METHODS, arena_bytes, sure_from
from maskopt.tflite.inspection import read_graph


def test_array_of_c_is_the_file(bundle):
    code = (bundle / "micro" / "model.cc").read_text()
    assert bytes(int(byte, 16) for byte in re.findall(r"0x(\w\w),", code)) == (bundle / MODEL).read_bytes()
    header = (bundle / "micro" / "model.h").read_text()
    assert f"kModelBytes = {(bundle / MODEL).stat().st_size};" in header
    kinds = {operator.kind for operator in read_graph(bundle / MODEL).operators}
    assert set(re.findall(r"resolver\.(\w+)\(\)", header)) == {METHODS[kind] for kind in kinds}
    assert f"kOperators = {len(kinds)};" in header


FIRMWARE = """
#include <cstdio>
#include "model.h"
#include "test_vector.h"
int main(int, char** arguments) {
  tflite::MicroMutableOpResolver<kOperators> resolver;
  RegisterOperators(resolver);
  std::FILE* given = std::fopen(arguments[1], "wb");
  std::fwrite(kTestInput, 1, kTestInputBytes, given);
  std::fwrite(kTestOutput, 1, kTestOutputBytes, given);
  std::fwrite(kModel, 1, kModelBytes, given);
  std::fclose(given);
  unsigned char output[kTestOutputBytes];
  for (int apart = 0; apart < 6; apart++) {
    for (unsigned int i = 0; i < kTestOutputBytes; i++) {
      output[i] = kTestOutput[i] + (kTestOutput[i] < 128 ? apart : -apart);
    }
    std::printf("%d", IsTestOutput(output));
  }
  std::printf(" %d %d", kClasses, kSureFrom);
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_firmware_can_check_itself(bundle, tmp_path):
    """Compiled with an empty stand-in for the one header of LiteRT Micro."""
    header = tmp_path / "tensorflow" / "lite" / "micro" / "micro_mutable_op_resolver.h"
    header.parent.mkdir(parents=True)
    methods = " ".join(f"void {name}() {{}}" for name in METHODS.values())
    header.write_text(f"namespace tflite {{ template <int N> struct MicroMutableOpResolver {{ {methods} }}; }}\n")
    (tmp_path / "main.cc").write_text(FIRMWARE)
    code = bundle / "micro"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{code}"]
    files = [str(tmp_path / "main.cc"), str(code / "model.cc")]
    subprocess.run(["g++", *flags, *files, "-o", str(tmp_path / "main")], check=True)
    told = subprocess.run([str(tmp_path / "main"), str(tmp_path / "bytes")], capture_output=True, text=True, check=True)
    vectors, description = np.load(bundle / "test_vectors.npz"), read_description(bundle)
    output = (vectors["scores"][0] * 256).astype(np.uint8)
    expected = vectors["pictures"][0].tobytes() + output.tobytes() + (bundle / MODEL).read_bytes()
    assert (tmp_path / "bytes").read_bytes() == expected
    assert told.stdout == f"111110 3 {math.ceil(description.unsure_below * 256)}"  # up to 4 steps apart


def test_byte_as_sure_as_the_threshold_is_sure_for_firmware():
    assert [sure_from(t, 1 / 256, 0) for t in (0, 0.5, 0.5001, 255 / 256, 0.999, 1)] == [0, 128, 129, 255, 256, 256]


def test_arena_holds_activations_and_what_is_kept_of_operators(bundle):
    graph = read_graph(bundle / MODEL)
    channels = 16 + 16 + 64 + 3  # conv, depthwise, conv, dense
    kept = 24 * len(graph.tensors) + 160 * len(graph.operators) + 8 * channels + 1536
    # Alive at once: the uint8 picture and its int8 copy, or conv's output and depthwise's, ...
    largest = max(8 * 8 * (3 + 3), 8 * 8 * (3 + 16), 8 * 8 * 16 + 4 * 4 * 16, 4 * 4 * (16 + 64))
    assert arena_bytes(graph) == -(-(largest + kept) // 1024) * 1024
