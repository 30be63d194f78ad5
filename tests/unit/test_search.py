"""What a search tries within its budget, in which order, and what is on the front."""

from pathlib import Path

import pandas as pd
import pytest
from optuna.trial import TrialState

from maskopt.params import load_params
from maskopt.search import (
    EPOCHS,
    FIGURES,
    OVER,
    WHY,
    Candidate,
    is_hopeless,
    mark_front,
    open_study,
    spent_epochs,
    suggest,
)

REPOSITORY = Path(__file__).parents[2]
MADE_OF = "pictures and code"


@pytest.fixture
def params():
    loaded = load_params(REPOSITORY / "params.yaml")
    space = loaded.search.model_copy(update={"sizes_px": (48, 64), "widths": (0.25, 0.5), "depths": (1, 2)})
    return loaded.model_copy(update={"search": space})


@pytest.fixture
def study(tmp_path, params):
    return open_study(tmp_path / "studies.db", params, 100_000, MADE_OF)


def test_the_cheapest_of_each_network_and_size_come_first(study, params):
    first = [suggest(study.ask(), params) for _ in range(4)]
    assert [(each.size_px, each.network) for each in first] == [
        (48, "separable"),
        (48, "bottleneck"),
        (64, "separable"),
        (64, "bottleneck"),
    ]
    assert {(each.width, each.depth, each.variant) for each in first} == {(0.25, 1, "ecqat")}
    assert all(0.03 <= each.nats_per_bit <= 1 for each in first)


def test_network_with_weights_keeps_its_width_and_depth(study, params):
    heavy = params.networks["separable"].model_copy(update={"weights": "imagenet"})
    params = params.model_copy(update={"networks": {"separable": heavy, "bottleneck": heavy}})
    for _ in range(8):
        candidate = suggest(study.ask(), params)
        assert (candidate.width, candidate.depth) == (heavy.trunk.width, heavy.trunk.depth)


def test_only_entropy_constrained_ones_have_a_price(study, params):
    seen = [suggest(study.ask(), params) for _ in range(30)]
    assert {each.variant for each in seen} == {"finetuned", "cqat", "ecqat"}
    assert all((each.nats_per_bit is None) == (each.variant != "ecqat") for each in seen)


def test_candidate_says_what_changes_in_params(params):
    candidate = Candidate("bottleneck", 0.5, 2, 48, "ecqat", 0.1)
    changes = candidate.changes(params)
    assert changes["backbones"] == ["bottleneck"]
    assert changes["networks.bottleneck.trunk.width"] == 0.5
    assert changes["networks.bottleneck.size_px"] == 48
    assert changes["pixels.sizes_px"] == [48, 64]  # one array for all candidates
    assert changes["entropy.nats_per_bit"] == 0.1
    assert "entropy.nats_per_bit" not in Candidate("bottleneck", 0.5, 2, 48, "cqat", None).changes(params)
    assert candidate.stage("ecqat", params) == "measured@bottleneck-ecqat-0"


@pytest.mark.parametrize(("variant", "epochs"), [("finetuned", 22), ("clustered", 24), ("cqat", 26), ("ecqat", 28)])
def test_epochs_are_those_of_all_phases(params, variant, epochs):
    assert Candidate("bottleneck", 0.5, 2, 48, variant, None).epochs(params) == epochs


def finish(study, params, accuracy, size_bytes, max_bytes=100_000, float_bytes=200_000):
    trial = study.ask()
    suggest(trial, params)
    trial.set_constraint(OVER, size_bytes - max_bytes)
    trial.set_user_attr(FIGURES, {"val_accuracy": accuracy, "float_gzip_bytes": float_bytes})
    study.tell(trial, accuracy)


def test_float_model_is_hopeless_once_a_model_that_fits_is_as_good(study, params):
    assert not is_hopeless(study, 0.5, 200_000)
    finish(study, params, 0.95, 100_001)
    assert not is_hopeless(study, 0.9, 200_000)
    finish(study, params, 0.92, 100_000)
    assert is_hopeless(study, 0.92, 200_000)
    assert not is_hopeless(study, 0.93, 200_000)


def test_smaller_network_is_not_hopeless_for_being_worse(study, params):
    finish(study, params, 0.92, 100_000)
    assert not is_hopeless(study, 0.5, 199_999)  # it may be on the front


def test_epochs_of_what_failed_or_was_ended_from_outside_are_given_back_at_the_next_start(study, tmp_path, params):
    failed, killed, done = study.ask(), study.ask(), study.ask()
    for trial in (failed, killed, done):
        suggest(trial, params)
        trial.set_user_attr(EPOCHS, 28)
    assert spent_epochs(study) == 3 * 28
    failed.set_user_attr(WHY, "experiment search-1 ended with code 1")
    study.tell(failed, state=TrialState.FAIL)
    study.tell(done, 0.9)
    assert spent_epochs(study) == 3 * 28
    for _ in range(3):
        assert spent_epochs(open_study(tmp_path / "studies.db", params, 100_000, MADE_OF)) == 28


def test_study_goes_on_with_what_was_under_way(study, tmp_path, params):
    finish(study, params, 0.9, 50_000)
    killed = study.ask()
    candidate = suggest(killed, params)
    again = open_study(tmp_path / "studies.db", params, 100_000, MADE_OF)
    assert [trial.state for trial in again.trials[:2]] == [TrialState.COMPLETE, TrialState.FAIL]
    queued = [again.ask() for _ in range(3)]  # two of the first four were still waiting
    assert candidate in [suggest(trial, params) for trial in queued]


def test_study_that_goes_on_does_not_draw_the_same_again(study, tmp_path, params):
    def draw(opened, n):
        drawn = []
        for _ in range(n):
            trial = opened.ask()
            drawn.append(suggest(trial, params))
            opened.tell(trial, 0.5)
        return drawn

    draw(study, 4)  # those that are always first
    once, again = (draw(open_study(tmp_path / "studies.db", params, 100_000, MADE_OF), 2) for _ in range(2))
    assert once != again


def test_study_is_of_one_budget_of_pictures_and_of_params_that_matter(study, tmp_path, params):
    finish(study, params, 0.9, 50_000)
    file = tmp_path / "studies.db"
    more = params.model_copy(update={"search": params.search.model_copy(update={"epochs": 9999})})
    slower = params.model_copy(update={"prune": params.prune.model_copy(update={"epochs": 9})})
    assert len(open_study(file, more, 100_000, MADE_OF).get_trials(states=(TrialState.COMPLETE,))) == 1
    for other, max_bytes, made_of in (
        (params, 50_000, MADE_OF),
        (slower, 100_000, MADE_OF),
        (params, 100_000, "other pictures"),
    ):
        assert not open_study(file, other, max_bytes, made_of).get_trials(states=(TrialState.COMPLETE,))


def test_front_is_what_none_beats_in_all():
    tried = pd.DataFrame(
        {
            "gzip_bytes": [10, 20, 30, 30, 40, 20],
            "median_ms": [2.0, 1.0, 1.0, 3.0, 3.0, 1.0],
            "val_accuracy": [0.8, 0.9, 0.9, 0.95, 0.94, 0.9],
        }
    )
    assert mark_front(tried)["front"].tolist() == [True, True, False, True, False, True]
    assert mark_front(tried.iloc[:0])["front"].tolist() == []
