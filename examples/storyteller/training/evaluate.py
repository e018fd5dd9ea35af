"""The loss on text, and samples."""

import torch
import torch.nn.functional as F

from model import Model
from tokenizer import BEGIN, Tokenizer


@torch.no_grad()
def loss_of(model: Model, ids: torch.Tensor) -> float:
    """Mean loss in nats a token, on all of the text."""
    model.eval()
    context = model.shape.context
    total = count = 0
    for at in range(0, len(ids) - 1, context):
        window = torch.cat([torch.tensor([BEGIN]), ids[at : at + context]])
        total += F.cross_entropy(model(window[None, :-1])[0], window[1:], reduction="sum").item()
        count += len(window) - 1
    model.train()
    return total / count


@torch.no_grad()
def sample(model: Model, tokenizer: Tokenizer, text: str, temperature: float, seed: int, count: int) -> str:
    model.eval()
    generator = torch.Generator().manual_seed(seed)
    ids = [BEGIN] + tokenizer.encode(" " + text)
    for _ in range(count):
        logits = model(torch.tensor([ids[-model.shape.context :]]))[0, -1]
        if temperature == 0:
            ids.append(int(logits.argmax()))
        else:
            ids.append(int(torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)))
    model.train()
    return "".join(tokenizer.texts[id] for id in ids[1:]).strip()


def show(model: Model, tokenizer: Tokenizer) -> None:
    """Prints twenty samples at temperature 0.7, and one each at others."""
    beginning = "Once upon a time there was a"
    for seed in range(20):
        print("---", sample(model, tokenizer, beginning, 0.7, seed, 100), sep="\n", flush=True)
    for temperature in (0, 0.2, 1, 1.5):
        print(f"--- T = {temperature}", sample(model, tokenizer, beginning, temperature, 1, 100), sep="\n")
