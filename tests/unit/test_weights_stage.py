import json
from pathlib import Path

import pytest

from maskopt import paths
from maskopt.errors import WrongWeights
from maskopt.networks.backbones import build_trunk
from maskopt.params import Trunk, load_params
from maskopt.stages import weights

BACKBONE, SIZE_PX = "small", 64
TRUNK = Trunk(architecture="separable", width=1, depth=1, until=None)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A function that runs the stage with `weights` as the network's source, in an empty folder."""
    params = load_params(REPOSITORY / "params.yaml")
    monkeypatch.chdir(tmp_path)

    def run(source):
        network = params.networks["separable"].model_copy(
            update={"trunk": TRUNK, "weights": source, "size_px": SIZE_PX}
        )
        weights.main(params.model_copy(update={"networks": {BACKBONE: network}}), BACKBONE)
        return json.loads(paths.start_facts(BACKBONE).read_text())

    return run


@pytest.fixture
def saved(stage):  # noqa: ARG001  its folder
    path = paths.INCOMING / "trunk.h5"
    path.parent.mkdir(parents=True)
    build_trunk(TRUNK, SIZE_PX).save_weights(path)
    return path


def test_weights_of_a_file_are_kept_with_where_they_came_from(stage, saved):
    facts = stage(str(saved))
    assert facts["weights"] == "data/incoming/trunk.h5"
    assert len(facts["weights_sha256"]) == 64
    assert paths.trunk(BACKBONE).is_file()


def test_random_weights_leave_no_file_of_an_earlier_run(stage, saved):
    stage(str(saved))
    assert stage("none") == {"weights": "none"}
    assert not paths.trunk(BACKBONE).exists()


def test_broken_file_leaves_what_was_there(stage, saved):
    before = stage(str(saved))
    saved.write_bytes(b"no weights")
    with pytest.raises(WrongWeights):
        stage(str(saved))
    assert json.loads(paths.start_facts(BACKBONE).read_text()) == before
    assert [path.name for path in paths.start_weights(BACKBONE).parent.iterdir()] == [BACKBONE]
