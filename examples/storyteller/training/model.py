"""The Llama 2 architecture, small."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab: int = 2048
    dim: int = 128
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    kv_heads: int = 2
    context: int = 256
    dropout: float = 0.1

    @property
    def head(self) -> int:
        return self.dim // self.heads


def rotation(shape: Shape) -> torch.Tensor:
    frequencies = 10_000 ** -(torch.arange(0, shape.head, 2).float() / shape.head)
    angles = torch.outer(torch.arange(shape.context).float(), frequencies)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    cos, sin = turns[:, : x.shape[2]]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        kv = shape.kv_heads * shape.head
        self.attention_norm = nn.RMSNorm(shape.dim, eps=1e-5)
        self.query = nn.Linear(shape.dim, shape.dim, bias=False)
        self.key = nn.Linear(shape.dim, kv, bias=False)
        self.value = nn.Linear(shape.dim, kv, bias=False)
        self.output = nn.Linear(shape.dim, shape.dim, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.dim, eps=1e-5)
        self.gate = nn.Linear(shape.dim, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.dim, bias=False)
        self.up = nn.Linear(shape.dim, shape.hidden, bias=False)
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        shape, (batch, length, _) = self.shape, x.shape
        normed = self.attention_norm(x)
        split = lambda y, heads: y.view(batch, length, heads, shape.head).transpose(1, 2)
        query = rotate(split(self.query(normed), shape.heads), turns)
        key = rotate(split(self.key(normed), shape.kv_heads), turns)
        value = split(self.value(normed), shape.kv_heads)
        repeat = shape.heads // shape.kv_heads
        attended = F.scaled_dot_product_attention(
            query, key.repeat_interleave(repeat, 1), value.repeat_interleave(repeat, 1), is_causal=True
        )
        x = x + self.drop(self.output(attended.transpose(1, 2).reshape(batch, length, shape.dim)))
        normed = self.ffn_norm(x)
        return x + self.drop(self.down(F.silu(self.gate(normed)) * self.up(normed)))


class Model(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.dim)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.dim, eps=1e-5)
        self.drop = nn.Dropout(shape.dropout)
        self.register_buffer("turns", rotation(shape), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("output.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / ((2 * shape.layers) ** 0.5 if last else 1))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.drop(self.embedding(ids))
        for layer in self.layers:
            x = layer(x, self.turns)
        return F.linear(self.norm(x), self.embedding.weight)
