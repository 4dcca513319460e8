import pickle

import pytest
from dask.base import tokenize

from xrbig import RBIG


def test_settings_print_compare_pickle_and_tokenize():
    settings = RBIG(rotation="ica", max_layers=7)
    assert repr(settings).startswith("RBIG(rotation='ica', max_layers=7, ")
    assert eval(repr(settings)) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert tokenize(settings) == tokenize(RBIG(rotation="ica", max_layers=7)) != tokenize(RBIG())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rotation": "varimax"}, r"rotation='varimax' is not one of .*'pca'"),
        ({"max_layers": 0}, "max_layers=0 must be an integer of at least 1"),
        ({"patience": 1.5}, r"patience=1.5 must be an integer of at least 1"),
        ({"seed": -1}, "seed=-1 must be an integer of at least 0"),
        ({"significance": 1.0}, r"significance=1.0 must lie between 0 and 1"),
    ],
)
def test_bad_settings_are_named(setting, message):
    with pytest.raises(ValueError, match=message):
        RBIG(**setting)
