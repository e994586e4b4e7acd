import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ctrmoe.data.planted import PlantedClusters


def test_rows_follow_the_truth():
    rows = PlantedClusters(seed=1).draw(20_000, 5)

    assert rows.features.shape == (20_000, 16) and rows.features.dtype == np.float32
    assert set(rows.domain.tolist()) == set(range(1, 7))
    np.testing.assert_allclose(rows.label.mean(), rows.probability.mean(), atol=0.01)
    assert 0.88 < roc_auc_score(rows.label, rows.probability) < 0.92
    main = rows.cluster == (rows.domain - 1) % 4
    assert 0.83 < main.mean() < 0.87  # 0.8 of a domain's rows, and a quarter of the others


def test_contexts_tell_the_cluster_and_signals_only_within_it():
    rows = PlantedClusters(seed=2).draw(20_000, 5)
    contexts, signals = rows.features[:, :8], rows.features[:, 8:]

    centres = np.stack([contexts[rows.cluster == cluster].mean(0) for cluster in range(4)])
    np.testing.assert_allclose(centres @ centres.T, 16 * np.eye(4), atol=0.6)
    products = signals[:, :, None] * signals[:, None]
    products = products[:, *np.triu_indices(8, 1)]
    for cluster in range(4):
        own = rows.cluster == cluster
        effect = np.mean((products * (rows.label - 0.5)[:, None])[own], axis=0)
        assert np.sum(np.abs(effect) > 0.1) == 4  # its pairs, and no others
        assert np.sum(np.abs(effect) < 0.04) == 24


def test_seeds_give_other_rows_of_the_same_truth():
    first, again, other = (PlantedClusters(seed=3).draw(100, seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.features, again.features)
    assert not np.array_equal(first.features, other.features)


@pytest.mark.parametrize("clusters", [0, 5])
def test_too_many_clusters_are_refused(clusters):
    with pytest.raises(ValueError, match=r"`num_clusters` must lie in \[1, 4\]. Received"):
        PlantedClusters(num_clusters=clusters)


def test_signals_must_be_a_power_of_two():
    with pytest.raises(ValueError, match="`signals` must be a power of two. Received: 6"):
        PlantedClusters(signals=6)
