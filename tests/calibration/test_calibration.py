import numpy as np

from ctrmoe.calibration import Calibration, LogitMap

ALL, OWN = LogitMap((0.0,), (0.5,), 2.0), LogitMap((0.0, 1.0), (-1.0, 1.0), 1.0)
NAMES = [None, None, None, "feed", "search"]
CALIBRATION = Calibration(
    method="platt",
    maps={"click": ALL, "buy": OWN},
    domains={"click": {"search": OWN}, "buy": {}},
    fitted={"data": ["a.parquet"]},
)


def test_domains_without_a_map_have_that_of_all_rows():
    """Padding, missing, unknown, a small domain, and the one with its own."""
    logits = np.full(5, 0.5)

    found = CALIBRATION.logits("click", logits, np.arange(5, dtype=np.int32), NAMES)

    np.testing.assert_allclose(found, [1.5, 1.5, 1.5, 1.5, 0.0])


def test_rows_without_domains_have_the_map_of_all_rows():
    np.testing.assert_allclose(CALIBRATION.logits("click", np.ones(2), None, []), [2.5, 2.5])


def test_domain_called_like_no_value_is_not_taken_for_missing():
    calibration = Calibration(method="platt", maps={"click": ALL}, domains={"click": {"": OWN}})

    _, serving = calibration.of_task("click", [None, None, None, ""])

    assert serving.tolist() == [0, 0, 0, 1]


def test_calibration_of_a_folder(tmp_path):
    assert Calibration.load(tmp_path) is None

    CALIBRATION.save(tmp_path)

    assert Calibration.load(tmp_path) == CALIBRATION
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.json"]


def test_only_a_domain_with_a_map_makes_it_depend_on_domains():
    assert CALIBRATION.by_domain
    assert not Calibration(method="platt", maps={"buy": OWN}, domains={"buy": {}}).by_domain


def test_summary_names_the_domains():
    assert CALIBRATION.summary() == {
        "method": "platt",
        "domains": {"click": ["search"], "buy": []},
        "data": ["a.parquet"],
    }
