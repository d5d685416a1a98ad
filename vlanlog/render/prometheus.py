"""Families of figures as Prometheus' text format, which node_exporter's textfile collector reads.

Must not choose what is told.
Source: prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vlanlog.metrics import Family, Sample


def text(families: Iterable[Family]) -> str:
    """Returns the families, each with its HELP and TYPE; one without samples is left out."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.type}"
    for sample in family.samples:
        yield f"{family.name}{_labels(sample)} {_number(sample.value)}"


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    pairs = (f'{name}="{_quoted(value)}"' for name, value in sample.labels)
    return f"{{{','.join(pairs)}}}"


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    # A whole number is written as one: a float of 17 digits would end in noise.
    return str(int(value)) if value == int(value) else repr(float(value))
