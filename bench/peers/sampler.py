"""Top-k, temperature, top-p and a draw in NumPy: what the servers beside Kelvin compute."""

import os

import numpy as np

# Number of logits in a group. With 128, finding the k largest logits is fastest for large vocabularies.
GROUP = 128


def largest_by_partition(row, k):
    """The ids of the k largest logits, in any order."""
    return row.argpartition(row.size - k)[row.size - k :]


def largest_by_maxima(row, k):
    """The same. At least k logits reach the k-th largest maximum of the groups, and few others do."""
    groups = row.size // GROUP
    if groups < k or row.size % GROUP:
        return largest_by_partition(row, k)
    # A group has every logit whose ids differ by a multiple of `groups`, so that the maxima are vectorised.
    maxima = row.reshape(GROUP, groups).max(axis=0)
    maxima.partition(groups - k)
    ids = np.flatnonzero(row >= maxima[groups - k])
    return ids[largest_by_partition(row[ids], k)]


METHODS = {"maxima": largest_by_maxima, "argpartition": largest_by_partition}
largest = METHODS[os.environ.get("TOP_K_METHOD", "maxima")]


def sample(logits, top_k=40, top_p=0.95, temperature=0.8, seed=0):
    """Draws a token id from each row of float32 logits, as int32."""
    ids = np.stack([largest(row, top_k) for row in logits])
    rows = np.arange(len(logits))[:, np.newaxis]
    kept = logits[rows, ids].astype(np.float64)
    order = kept.argsort(axis=1)[:, ::-1]
    ids, kept = ids[rows, order], kept[rows, order]
    masses = np.exp((kept - kept[:, :1]) / temperature).cumsum(axis=1)
    nucleus = (masses < top_p * masses[:, -1:]).sum(axis=1)
    draws = np.random.default_rng(seed).random(len(logits)) * masses[rows[:, 0], nucleus]
    drawn = (masses <= draws[:, np.newaxis]).sum(axis=1)
    return ids[rows[:, 0], drawn].astype(np.int32)
