"""A report as one HTML file for an auditor: it opens offline, prints, and needs no scripts.

Must not refer to anything outside the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from vlanlog.render import html_tables, summary
from vlanlog.render.axis import Axis
from vlanlog.render.bars import key, patterns
from vlanlog.render.markup import Markup, element, joined, lines_of
from vlanlog.render.timeline import timeline
from vlanlog.render.words import archived, count, lasting, when
from vlanlog.report.values import GuestStory, HostCover, NicStory, Report

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_STYLE = Path(__file__).with_name("report.css")


def page(report: Report, *, utc: bool = False) -> str:
    """Returns the whole file, its times in the local zone or UTC."""
    hosts = len(report.hosts) > 1
    body = [
        patterns(),
        _header(report, utc=utc),
        _summary(report),
        *(
            _guest(report, guest, number, utc=utc, hosts=hosts)
            for number, guest in enumerate(report.guests, start=1)
        ),
        _coverage(report, utc=utc),
        _trust(report, utc=utc),
        element(
            "footer", f"Made by vlanlog {report.making.version}. This file needs nothing else."
        ),
    ]
    whole = element("html", _head(report), element("body", lines_of(body)), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n"


def _head(report: Report) -> Markup:
    # The style sheet is the only text that is no name: it is not escaped, or > would break it.
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return lines_of(
        [
            Markup("<head>"),
            element("meta", charset="utf-8"),
            element("meta", attributes={"http-equiv": "Content-Security-Policy"}, content_=_POLICY),
            element("meta", name_="viewport", content_="width=device-width, initial-scale=1"),
            element("meta", name_="generator", content_=f"vlanlog {report.making.version}"),
            element("link", rel="icon", href="data:,"),
            element("title", f"VLANs of {summary.title(report)}"),
            element("style", style),
            Markup("</head>"),
        ]
    )


def _header(report: Report, *, utc: bool) -> Markup:
    facts = {
        "Period": summary.period(report, utc=utc),
        "Times in": _zone(report, utc=utc),
        "Recorded on": ", ".join(host.host for host in report.hosts),
        "Made": f"{when(report.making.at_ns, utc=utc)} by vlanlog {report.making.version}",
    }
    pairs = [
        piece
        for name, text in facts.items()
        for piece in (element("dt", name), element("dd", text))
    ]
    return element(
        "header",
        element("p", "VLAN audit report", class_="kicker"),
        element("h1", summary.title(report)),
        element("dl", *pairs, class_="facts"),
    )


def _zone(report: Report, *, utc: bool) -> str:
    """Returns the zone's name; the two of them where summer time begins or ends between."""
    if utc:
        return "UTC"
    ends = (report.period.since_ns, report.period.until_ns)
    moments = [datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).astimezone() for at_ns in ends]
    names = dict.fromkeys(f"{moment:%Z} (UTC{moment.isoformat()[-6:]})" for moment in moments)
    return ", then ".join(names)


def _summary(report: Report) -> Markup:
    nics = sum(len(guest.nics) for guest in report.guests)
    changed = sum(1 for guest in report.guests for _ in summary.changes(guest.rows))
    foreign = sum(1 for guest in report.guests for row in guest.rows if row.foreign)
    flaws = [host for host in report.hosts if host.flaw is not None]
    watched = summary.watched(report.hosts)
    tiles = [
        _tile(str(nics), "NIC" if nics == 1 else "NICs"),
        _tile(str(changed), "VLAN change" if changed == 1 else "VLAN changes"),
        _tile(f"{'▲ ' if foreign else ''}{foreign}",
              "foreign change" if foreign == 1 else "foreign changes",
              "alert" if foreign else ""),
        _tile(watched, "of the time watched", "good" if watched == "100 %" else "warn"),
        _tile("broken" if flaws else "intact", "hash chain", "alert" if flaws else "good"),
    ]  # fmt: skip
    sentences = [element("p", " ".join(summary.of_guest(guest))) for guest in report.guests[:20]]
    return element("section", element("ul", *tiles, class_="tiles"), *sentences, key())


def _tile(figure: str, words: str, kind: str = "") -> Markup:
    return element("li", element("b", figure), words, class_=kind)


def _guest(report: Report, guest: GuestStory, number: int, *, utc: bool, hosts: bool) -> Markup:
    def link(row: int) -> str:
        return f"g{number}r{row}"

    axis = Axis(since_ns=report.period.since_ns, until_ns=report.period.until_ns, utc=utc)
    nics = [
        joined(
            [
                element("h3", *_nic_title(nic)),
                timeline(nic, guest, axis, name=f"g{number}n{place}", link=link, hosts=hosts),
                html_tables.memberships(nic, guest, report.period, utc=utc, link=link),
            ]
        )
        for place, nic in enumerate(guest.nics, start=1)
    ]
    title = element("h2", guest.name, " ", element("span", guest.uuid, class_="uuid"))
    story = html_tables.events(guest, utc=utc, link=link, hosts=hosts)
    return element("section", title, *nics, element("h3", "Everything that was recorded"), story)


def _nic_title(nic: NicStory) -> Iterator[str | Markup]:
    yield f"NIC {nic.alias}" if nic.alias else "NIC"
    yield " "
    yield element("code", nic.mac)


def _coverage(report: Report, *, utc: bool) -> Markup:
    parts: list[Markup] = []
    for host in report.hosts:
        parts.append(
            element(
                "p",
                element("b", host.host),
                f": watched for {lasting(host.watched_ns)}, "
                f"not watched for {lasting(host.unseen_ns)}. {_begins(host, utc=utc)}",
            )
        )
    unseen = sorted(
        (item for host in report.hosts for item in host.unseen), key=lambda item: item.from_ns
    )
    if unseen:
        parts.append(html_tables.stretches(unseen, utc=utc, hosts=len(report.hosts) > 1))
        parts.append(
            element(
                "p",
                "In such a time a change may have been made and undone without a trace. What "
                "differed at its end was found by a re-read of the kernel and stands in the "
                "tables, without when and by whom.",
            )
        )
    return element("section", element("h2", "What the record covers"), *parts)


def _begins(host: HostCover, *, utc: bool) -> str:
    if host.first_ns is None:
        return "The log is empty."
    if host.archived is not None:
        told = archived(host.archived, utc=utc)
        return f"{told[0].upper()}{told[1:]}."
    return f"The log begins {when(host.first_ns, utc=utc)}."


def _trust(report: Report, *, utc: bool) -> Markup:
    parts: list[Markup] = []
    for host in report.hosts:
        kind = "alert" if host.flaw is not None else "good"
        parts.append(element("p", summary.trust(host), class_=f"verdict {kind}"))
        if host.head is not None:
            parts.append(
                element(
                    "pre",
                    f"host  {host.host}", Markup("\n"),
                    f"head  event {host.head.seq}, {when(host.head.at_ns, utc=utc)}", Markup("\n"),
                    f"hash  {host.head.hash.hex()}",
                )
            )  # fmt: skip
    parts.append(
        element(
            "p",
            "Each event's hash is SHA-256 over the event and the hash before it, so that the head "
            "stands for the whole log. To check this report: run ",
            element("code", "vlanlog verify"),
            " on the same database; the event above must still have the same hash there. A log "
            "that was cut off or made anew as a whole differs from a head that was kept elsewhere, "
            "such as this one.",
        )
    )
    heading = "Can this be trusted?" if len(report.hosts) == 1 else (
        f"Can this be trusted? {count(len(report.hosts), 'host')}"
    )  # fmt: skip
    return element("section", element("h2", heading), *parts, class_="whole")
