"""Figure 1 of Johnson et al. (INNF workshop, ICML 2019): two rings, the unit square, and back.

Drawn to output/rings.png.

python examples/rings.py [folder]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import xrbig

PLAIN = xrbig.RBIG(rotation="random")


def main(output: Path) -> None:
    """Fit a flow to the rings, and draw what it does."""
    rings = concentric_rings(2000, seed=0)
    flow = rings.rbig.fit()
    print(flow)
    output.mkdir(parents=True, exist_ok=True)
    draw(rings, flow, rings.rbig.fit(estimator=PLAIN)).savefig(output / "rings.png", dpi=150)
    print(f"wrote {output / 'rings.png'}")


def concentric_rings(n: int, seed: int) -> xr.Dataset:
    """Points around two circles of radius 1/2 and 1."""
    rng = np.random.default_rng(seed)
    ring = np.arange(n) % 2
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = np.where(ring, 1.0, 0.5)
    x, y = radius * np.array([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.08, (2, n))
    return xr.Dataset({"x": ("sample", x), "y": ("sample", y)}, coords={"ring": ("sample", ring)})


def draw(rings: xr.Dataset, flow: xrbig.Flow, plain: xrbig.Flow) -> plt.Figure:
    """Six panels: the data, the unit square, and their way back; new samples; what the layers take."""
    square = flow.transform(rings, base="uniform")
    rng = np.random.default_rng(1)
    uniform = xr.Dataset({name: ("sample", rng.random(2000)) for name in rings})
    panels = [
        ("(a) data", rings, rings.ring),
        ("(b) in the unit square", square, rings.ring),
        ("(c) back again", flow.inverse_transform(square, base="uniform"), rings.ring),
        ("(d) uniform samples", uniform, None),
        ("(e) as new data", flow.inverse_transform(uniform, base="uniform"), None),
    ]
    figure, axes = plt.subplots(2, 3, figsize=(10, 6.6), layout="constrained")
    for axis, (title, points, colour) in zip(axes.flat, panels, strict=False):
        look = {"color": "0.3"} if colour is None else {"c": colour, "cmap": "coolwarm"}
        axis.scatter(points.x, points.y, s=3, linewidths=0, **look)
        axis.set(title=title, aspect="equal", xlabel="x", ylabel="y")
    flow.plot(axes[1, 2]).lines[-1].set_label('"auto"')
    plain.plot(axes[1, 2]).lines[-1].set_label("random rotations")
    axes[1, 2].set(title="(f) information removed")
    axes[1, 2].legend()
    return figure


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "output"))
