import numpy as np


def realistic_rows(count, vocab_size, random):
    """Logits like those of models: a bulk with σ = 2, a heavy tail of 3 %, and thirty peaks."""
    shape = (count, vocab_size)
    rows = random.normal(0, 2, shape)
    rows += random.exponential(1, shape) * (random.random(shape) < 0.03)
    top = np.log(vocab_size) + 5.2
    for row in rows:
        peaks = random.choice(vocab_size, 30, replace=False)
        row[peaks] = top - 0.35 * np.arange(30) + random.normal(0, 0.3, 30)
    return rows.astype(np.float32)
