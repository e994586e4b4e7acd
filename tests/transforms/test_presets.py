from ctrmoe.transforms import FORMULAS, PRESETS


def test_presets_have_as_many_formulas_as_outranks():
    sizes = {name: len(formulas) for name, formulas in PRESETS.items()}

    assert sizes == {
        "minimal": 4,
        "default": 10,
        "fw": 138,
        "extended": 27,
        "extended_rounded": 108,
    }


def test_presets_name_formulas_once():
    for formulas in PRESETS.values():
        assert len(set(formulas)) == len(formulas)
        assert set(formulas) <= set(FORMULAS)


def test_smaller_presets_are_part_of_larger_ones():
    assert set(PRESETS["minimal"]) < set(PRESETS["default"])
    assert set(PRESETS["default"]) < set(PRESETS["fw"])
    assert set(PRESETS["default"]) < set(PRESETS["extended"])
