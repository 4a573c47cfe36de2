"""OPS: recurrent networks."""

from __future__ import annotations

from typing import Any

from ops_cases import Given, Row, normal

F, H, B, T = 3, 2, 2, 3  # a first, a middle and a last step: numerical second derivatives are slow
INTEGERS = "int64 int32 uint8 bool"  # with which PyTorch's plain cells compute, too


def weights(gates: int, inputs: int, biases: bool = True, projected: int = 0) -> list[Given]:
    """One layer's parameters, in PyTorch's order."""
    out = projected or H
    found = [normal(gates * H, inputs), normal(gates * H, out)]
    found += [normal(gates * H), normal(gates * H)] if biases else []
    return found + ([normal(projected, H)] if projected else [])


def _networks() -> list[Row]:
    rows = []
    for name, gates in (("rnn_tanh", 1), ("rnn_relu", 1), ("gru", 3)):

        def one(m: Any, x: Any, h: Any, *w: Any, name: str = name) -> Any:
            return getattr(m, name)(x, h, w, len(w) == 4, 1, 0.0, False, False, False)

        def two(m: Any, x: Any, h: Any, *w: Any, name: str = name) -> Any:
            return getattr(m, name)(x, h, w, False, 2, 0.0, True, True, True)

        small = [*weights(gates, F, False), *weights(gates, F, False)]
        deep = [*weights(gates, 2 * H, False), *weights(gates, 2 * H, False)]
        rows += [
            Row(name, one, (normal(T, B, F), normal(1, B, H), *weights(gates, F)), unlike_torch=INTEGERS),
            Row(name, two, (normal(B, 2, F), normal(4, B, H), *small, *deep), unlike_torch=INTEGERS),
        ]
    return rows


def _lstm() -> list[Row]:
    def one(m: Any, x: Any, h: Any, c: Any, *w: Any) -> Any:
        return m.lstm(x, (h, c), w, len(w) > 3, 1, 0.0, False, False, False)

    def both(m: Any, x: Any, h: Any, c: Any, *w: Any) -> Any:
        return m.lstm(x, (h, c), w, True, 1, 0.0, False, True, True)

    return [
        Row("lstm", one, (normal(T, B, F), normal(1, B, H), normal(1, B, H), *weights(4, F))),
        Row("lstm", one, (normal(2, B, F), normal(1, B, 1), normal(1, B, H), *weights(4, F, False, 1))),
        Row("lstm", both, (normal(B, 2, F), normal(2, B, H), normal(2, B, H), *weights(4, F), *weights(4, F))),
    ]


def _cells() -> list[Row]:
    rows = [
        Row(
            "lstm_cell",
            lambda m, x, h, c, *w: m.lstm_cell(x, (h, c), *w),
            (normal(B, F), normal(B, H), normal(B, H), *weights(4, F, biases)),
        )
        for biases in (True, False)
    ]
    for name, gates in (("gru_cell", 3), ("rnn_tanh_cell", 1), ("rnn_relu_cell", 1)):
        rows.append(
            Row(
                name,
                lambda m, *given, n=name: getattr(m, n)(*given),
                (normal(B, F), normal(B, H), *weights(gates, F)),
                unlike_torch=INTEGERS,
            )
        )
    return rows


ROWS = [*_networks(), *_lstm(), *_cells()]
