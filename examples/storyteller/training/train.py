"""Trains the tale model: python train.py tales.txt out/. See README.md."""

import copy
import math
import os
import time

import torch
import torch.nn.functional as F

from data import batch, read_paragraphs, split, to_ids
from evaluate import loss_of, sample, show
from export import export, rounded
from model import Model, Shape
from options import read_options
from tokenizer import Tokenizer, learn

SEED = 1
GROUP = 128


def main() -> None:
    given = read_options()
    os.makedirs(given.out, exist_ok=True)
    torch.manual_seed(SEED)
    torch.set_num_threads(2)
    # The optimizer's averages for tokens that never occur become numbers so small that processors are slow with them.
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(SEED)

    kept, held = split(read_paragraphs(given.corpus))
    tokenizer = Tokenizer(learn("\n".join(kept), given.vocab))
    tokenizer.save(f"{given.out}/tales-tokenizer.bin")
    ids, starts = to_ids(tokenizer, kept)
    held_ids, _ = to_ids(tokenizer, held)
    letters = sum(len(paragraph) + 1 for paragraph in held)
    print(f"{len(ids)} tokens to train on, {len(held_ids)} held back, {letters / len(held_ids):.2f} letters a token", flush=True)

    shape = Shape(vocab=given.vocab, dim=given.dim, hidden=given.hidden, layers=given.layers, dropout=given.dropout)
    model = Model(shape)
    if given.resume:
        model.load_state_dict(torch.load(given.resume))
    average = copy.deepcopy(model)
    print(f"{sum(weight.numel() for weight in model.parameters())} weights", flush=True)
    matrices = [weight for name, weight in model.named_parameters() if name.startswith("layers") and weight.dim() == 2]
    others = [weight for weight in model.parameters() if not any(weight is one for one in matrices)]
    optimizers = [
        torch.optim.Muon(matrices, lr=given.rate, momentum=0.95, weight_decay=0.1),
        torch.optim.AdamW(others, lr=0.004, betas=(0.9, 0.95), weight_decay=0.01),
    ]
    rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    began = time.time()
    mean = 0.0
    for step in range(given.steps):
        # Warm up, stay, and fall over the last half.
        share = min(1, (step + 1) / 50, (1 if given.resume else 2) * (1 - step / given.steps))
        for optimizer, rate in zip(optimizers, rates):
            optimizer.param_groups[0]["lr"] = rate * share
        inputs, targets = batch(ids, starts, shape, generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(inputs).flatten(0, 1)
        loss = F.cross_entropy(logits.float(), targets.flatten())
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        decay = min(0.998, (step + 1) / (step + 10))
        with torch.no_grad():
            for mine, new in zip(average.parameters(), model.parameters()):
                mine.lerp_(new, 1 - decay)
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if (step + 1) % 100 == 0 or step + 1 == given.steps:
            each = (time.time() - began) / (step + 1)
            print(f"step {step + 1}: {mean:.3f}, {each:.2f} s a step", flush=True)
        if (step + 1) % 500 == 0 or step + 1 == given.steps:
            nats = loss_of(average, held_ids)
            print(f"held back: {nats:.4f} nats a token, {nats * len(held_ids) / letters / math.log(2):.4f} bits a letter", flush=True)
            torch.save(average.state_dict(), f"{given.out}/average.pt")
            export(average, f"{given.out}/tales.bin", GROUP)
            print(sample(average, tokenizer, "Once upon a time there was a", 0.7, step, 80), flush=True)

    small = rounded(average, GROUP)
    print(f"in 8 bits: {loss_of(small, held_ids):.4f} nats a token", flush=True)
    show(small, tokenizer)


if __name__ == "__main__":
    main()
