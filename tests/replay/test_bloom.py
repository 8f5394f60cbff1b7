"""The Bloom filter's arithmetic against trial and against its own promises."""

import math

import pytest

from captcha_stateless.errors import Misconfigured
from captcha_stateless.replay.bloom import (
    BLOCK_BYTES,
    MAX_HASHES,
    Geometry,
    Placer,
    _heaviest_load,
    false_positive_rate,
    is_marked,
    mark_bits,
    moments_of,
)
from tests.chaos import size
from tests.replay.contract import KEY


@pytest.mark.parametrize("target", [1e-3, 1e-4])
def test_false_positives_meet_the_target_at_design_load(target: float) -> None:
    """Within 30% of the target; with 100 expected hits a standard deviation is a third of that margin."""
    probes = int(size(100, 1000) / target)
    geometry = Geometry.for_load(20_000, target)
    placer = Placer(KEY, geometry)
    bits = bytearray(geometry.size_bytes)
    for number in range(geometry.capacity):
        block, positions = placer.place(b"member %d" % number)
        mark_bits(bits, block * BLOCK_BYTES, positions)

    hits = 0
    for number in range(probes):
        block, positions = placer.place(b"stranger %d" % number)
        hits += is_marked(bits, block * BLOCK_BYTES, positions)

    assert 0.7 * target <= hits / probes <= 1.3 * target


def test_no_member_is_ever_fresh_again() -> None:
    geometry = Geometry.for_load(20_000, 1e-3)
    placer = Placer(KEY, geometry)
    bits = bytearray(geometry.size_bytes)
    places = [placer.place(b"member %d" % number) for number in range(geometry.capacity)]
    for block, positions in places:
        mark_bits(bits, block * BLOCK_BYTES, positions)

    assert all(is_marked(bits, block * BLOCK_BYTES, positions) for block, positions in places)


@pytest.mark.parametrize("moment", [1_800_000_000, 1_800_000_017, 1_800_000_070, 4_094])
def test_the_moment_of_a_mark_is_found_among_others(moment: int) -> None:
    """Positions go round at the end of a block, so the moments of one mark may lie at both of its ends."""
    bits = bytearray(2 * BLOCK_BYTES)
    positions = [5, 4_095, 61_003, 17, 2_048]
    mark_bits(bits, BLOCK_BYTES, positions, moment)
    moments = range(moment - 20, moment + 51)

    found = moments_of(bits, BLOCK_BYTES, positions, moments)

    assert [at for at, there in zip(moments, found, strict=True) if there] == [moment]
    assert not any(moments_of(bits, 0, positions, moments))
    assert moments_of(bits, BLOCK_BYTES, positions, range(0)) == []


@pytest.mark.parametrize("target", [1e-9, 3e-8, 1e-5, 1e-3, 0.02, 0.1])
def test_no_other_number_of_hashes_bears_more(target: float) -> None:
    """Most are not looked at closely, so each is here: geometries stay as they are, or workers would not share a filter."""
    candidates = range(1, MAX_HASHES + 1)

    found = Geometry.for_load(10**9, target)

    load, hashes = max((_heaviest_load(hashes, target), hashes) for hashes in candidates)
    assert (found.blocks, found.hashes) == (math.ceil(10**9 / load), hashes)


@pytest.mark.parametrize("target", [1e-9, 1e-6, 1e-3, 0.1])
def test_size_is_the_smallest_that_meets_the_target(target: float) -> None:
    geometry = Geometry.for_load(100_000, target)

    assert false_positive_rate(geometry.capacity / geometry.blocks, geometry.hashes) <= target
    assert false_positive_rate(geometry.capacity / (geometry.blocks * 0.98), geometry.hashes) > target


@pytest.mark.parametrize("target", [1e-9, 1e-6, 1e-4])
def test_blocks_cost_at_most_a_tenth_more_bits(target: float) -> None:
    """An unblocked filter needs log2(e) * log2(1/p) bits an attempt (Bloom, 1970)."""
    geometry = Geometry.for_load(100_000, target)

    unblocked = math.log2(math.e) * math.log2(1 / target)
    assert geometry.size_bytes * 8 / geometry.capacity <= 1.11 * unblocked


def test_one_attempt_needs_one_block() -> None:
    assert Geometry.for_load(1, 1e-9).blocks == 1


@pytest.mark.parametrize(("capacity", "rate"), [(0, 1e-9), (10, 1e-10), (10, 0.5), (10, 0.0)])
def test_impossible_size_is_refused(capacity: int, rate: float) -> None:
    with pytest.raises(Misconfigured):
        Geometry.for_load(capacity, rate)


def test_key_moves_every_bit() -> None:
    geometry = Geometry.for_load(100_000, 1e-9)

    places = {str(Placer(key, geometry).place(b"attempt")) for key in (KEY, KEY[::-1], bytes(16), b"x" * 200)}

    assert len(places) == 4
