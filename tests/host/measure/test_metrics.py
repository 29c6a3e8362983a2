"""Metrics against scikit-learn and against numbers worked out by hand."""

import numpy as np
import pytest

from host_tools.measure import metrics

sklearn_metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed):
    random = np.random.default_rng(seed)
    labels, answers = random.integers(0, 4, 60), random.integers(0, 4, 60)
    labels[labels == 3] = 2 if seed == 0 else 3  # seed 0: a class without samples
    matrix = metrics.confusion(labels, answers, 4)
    np.testing.assert_array_equal(matrix, sklearn_metrics.confusion_matrix(labels, answers, labels=range(4)))
    theirs = sklearn_metrics.precision_recall_fscore_support(labels, answers, labels=range(4), zero_division=np.nan)
    for row, precision, recall, f1, count in zip(metrics.per_class(matrix), *theirs):
        assert row["count"] == count
        for ours, value in ((row["precision"], precision), (row["recall"], recall), (row["f1"], f1)):
            assert (ours is None and np.isnan(value)) or ours == pytest.approx(value)
    odd = random.random(60) < 0.3
    scores = np.round(random.random(60) + 0.3 * odd, 1)  # with ties
    assert metrics.auc(scores, odd) == pytest.approx(sklearn_metrics.roc_auc_score(odd, scores))
    targets, guesses = random.normal(size=(60, 2)), random.normal(size=(60, 2))
    ours = metrics.regression(guesses, targets)
    assert ours["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(targets, guesses))
    assert ours["rmse"] == pytest.approx(sklearn_metrics.mean_squared_error(targets, guesses) ** 0.5)
    r2 = sklearn_metrics.r2_score(targets, guesses, multioutput="variance_weighted")
    assert ours["r2"] == pytest.approx(r2)


def test_top_k_takes_the_lower_index_of_equal_scores():
    scores = np.array([[5, 5, 1], [1, 2, 3], [0, 0, 0]])
    labels = np.array([1, 2, 2])
    assert metrics.top_k(scores, labels, 1) == pytest.approx(1 / 3)
    assert metrics.top_k(scores, labels, 2) == pytest.approx(2 / 3)
    assert metrics.top_k(scores, labels, 3) == 1


def test_sqnr():
    assert metrics.sqnr_db(np.array([1.1, 1.0]), np.array([1.0, 1.0])) == pytest.approx(10 * np.log10(2 / 0.01))
    assert metrics.sqnr_db(np.ones(3), np.ones(3)) == float("inf")
