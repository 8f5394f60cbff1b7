"""A small network that reads whole lines (PyTorch on the processor): convolutions, a recurrent layer, and CTC."""

import io
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from reading import LETTERS
from torch import nn

torch.set_num_threads(1)
_HEIGHT, _WIDTH = 40, 128
#: Pictures that are looked at while it learns, in all: the fewer there are, the oftener each.
_SEEN = 15_000


class Network:
    """Learns from labelled pictures (Graves and others 2006), shifted a little each time."""

    def fit(self, labelled: Sequence[tuple[bytes, str]]) -> Self:
        """Learn, in some minutes of one core."""
        torch.manual_seed(1)
        self._layers = Layers()
        pictures = torch.from_numpy(np.stack([prepared(png) for png, _ in labelled]))[:, None]
        texts = torch.tensor([[LETTERS.index(letter) + 1 for letter in text.upper()] for _, text in labelled])
        optimiser = torch.optim.AdamW(self._layers.parameters(), weight_decay=0.02)
        batch, epochs = 32, _SEEN // len(pictures)
        pace = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, 3e-3, total_steps=epochs * -(-len(pictures) // batch)
        )
        loss = nn.CTCLoss(zero_infinity=True)
        self._layers.train()
        for _ in range(epochs):
            for some in torch.randperm(len(pictures)).split(batch):
                down, across = torch.randint(-3, 4, (2,)).tolist()
                scores = self._layers(pictures[some].roll((down, across), (2, 3)))
                lengths = torch.full((len(some),), len(scores))
                optimiser.zero_grad()
                loss(scores, texts[some], lengths, torch.full((len(some),), texts.shape[1])).backward()
                optimiser.step()
                pace.step()
        self._layers.eval()
        return self

    def read(self, png: bytes) -> str:
        """Read a picture: the likeliest letter in each column, repeats once, blanks left out."""
        with torch.inference_mode():
            best = self._layers(torch.from_numpy(prepared(png))[None, None])[:, 0].argmax(1).tolist()
        kept = [one for number, one in enumerate(best) if one and (number == 0 or best[number - 1] != one)]
        return "".join(LETTERS[one - 1] for one in kept)


class Layers(nn.Module):
    """0.4 million weights: pictures (batch, 1, 40, 128) to log-probabilities (32, batch, letters + 1)."""

    def __init__(self) -> None:
        """Make them."""
        super().__init__()
        self._columns = nn.Sequential(
            *_block(1, 24, (2, 2)), *_block(24, 48, (2, 2)), *_block(48, 96, (2, 1)), *_block(96, 128, (5, 1))
        )
        self._along = nn.GRU(128, 96, bidirectional=True)
        self._named = nn.Sequential(nn.Dropout(0.2), nn.Linear(192, len(LETTERS) + 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Score."""
        columns = self._columns(pictures)[:, :, 0].permute(2, 0, 1)
        scores: torch.Tensor = self._named(self._along(columns)[0]).log_softmax(2)
        return scores


def _block(above: int, below: int, pool: tuple[int, int]) -> list[nn.Module]:
    convolution = nn.Conv2d(above, below, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(below), nn.ReLU(), nn.MaxPool2d(pool)]


def prepared(png: bytes) -> NDArray[np.float32]:
    """Bring a picture to one size, ink 1 on ground 0."""
    small = Image.open(io.BytesIO(png)).convert("L").resize((_WIDTH, _HEIGHT), Image.Resampling.BOX)
    grey = np.asarray(small, np.float32)
    ink = np.abs(grey - np.median(grey))
    return (ink / max(1.0, float(ink.max()))).astype(np.float32)
