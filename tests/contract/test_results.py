"""What the repository holds of its own run keeps what is promised of it."""

import json
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "profiles" / "quick.yaml").read_text())
WANTED = 0.95  # of the test pictures


@pytest.mark.parametrize("backbone", PARAMS["backbones"])
def test_fine_tuned_networks_of_the_quick_profile_are_right_often_enough(backbone):
    metrics = json.loads((ROOT / "data" / "metrics" / "seed-0" / backbone / "finetuned.json").read_text())
    assert metrics["training"]["epochs"] == PARAMS["networks"][backbone]["finetune"]["epochs"]
    assert metrics["formats"]["float32"]["accuracy"] >= WANTED
    assert metrics["formats"]["float32"]["total"] == 3 * PARAMS["data"]["rows_per_class"] * 0.15
