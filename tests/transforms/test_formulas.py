from ctrmoe.transforms import formulas


def test_every_formula_is_explained():
    for name in formulas.NAMED:
        assert f"\n    {name} " in formulas.__doc__
