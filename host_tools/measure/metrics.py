"""How good answers are: plain numpy, no model, no files."""

from __future__ import annotations

import numpy as np


def top_k(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """The part of samples whose label is among the k highest scores, (N, classes).

    Equal scores: the lower index first, as argmax() and net.classify() do.
    """
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((order == labels[:, None]).any(1).mean())


def confusion(labels: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """int[classes, classes]: row = the truth, column = the answer."""
    return np.bincount(labels * classes + answers, minlength=classes * classes).reshape(classes, classes)


def per_class(matrix: np.ndarray) -> list[dict]:
    """For each class: count, recall (of its samples, found), precision (of its answers, right), f1. None: undefined."""

    def part(a, b):
        return float(a / b) if b else None

    rows = []
    for i in range(len(matrix)):
        hits, count, answered = int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum())
        rows.append({"count": count, "recall": part(hits, count), "precision": part(hits, answered),
                     "f1": part(2 * hits, count + answered)})  # fmt: skip
    return rows


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """The probability that a positive sample scores higher than a negative one, ties half: the area under the ROC curve."""
    _, rank_of, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[rank_of]  # from 1, ties share their mean
    n, p = int((~positive).sum()), int(positive.sum())
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (n * p))


def regression(answers: np.ndarray, targets: np.ndarray) -> dict:
    """mae, rmse, largest error, and r2: the part of the targets' variance that is explained."""
    wrong = answers.astype(np.float64) - targets
    spread = float(((targets - targets.mean(0)) ** 2).sum())
    return {
        "mae": float(np.abs(wrong).mean()),
        "rmse": float(np.sqrt((wrong**2).mean())),
        "max_error": float(np.abs(wrong).max()),
        "r2": 1 - float((wrong**2).sum()) / spread if spread else None,
    }


def sqnr_db(got: np.ndarray, want: np.ndarray) -> float:
    """Signal to quantization noise: 10 log10(sum(want^2) / sum((got - want)^2)); infinite where they are equal."""
    noise = float(((got.astype(np.float64) - want) ** 2).sum())
    signal = float((want.astype(np.float64) ** 2).sum())
    return float("inf") if noise == 0 else float(10 * np.log10(max(signal, 1e-300) / noise))
