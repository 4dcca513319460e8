"""Some hundred random calls, each with all that must hold of it; and that the checks see what is wrong."""


import pytest

from tests import calls

CHUNK = 30


@pytest.mark.parametrize("start", range(0, 480, CHUNK))
def test_random_calls(start):
    failures = []
    for seed in range(start, start + CHUNK):
        call, wrong = calls.check(seed)
        if wrong:
            failures.append(f"seed {seed}: {calls.text_of(call)}\n  " + "\n  ".join(wrong))
    assert not failures, "\n".join(failures)
