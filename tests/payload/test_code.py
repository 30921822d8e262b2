import numpy as np
import pytest

from tfwm.payload.code import Code


def word(code, seed=0):
    return np.random.default_rng(seed).integers(0, 2, code.information_bits, np.uint8)


@pytest.mark.parametrize(
    ("bits", "length"), [(100, 768), (35, 46), (76, 100), (550, 768), (100, 1500)]
)
def test_codewords_satisfy_all_checks_and_are_read_back(bits, length):
    code = Code(bits, length)
    codeword = code.encode(word(code))
    assert codeword.shape == (length,)
    if length <= 1024:
        assert np.array_equal(codeword[:bits], word(code))
        assert not any(codeword[check].sum() & 1 for check in code._checks)
    read, llr, converged = code.decode(8.0 * codeword - 4)
    assert converged and np.array_equal(read, word(code))
    assert np.array_equal(llr > 0, read == 1)


def test_code_is_linear_and_every_bit_counts():
    code = Code(100, 768)
    first, second = word(code, 1), word(code, 2)
    assert np.array_equal(code.encode(first ^ second), code.encode(first) ^ code.encode(second))
    weights = [code.encode(row).sum() for row in np.eye(100, dtype=np.uint8)]
    assert min(weights) > 60


def test_code_is_fixed_for_ever():
    code = Code(100, 768)
    assert np.packbits(code.encode(np.arange(100) % 3 == 0)).tobytes().hex() == (
        "92492492492492492492492490f0337e934183747b8df476a414614edcd1883d53c17a2b37922405"
        "b841e8360590c50aa6cd3da04c620d7f96b2e82aa5dbf99518a71a1d6e7d4e89b3371df25317373f"
        "9b488dd38b8dc2e64172fe9140c756cf"
    )


def test_erasures_are_filled_in():
    code = Code(100, 768)
    llr = 8.0 * code.encode(word(code)) - 4
    llr[np.random.default_rng(0).permutation(768)[:550]] = 0
    read, _, converged = code.decode(llr)
    assert converged and np.array_equal(read, word(code))


def test_few_iterations_give_up_early():
    code = Code(100, 768)
    votes = 0.6 * (2.0 * code.encode(word(code)) - 1)
    votes += np.random.default_rng(3).standard_normal(768)
    assert not code.decode(1.2 * votes, iterations=1)[2]
    assert code.decode(1.2 * votes)[2]


def test_guesses_read_what_one_try_does_not():
    code = Code(100, 768)
    rng = np.random.default_rng(1)
    amplitude, plain, guessed = 0.52, 0, 0
    for seed in range(15):
        sent = word(code, seed)
        votes = amplitude * (2.0 * code.encode(sent) - 1) + rng.standard_normal(768)
        llr = 2 * amplitude * votes
        read, after, _ = code.decode(llr)
        right = np.array_equal(read, sent)
        plain += right
        guessed += right or any(np.array_equal(g[0], sent) for g in code.guesses(llr, after))
    assert 2 <= plain < guessed
