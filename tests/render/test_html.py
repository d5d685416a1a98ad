"""A report as HTML: nothing of a name becomes markup, nothing is left out, nothing is fetched."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.core.making import hooked
from tests.report import sample
from tests.report.asking import reported
from tests.report.sample import WEB, ns
from tests.report.scribe import HOOK, Scribe
from vlanlog.core import event as e
from vlanlog.core.query import ChainFlaw
from vlanlog.core.state import Nic, Seq
from vlanlog.core.vlan import Vid
from vlanlog.render import html, summary
from vlanlog.render.axis import Axis, Tick
from vlanlog.render.bars import Bar, bars
from vlanlog.render.markup import Markup, breakable, element
from vlanlog.render.timeline import timeline
from vlanlog.report.values import Lane, Membership, Report, Span, Unseen

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u202e\x1b]8;;"
HOSTILE += "x" * 200
SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS


class Elements(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def named(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.found if name == tag)


@pytest.fixture(scope="module")
def text() -> str:
    """Is the sample as a page."""
    return html.page(sample.report(), utc=True)


def hostile() -> Report:
    """Returns a report in which every name is an attack."""
    scribe = Scribe(HOSTILE)
    scribe.at(ns("02T08:00"))
    scribe.booted("b")
    tap = Nic(mac="52:54:00:00:00:01", alias=HOSTILE, tap=HOSTILE, bridge=HOSTILE)
    subject = e.Subject(
        guest_uuid=WEB, guest_name=HOSTILE, mac=tap.mac, port=HOSTILE, bridge=HOSTILE, ifindex=7
    )
    scribe.wrote((subject, e.PortAttached()), (subject, e.VlanAdded(first=5, last=5)))
    actor = replace(HOOK, parent=HOSTILE, command=HOSTILE)
    scribe.wrote(hooked(WEB, HOSTILE, "start", tap), by=actor)
    scribe.wrote((e.NO_SUBJECT, e.GapOpened(reason=HOSTILE)), by=actor)
    report = reported(scribe, guest=WEB, since_ns=ns("02T06:00"), until_ns=ns("03T06:00"))
    flaw = ChainFlaw(seq=Seq(2), why=HOSTILE)
    return replace(report, hosts=tuple(replace(host, flaw=flaw) for host in report.hosts))


def test_hostile_names_become_no_markup() -> None:
    kinds = {tag for tag, _ in Elements(html.page(hostile())).found}
    usual = {tag for tag, _ in Elements(html.page(sample.report())).found}

    assert kinds - usual <= {"small"}


def test_hostile_names_become_no_attribute() -> None:
    page = Elements(html.page(hostile()))

    assert [
        attributes for _, attributes in page.found if {"onerror", "onload"} & set(attributes)
    ] == []
    assert "\u202e" not in "".join(page.words)
    assert "\x1b" not in "".join(page.words)


def test_hostile_name_is_still_told() -> None:
    assert "<script>alert(1)</script>" in "".join(Elements(html.page(hostile())).words)


def test_page_refers_to_nothing_outside(text: str) -> None:
    page = Elements(text)
    given = [a.get(name) for _, a in page.found for name in ("href", "src", "action", "data")]

    assert {link[0] for link in given if link} <= {"#", "d"}
    assert [link for link in given if link and not link.startswith(("#", "data:,"))] == []
    assert "script" not in {tag for tag, _ in page.found}
    assert re.findall(r"url\((?!#)|@import", text) == []


def test_page_forbids_whatever_it_does_not_need(text: str) -> None:
    [policy] = [a["content"] for a in Elements(text).named("meta") if "http-equiv" in a]

    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_every_link_leads_to_a_row(text: str) -> None:
    page = Elements(text)
    targets = [a["id"] for _, a in page.found if "id" in a]
    links = {(a["href"] or "")[1:] for a in page.named("a")}

    assert links <= set(targets)
    assert len(targets) == len(set(targets))


def test_every_row_is_in_the_table() -> None:
    report = sample.report()
    rows = {a.get("id") for a in Elements(html.page(report)).named("tr")} - {None}

    assert rows == {f"g1r{number}" for number in range(len(report.guests[0].rows))}


def test_every_drawing_is_described(text: str) -> None:
    drawings = [a for a in Elements(text).named("svg") if a.get("role") == "img"]
    ids = {a["id"] for tag, a in Elements(text).found if tag in ("title", "desc") and "id" in a}

    assert len(drawings) == 2
    assert {word for a in drawings for word in (a["aria-labelledby"] or "").split()} == ids


def test_gaps_are_hatched_over_every_chart(text: str) -> None:
    hatched = [
        a["class"] for a in Elements(text).named("rect") if "gap" in (a["class"] or "").split()
    ]

    assert hatched.count("gap") == 4
    assert hatched.count("gap lesser") == 4


def test_foreign_changes_are_marked_in_chart_and_tables(text: str) -> None:
    words = Elements(text).words

    assert words.count("▲1") == 3
    assert words.count("▲4") == 3


def test_broken_chain_is_said_first_and_last() -> None:
    report = sample.report()
    flaw = ChainFlaw(seq=Seq(7), why="it is not what was written")
    page = html.page(replace(report, hosts=(replace(report.hosts[0], flaw=flaw),)))

    assert '<li class="alert"><b>broken</b>hash chain</li>' in page
    assert "broken at event 7: it is not what was written" in page
    assert "and holds" not in page


def test_head_stands_in_the_page_whole(text: str) -> None:
    head = sample.log().head()

    assert f"hash  {head.hash.hex()}" in text
    assert f"head  event {head.seq}" in text


def test_summary_is_in_plain_words() -> None:
    [guest] = sample.report().guests

    assert " ".join(summary.of_guest(guest)) == (
        "web01 had 2 NICs in this period. Their VLANs changed 15 times: 4 as the port joined its "
        "bridge, 4 by hook (libvirtd), 4 foreign, 3 by root (login uid 1000). 4 changes ▲ are "
        "foreign: they were not made through vlanlog, and the kernel does not tell who made them. "
        "Not watched: 2 gaps of together 2 h 16 min, 2 h before the log. What was changed and "
        "changed back then is not told."
    )


def test_share_watched_is_never_rounded_up() -> None:
    host = replace(sample.report().hosts[0], watched_ns=999_999, unseen_ns=1)

    assert summary.watched([host]) == "99.9 %"
    assert summary.watched([replace(host, unseen_ns=0)]) == "100 %"


@pytest.mark.parametrize(
    ("since", "until", "labels"),
    [
        ("02T08:00", "02T08:04", ["2 Nov 08:00", "08:01", "08:02", "08:03", "08:04"]),
        ("02T08:10", "02T14:00", ["2 Nov 09:00", "10:00", "11:00", "12:00", "13:00", "14:00"]),
        ("02T06:00", "04T06:00", ["2 Nov 12:00", "3 Nov 00:00", "12:00", "4 Nov 00:00"]),
        ("02T06:00", "08T06:00", ["3 Nov 2026", "4 Nov", "5 Nov", "6 Nov", "7 Nov", "8 Nov"]),
    ],
)  # fmt: skip
def test_ticks_are_at_times_that_a_person_would_choose(
    since: str, until: str, labels: list[str]
) -> None:
    axis = Axis(since_ns=ns(since), until_ns=ns(until), utc=True)

    assert [tick.label for tick in axis.ticks()] == labels


def test_ticks_of_a_year_are_months() -> None:
    axis = Axis(since_ns=ns("02T06:00"), until_ns=ns("02T06:00") + 500 * 24 * HOUR_NS, utc=True)

    assert [tick.label for tick in axis.ticks()] == [
        "Jan 2027", "Apr 2027", "Jul 2027", "Oct 2027", "Jan 2028",
    ]  # fmt: skip


@pytest.fixture
def central_europe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Is the local zone, written out so that no file of zones is needed."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("central_europe")
def test_ticks_are_at_whole_hours_of_the_local_zone() -> None:
    axis = Axis(since_ns=ns("02T06:00"), until_ns=ns("04T06:00"), utc=False)

    assert [tick.label for tick in axis.ticks()] == ["2 Nov 12:00", "3 Nov 00:00", "12:00",
                                                     "4 Nov 00:00"]  # fmt: skip
    assert axis.ticks()[0].at == pytest.approx(5 / 48)


@pytest.mark.usefixtures("central_europe")
def test_ticks_reach_to_the_end_in_the_local_zone() -> None:
    axis = Axis(since_ns=ns("02T09:10"), until_ns=ns("02T12:00"), utc=False)

    assert [tick.label for tick in axis.ticks()] == [
        "2 Nov 10:30", "11:00", "11:30", "12:00", "12:30", "13:00",
    ]  # fmt: skip


@pytest.mark.usefixtures("central_europe")
def test_zone_is_named_with_both_its_times_where_they_change() -> None:
    report = sample.report()
    summer = replace(report.period, since_ns=ns("02T06:00") - 30 * 24 * HOUR_NS)

    assert "<dd>CET (UTC+01:00)</dd>" in html.page(report)
    assert "<dd>CEST (UTC+02:00), then CET (UTC+01:00)</dd>" in html.page(
        replace(report, period=summer)
    )


def test_tick_lies_where_its_time_is() -> None:
    axis = Axis(since_ns=ns("02T06:00"), until_ns=ns("04T06:00"), utc=True)

    assert axis.ticks()[0] == Tick(at=0.125, label="2 Nov 12:00")


def test_bars_too_many_to_draw_are_said_to_be() -> None:
    axis = Axis(since_ns=0, until_ns=1_000_000, utc=True)
    drawn = [
        Bar(span=Span(from_ns=n * 20, to_ns=n * 20 + 10), kind="tagged", text="t")
        for n in range(1000)
    ]
    last = Bar(span=Span(from_ns=500_000, to_ns=600_000), kind="tagged", text="t")

    classes = [a["class"] for a in Elements(bars([*drawn, last], axis)).named("rect")]

    assert classes == ["bar tagged", "bar crowded"]


def test_chart_is_cut_where_a_page_of_paper_is() -> None:
    report = sample.report()
    [guest] = report.guests
    always = Membership(span=Span(from_ns=ns("02T06:00"), to_ns=ns("04T06:00")), untagged=False)
    lanes = tuple(Lane(vids=1 << Vid(2 * n), times=(always,)) for n in range(1, 401))
    axis = Axis(since_ns=ns("02T06:00"), until_ns=ns("04T06:00"), utc=True)

    nic = replace(guest.nics[0], lanes=lanes)
    page = Elements(timeline(nic, guest, axis, name="n", link=str, hosts=False))

    heights = [int(a["height"] or 0) for a in page.named("svg") if a.get("role") == "img"]
    assert sum(a.get("class") == "bar tagged" for a in page.named("rect")) == 400
    assert max(heights) <= 650


def test_list_is_broken_behind_its_commas() -> None:
    assert breakable("1,<2") == "1,<wbr/>&lt;2"


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "<b>", Markup("<i></i>"), title='"') == (
        '<p title="&quot;">&lt;b&gt;<i></i></p>'
    )


def test_unseen_has_words_for_every_reason() -> None:
    assert {why.value for why in Unseen} == {
        "gap", "nobody watched yet", "before the log", "after the last event",
    }  # fmt: skip
