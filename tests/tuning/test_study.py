"""Optuna's own study in its own file, with values given by hand instead of trainings."""

import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.tuning.results import TrialResult
from ctrmoe.tuning.space import SearchSpace
from ctrmoe.tuning.study import STARTUP_TRIALS, SearchStudy

TABLE = {
    "train.learning_rate": {"low": 1e-4, "high": 1.0, "log": True},
    "model.embedding.dim": {"low": 2, "high": 64},
}


def open_study(folder, *, seed=1, prune=True, settings=None, **options):
    space = SearchSpace(TABLE, Config(seed=seed))
    options = {"direction": "maximize", "prune": prune} | options
    return SearchStudy(folder, space, settings or {"config": 1}, **options)


def run_trial(study, state="complete", reason=""):
    trial = study.ask()
    rate, dim = trial.params["train.learning_rate"], trial.params["model.embedding.dim"]
    value = -((rate - 0.1) ** 2) - dim / 1e3
    result = TrialResult(
        number=0, state=state, value=value, epochs=1, seconds=1.0, reason=reason, parameters={}
    )
    study.tell(trial, result)
    return trial.params


def test_search_interrupted_at_any_trial_goes_on_the_same(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    study = open_study(tmp_path / "whole")
    expected = [run_trial(study) for _ in range(7)]
    study.close()

    found = []
    for _ in range(7):
        study = open_study(tmp_path / "killed")
        study.ask()  # never told: as a killed process leaves it
        study.close()
        study = open_study(tmp_path / "killed")
        found.append(run_trial(study))
        study.close()

    assert found == expected
    study = open_study(tmp_path / "killed")
    assert [result.number for result in study.results()] == list(range(7))
    assert [result.parameters for result in study.results()] == expected
    study.close()


def test_first_trial_is_the_config_and_the_seed_draws_the_others(tmp_path):
    drawn = {}
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        study = open_study(folder, seed=seed)
        drawn[seed] = [run_trial(study) for _ in range(2)]
        study.close()

    assert drawn[1][0] == drawn[2][0] == {"train.learning_rate": 0.003, "model.embedding.dim": 16}
    assert drawn[1][1] != drawn[2][1]


def test_failed_trials_count_and_keep_their_reason(tmp_path):
    study = open_study(tmp_path)
    run_trial(study, "failed", "the loss was nan")
    run_trial(study)

    first, second = study.results()
    study.close()

    assert (first.state, first.reason) == ("failed", "the loss was nan")
    assert (second.state, second.number) == ("complete", 1)


@pytest.mark.parametrize("prune", [True, False])
def test_trial_behind_the_median_is_pruned_unless_switched_off(tmp_path, prune):
    study = open_study(tmp_path, prune=prune)
    for value in range(STARTUP_TRIALS):
        trial = study.ask()
        for epoch in range(2):
            trial.report(0.5 + value / 100, epoch)
            assert not trial.should_prune()
        result = TrialResult(
            number=0, state="complete", value=0.5, epochs=2, seconds=1.0, reason="", parameters={}
        )
        study.tell(trial, result)
    ahead, behind = study.ask(), study.ask()
    ahead.report(0.53, 0)
    behind.report(0.51, 0)

    assert not ahead.should_prune()
    assert behind.should_prune() == prune
    study.close()


def test_other_settings_are_another_search(tmp_path):
    open_study(tmp_path).close()

    with pytest.raises(ConfigError, match="was started with another config. Resume with the same"):
        open_study(tmp_path, settings={"config": 2})
    open_study(tmp_path).close()
