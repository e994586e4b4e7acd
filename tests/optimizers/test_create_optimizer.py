import keras
import pytest

from ctrmoe.optimizers import OPTIMIZERS, LazyAdam, create_optimizer


def test_every_kind_is_built_and_read_back_from_its_config():
    assert list(OPTIMIZERS) == sorted(OPTIMIZERS)
    for kind, cls in OPTIMIZERS.items():
        optimizer = create_optimizer(kind, 0.01, global_clipnorm=2.0)

        config = keras.optimizers.serialize(optimizer)
        assert type(optimizer) is cls
        assert keras.optimizers.deserialize(config).get_config() == optimizer.get_config()


def test_options_reach_the_optimizer():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)

    optimizer = create_optimizer("lazy_adam", schedule, beta_2=0.99, weight_decay=0.1)

    assert (optimizer.beta_2, optimizer.weight_decay) == (0.99, 0.1)
    assert isinstance(optimizer, LazyAdam)
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


def test_unknown_kind_is_named_with_a_suggestion():
    with pytest.raises(ValueError, match=r"kind='adagard'. Did you mean `adagrad`\?"):
        create_optimizer("adagard", 0.01)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_unknown_option_is_named_with_a_suggestion(kind):
    with pytest.raises(ValueError, match=rf"{kind!r}.*clip_norm=1.0. Did you mean `clipnorm`\?"):
        create_optimizer(kind, 0.01, clip_norm=1.0)


def test_learning_rate_is_not_an_option_of_its_own():
    with pytest.raises(TypeError, match="learning_rate"):
        create_optimizer("adagrad", 0.01, **{"learning_rate": 0.1})


def test_option_that_touches_whole_tables_is_refused():
    with pytest.raises(ValueError, match="`use_ema` must be unset for LazyAdam"):
        create_optimizer("lazy_adam", 0.01, use_ema=True)
