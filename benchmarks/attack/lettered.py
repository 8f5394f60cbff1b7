"""A small network that reads whole lines (PyTorch on the processor): convolutions, a recurrent layer, and six glances."""

import io
import time
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pictures import LENGTH
from PIL import Image
from reading import LETTERS
from torch import nn

torch.set_num_threads(1)
_HEIGHT, _WIDTH = 40, 128
_COLUMNS = _WIDTH // 4
#: Pictures that are looked at while it learns, in all: the fewer there are, the oftener each.
SEEN = 10_000
_BATCH = 32


class Network:
    """Learns from labelled pictures, shifted a little each time; ``cpu_seconds`` is what that took."""

    def fit(self, labelled: Sequence[tuple[bytes, str]]) -> Self:
        """Learn, in some minutes of one core."""
        torch.manual_seed(1)
        before = time.process_time()
        self._layers = Layers()
        pictures = torch.from_numpy(np.stack([prepared(png) for png, _ in labelled]))[:, None]
        texts = torch.tensor([[LETTERS.index(letter) for letter in text.upper()] for _, text in labelled])
        optimiser = torch.optim.AdamW(self._layers.parameters(), weight_decay=0.02)
        epochs = SEEN // len(pictures)
        pace = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, 4e-3, total_steps=epochs * -(-len(pictures) // _BATCH)
        )
        loss = nn.CrossEntropyLoss(label_smoothing=0.05)
        self._layers.train()
        for _ in range(epochs):
            for some in torch.randperm(len(pictures)).split(_BATCH):
                down, across = torch.randint(-4, 5, (2,)).tolist()
                scores = self._layers(pictures[some].roll((down, across), (2, 3)))
                optimiser.zero_grad()
                loss(scores.flatten(0, 1), texts[some].flatten()).backward()
                optimiser.step()
                pace.step()
        self._layers.eval()
        self.cpu_seconds = time.process_time() - before
        return self

    def read(self, png: bytes) -> str:
        """Read a picture: the likeliest letter of each place."""
        with torch.inference_mode():
            best = self._layers(torch.from_numpy(prepared(png))[None, None])[0].argmax(1).tolist()
        return "".join(LETTERS[one] for one in best)


class Layers(nn.Module):
    """0.2 million weights: pictures (batch, 1, 40, 128) to scores (batch, places, letters).

    Each place of the text glances at the columns, at first where an even line would have it, and learns to look elsewhere by
    what stands there (attention; Bahdanau and others 2015). Lines are read from far fewer pictures that way than with CTC.
    """

    def __init__(self) -> None:
        """Make them."""
        super().__init__()
        self._columns = nn.Sequential(
            *_block(1, 16, (2, 2)), *_block(16, 40, (2, 2)), *_block(40, 72, (2, 1)), *_block(72, 112, (5, 1))
        )
        self._along = nn.GRU(112, 64, bidirectional=True, batch_first=True)
        self._where = nn.Linear(128, LENGTH)
        places, columns = torch.arange(LENGTH)[:, None] + 0.5, torch.arange(_COLUMNS) + 0.5
        even = -((columns / _COLUMNS - (0.1 + 0.8 * places / LENGTH)) ** 2) / (2 * 0.05**2)
        self._even = nn.Parameter(even)
        self._named = nn.Sequential(nn.Dropout(0.2), nn.Linear(112 + 128, len(LETTERS)))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Score."""
        columns = self._columns(pictures)[:, :, 0].transpose(1, 2)
        around = self._along(columns)[0]
        weights = (self._where(around).transpose(1, 2) + self._even).softmax(2)
        scores: torch.Tensor = self._named(weights @ torch.cat([columns, around], 2))
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
