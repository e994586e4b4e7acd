from ctrmoe.transforms import FORMULAS, PRESETS


def test_presets_are_outranks():
    assert len(PRESETS["minimal"]) == 4
    assert len(PRESETS["default"]) == 10
    assert set(PRESETS["minimal"]) < set(PRESETS["default"]) < set(FORMULAS)


def test_every_formula_is_explained():
    import ctrmoe.transforms

    for name in FORMULAS:
        assert f"\n    {name} " in ctrmoe.transforms.__doc__
