import itertools

import numpy as np

from tfwm.payload.belief import BeliefPropagation


def test_a_tree_is_decoded_exactly():
    """Without circles, belief propagation gives the exact marginals: compare with all codewords."""
    checks = [np.array([0, 1, 2]), np.array([2, 3, 4, 5])]
    llr = np.random.default_rng(0).normal(0, 2, (40, 6))
    words = np.array([x for x in itertools.product((0, 1), repeat=6)])
    words = words[[not any(word[check].sum() % 2 for check in checks) for word in words]]
    likelihood = np.exp(llr @ words.T)
    expected = np.log(likelihood @ words) - np.log(likelihood @ (1 - words))
    bits, after, converged = BeliefPropagation(checks, 6).decode(llr, 50)
    assert 0 < converged.sum() < len(llr)  # decisions one by one may be no codeword
    np.testing.assert_allclose(after[~converged], expected[~converged], rtol=1e-9)
    assert not (bits[converged][:, [0, 1, 2]].sum(axis=1) % 2).any()


def test_words_side_by_side_are_decoded_as_one_by_one():
    rng = np.random.default_rng(1)
    checks = [np.sort(rng.permutation(40)[:4]) for _ in range(20)]
    checks.append(np.arange(40))
    decoder, llr = BeliefPropagation(checks, 40), rng.normal(1, 2, (9, 40))
    together = decoder.decode(llr, 30)
    for n in range(9):
        for found, alone in zip(together, decoder.decode(llr[n : n + 1], 30), strict=True):
            np.testing.assert_array_equal(found[n], alone[0])


def test_certain_bits_stay_finite():
    bits, after, converged = BeliefPropagation([np.array([0, 1])], 2).decode(
        np.array([[1e6, -1.0], [0.0, 0.0]]), 10
    )
    assert np.isfinite(after).all() and bits[0].tolist() == [1, 1] and converged.all()


def test_votes_that_are_no_numbers_are_erasures():
    decoder = BeliefPropagation([np.array([0, 1, 2])], 3)
    for llr in ([np.nan, 2.0, -2.0], [np.nan] * 3):
        found = decoder.decode(np.array([llr]), 5)
        erased = decoder.decode(np.array([np.nan_to_num(llr)]), 5)
        for one, other in zip(found, erased, strict=True):
            np.testing.assert_array_equal(one, other)
