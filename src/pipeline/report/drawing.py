"""The flow of rows, drawn: nodes as high as they have rows, and bands between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_contract.json_types import JsonMapping, JsonObject


@dataclass(frozen=True)
class DrawingLayout:
    """Sizes in units of the drawing.

    Attributes:
        columns: where the four columns begin.
        label: most characters of a name.
    """

    width: int
    columns: tuple[int, int, int, int]
    node: int
    height: int
    gap: int
    label: int


WIDE = DrawingLayout(960, (0, 250, 500, 750), 12, 170, 46, 30)
NARROW = DrawingLayout(340, (0, 86, 172, 258), 8, 150, 46, 13)
_LEAST = 3.0  # what is there is seen


def drawn(flow: Mapping[str, object], layout: DrawingLayout) -> JsonObject | None:
    """Nodes and bands, or None where it is not known how many rows came in.

    A node: x, y, height, kind, name, rows. A band: the path, and kind. rows of a node that nobody knows are None.
    """
    if flow["rows_in"] is None:
        return None
    drawing = _Drawing(flow, layout)
    return {
        "width": layout.width,
        "node": layout.node,
        "height": round(drawing.draw() + 4, 1),
        "nodes": drawing.nodes,
        "bands": drawing.bands,
    }


class _Drawing:
    def __init__(self, flow: JsonMapping, layout: DrawingLayout) -> None:
        self._flow, self._layout = flow, layout
        tables = flow["tables"]
        most = max(flow["rows_in"], sum(table["rows_curated"] or 0 for table in tables), 1)
        self._unit: float = layout.height / most
        self.nodes: list[JsonObject] = []
        self.bands: list[JsonObject] = []

    def draw(self) -> float:
        """Fill nodes and bands; returns the height that they take."""
        flow = self._flow
        source = self._node(0, 20, flow["rows_in"], "in", "rows in")
        bottoms = [self._bottom(source)]
        staged = None
        below = 20.0
        if flow["rows_staged"] is not None:
            staged = self._node(1, below, flow["rows_staged"], "staged", "staged")
            self._band(source, 0, staged, self._high(flow["rows_staged"]), self._high(flow["rows_staged"]), "staged")
            below = self._bottom(staged) + self._layout.gap
            bottoms.append(below)
        if flow["rows_rejected"]:
            rejected = self._node(1, below, flow["rows_rejected"], "rejected", "rejected")
            high = self._high(flow["rows_rejected"])
            begin = max(0.0, source["height"] - high)
            self._band(source, begin, rejected, high, high, "rejected")
            bottoms.append(self._bottom(rejected))
        y = 20.0
        for table in flow["tables"]:
            y = self._table(table, staged, y)
            bottoms.append(y - self._layout.gap)
        return max(bottoms)

    def _table(self, table: JsonMapping, staged: JsonMapping | None, y: float) -> float:
        """An output table: what Spark wrote, and what the load did with it; returns where the next one begins."""
        curated = self._node(2, y, table["rows_curated"], "curated", table["name"])
        if staged:
            self._band(staged, 0, curated, staged["height"], curated["height"], "made")
        at, used = y, 0.0
        for name, kind in (("rows_inserted", "loaded"), ("rows_updated", "updated"), ("rows_kept", "kept")):
            rows = table[name]
            if not rows and not (name == "rows_inserted" and rows == 0 and not table["rows_curated"]):
                continue
            what = {"loaded": "inserted", "updated": "updated", "kept": "newer row kept"}[kind]
            node = self._node(3, at, rows, kind, what)
            self._band(curated, used, node, node["height"], node["height"], kind)
            used += node["height"]
            at = self._bottom(node) + self._layout.gap
        return max(self._bottom(curated) + self._layout.gap, at)

    def _high(self, rows: int | None) -> float:
        return max(_LEAST, (rows or 0) * self._unit)

    def _node(self, column: int, y: float, rows: int | None, kind: str, name: str) -> JsonObject:
        most = self._layout.label
        node = {
            "x": self._layout.columns[column],
            "y": round(y, 1),
            "height": round(self._high(rows), 1),
            "kind": kind,
            "name": name if len(name) <= most else f"{name[: most - 1]}…",
            "rows": rows,
        }
        self.nodes.append(node)
        return node

    def _bottom(self, node: JsonMapping) -> float:
        return float(node["y"] + node["height"])

    def _band(self, left: JsonMapping, begin: float, right: JsonMapping, high: float, end: float, kind: str) -> None:
        """A band from a node's right edge, `begin` below its top, to the whole left edge of another."""
        x1, x2 = left["x"] + self._layout.node, right["x"]
        y1, y2 = left["y"] + begin, right["y"]
        middle = (x1 + x2) / 2
        path = (
            f"M{x1} {y1:.1f} C{middle} {y1:.1f} {middle} {y2:.1f} {x2} {y2:.1f} V{y2 + end:.1f} "
            f"C{middle} {y2 + end:.1f} {middle} {y1 + high:.1f} {x1} {y1 + high:.1f} Z"
        )
        self.bands.append({"path": path, "kind": kind})
