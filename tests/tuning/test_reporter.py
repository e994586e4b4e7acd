import optuna
import polars as pl
import pytest

from ctrmoe.tuning.reporter import TrialReporter


@pytest.fixture
def study():
    pruner = optuna.pruners.ThresholdPruner(lower=0.5)
    return optuna.create_study(direction="maximize", pruner=pruner)


def write_history(folder, values):
    seconds = [float(epoch) for epoch in range(len(values))]
    pl.DataFrame({"seconds": seconds, "valid_auc": values}).write_csv(folder / "history.csv")


def test_epochs_before_an_interruption_are_reported_too(study, tmp_path):
    reporter = TrialReporter(study.ask(), tmp_path, "valid_auc")
    write_history(tmp_path, [0.6, 0.7])

    reporter.on_validation_end(1, {})
    write_history(tmp_path, [0.6, 0.7, 0.8])
    reporter.catch_up()

    assert study.trials[0].intermediate_values == {0: 0.6, 1: 0.7, 2: 0.8}


def test_pruned_trial_says_when(study, tmp_path):
    reporter = TrialReporter(study.ask(), tmp_path, "valid_auc")
    write_history(tmp_path, [0.6, 0.4])

    with pytest.raises(optuna.TrialPruned, match="behind the median after epoch 2"):
        reporter.on_validation_end(1, {})


def test_history_before_the_first_epoch_is_empty(study, tmp_path):
    assert TrialReporter(study.ask(), tmp_path, "valid_auc").history().height == 0
