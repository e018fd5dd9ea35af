"""Weights in 8 bits, and the file of llama2.c that has them (its version 2)."""

import copy
import struct

import torch

from model import Model


def quantize(weight: torch.Tensor, group: int) -> tuple[torch.Tensor, torch.Tensor]:
    """8-bit integers and a float32 scale for each group of weights."""
    groups = weight.detach().float().reshape(-1, group)
    scale = (groups.abs().amax(1) / 127).clamp_min(1e-12)
    return (groups / scale[:, None]).round().to(torch.int8), scale


def export(model: Model, path: str, group: int) -> None:
    """Writes the 256-byte header, the norms in float32, and all matrices in 8 bits."""
    shape = model.shape
    layers = model.layers
    with open(path, "wb") as file:
        sizes = (shape.dim, shape.hidden, shape.layers, shape.heads, shape.kv_heads, shape.vocab, shape.context)
        head = struct.pack("<Ii7iBi", 0x616B3432, 2, *sizes, 1, group)
        file.write(head.ljust(256, b"\0"))
        norms = [layer.attention_norm for layer in layers] + [layer.ffn_norm for layer in layers] + [model.norm]
        for norm in norms:
            file.write(norm.weight.detach().float().numpy().tobytes())
        names = ["query", "key", "value", "output", "gate", "down", "up"]
        matrices = [model.embedding] + [getattr(layer, name) for name in names for layer in layers]
        for matrix in matrices:
            integers, scale = quantize(matrix.weight, group)
            file.write(integers.numpy().tobytes())
            file.write(scale.numpy().tobytes())


def rounded(model: Model, group: int) -> Model:
    """The model with the weights that the file has."""
    copied = copy.deepcopy(model)
    for weight in copied.parameters():
        if weight.dim() == 2:
            integers, scale = quantize(weight, group)
            weight.data = (integers.float() * scale[:, None]).reshape(weight.shape)
    return copied
