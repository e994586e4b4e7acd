import numpy as np

from ctrmoe.layers.domain_embedding import DomainEmbedding


def test_domain_embedding_gives_each_row_the_vector_of_its_domain():
    embedding = DomainEmbedding(3, 4)

    result = embedding(np.array([2, 0, 2], "int32"))

    np.testing.assert_array_equal(result, embedding.vectors.numpy()[[2, 0, 2]])


def test_domain_embedding_config_keeps_the_initializer():
    embedding = DomainEmbedding(3, 4, initializer="ones")

    copy = DomainEmbedding.from_config(embedding.get_config())

    assert np.array(copy(np.array([1], "int32"))).tolist() == [[1.0] * 4]
