"""Every operator of rx and reactivex: a traced pipeline keeps it, and emits the same, or refuses it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import reactivex
import reactivex.operators
import rx
import rx.operators
from hypothesis import given
from hypothesis import strategies as st

import makiserve.stream as rs
from makiserve.errors import PipelineError
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.reactive import ImmediateScheduler, Subject, compose
from tests.examples import examples
from tests.loops import loop_over

Makes = dict[str, Callable[[], Any]]


def kept_of(rx: Any) -> Makes:
    """Return an example of each operator that a traced pipeline keeps."""
    o = rx.operators
    return {
        "all": lambda: o.all(lambda i: i > 0),
        "as_observable": lambda: o.as_observable(),
        "average": lambda: o.average(),
        "contains": lambda: o.contains(4),
        "count": lambda: o.count(),
        "default_if_empty": lambda: o.default_if_empty(0),
        "dematerialize": lambda: compose(o.materialize(), o.dematerialize()),
        "distinct": lambda: o.distinct(),
        "distinct_until_changed": lambda: o.distinct_until_changed(),
        "do": lambda: o.do(OBSERVERS[rx]()),
        "do_action": lambda: o.do_action(lambda i: None),
        "element_at": lambda: o.element_at(1),
        "element_at_or_default": lambda: o.element_at_or_default(1, 0),
        "filter": lambda: o.filter(lambda i: i % 2),
        "filter_indexed": lambda: o.filter_indexed(lambda x, i: i % 2),
        "find": lambda: o.find(lambda x, i, s: x > 3),
        "find_index": lambda: o.find_index(lambda x, i, s: x > 3),
        "first": lambda: o.first(),
        "first_or_default": lambda: o.first_or_default(),
        "ignore_elements": lambda: o.ignore_elements(),
        "is_empty": lambda: o.is_empty(),
        "last": lambda: o.last(),
        "last_or_default": lambda: o.last_or_default(),
        "map": lambda: o.map(lambda i: i * 2),
        "materialize": lambda: compose(o.materialize(), o.map(str)),
        "max": lambda: o.max(),
        "max_by": lambda: o.max_by(lambda i: i),
        "min": lambda: o.min(),
        "min_by": lambda: o.min_by(lambda i: i),
        "pairwise": lambda: o.pairwise(),
        "pluck": lambda: compose(o.map(lambda i: {"a": i}), o.pluck("a")),
        "pluck_attr": lambda: o.pluck_attr("real"),
        "reduce": lambda: o.reduce(lambda a, b: a + b),
        "scan": lambda: o.scan(lambda a, b: a + b),
        "single": lambda: compose(o.take(1), o.single()),
        "single_or_default": lambda: compose(o.take(1), o.single_or_default()),
        "single_or_default_async": lambda: compose(o.take(1), o.single_or_default_async()),
        "skip": lambda: o.skip(2),
        "skip_last": lambda: o.skip_last(2),
        "skip_while": lambda: o.skip_while(lambda i: i < 4),
        "slice": lambda: o.slice(1, 4),
        "some": lambda: o.some(lambda i: i > 4),
        "starmap": lambda: compose(o.map(lambda i: (i, i)), o.starmap(lambda a, b: a + b)),
        "starmap_indexed": lambda: compose(o.map(lambda i: (i, i)), o.starmap_indexed(lambda a, b, i: a + b + i)),
        "sum": lambda: o.sum(),
        "take": lambda: o.take(2),
        "take_last": lambda: o.take_last(2),
        "take_last_buffer": lambda: o.take_last_buffer(2),
        "take_while": lambda: o.take_while(lambda i: i < 5),
        "take_while_indexed": lambda: o.take_while_indexed(lambda x, i: i < 2),
        "to_dict": lambda: o.to_dict(lambda i: i),
        "to_iterable": lambda: o.to_iterable(),
        "to_list": lambda: o.to_list(),
        "to_set": lambda: o.to_set(),
    }


def refused_of(rx: Any) -> Makes:
    """Return an example of each operator that a traced pipeline refuses."""
    o = rx.operators
    return {
        "amb": lambda: o.amb(rx.never()),
        "buffer": lambda: o.buffer(rx.never()),
        "buffer_when": lambda: o.buffer_when(lambda: rx.never()),
        "buffer_toggle": lambda: o.buffer_toggle(rx.never(), lambda i: rx.never()),
        "buffer_with_count": lambda: o.buffer_with_count(2),
        "buffer_with_time": lambda: o.buffer_with_time(1.0),
        "buffer_with_time_or_count": lambda: o.buffer_with_time_or_count(1.0, 2),
        "catch": lambda: o.catch(rx.never()),
        "combine_latest": lambda: o.combine_latest(rx.of(1)),
        "concat": lambda: o.concat(rx.of(1)),
        "debounce": lambda: o.debounce(0.1),
        "throttle_with_timeout": lambda: o.throttle_with_timeout(0.1),
        "delay_subscription": lambda: o.delay_subscription(0.1),
        "delay_with_mapper": lambda: o.delay_with_mapper(lambda i: rx.timer(0.1)),
        "delay": lambda: o.delay(0.01),
        "do_while": lambda: o.do_while(lambda i: False),
        "exclusive": lambda: compose(o.map(rx.of), o.exclusive()),
        "expand": lambda: o.expand(lambda i: rx.empty()),
        "finally_action": lambda: o.finally_action(lambda: None),
        "flat_map": lambda: o.flat_map(lambda i: rx.of(i, i)),
        "flat_map_indexed": lambda: o.flat_map_indexed(lambda x, i: rx.of(i)),
        "flat_map_latest": lambda: o.flat_map_latest(lambda x: rx.of(x)),
        "fork_join": lambda: o.fork_join(rx.of(1)),
        "group_by": lambda: o.group_by(lambda i: i % 2),
        "group_by_until": lambda: o.group_by_until(lambda i: i % 2, None, lambda g: rx.never()),
        "group_join": lambda: o.group_join(rx.never(), lambda i: rx.never(), lambda i: rx.never()),
        "join": lambda: o.join(rx.never(), lambda i: rx.never(), lambda i: rx.never()),
        "merge": lambda: o.merge(rx.never()),
        "merge_all": lambda: compose(o.map(rx.of), o.merge_all()),
        "multicast": lambda: o.multicast(Subject()),
        "observe_on": lambda: o.observe_on(ImmediateScheduler()),
        "on_error_resume_next": lambda: o.on_error_resume_next(rx.of(1)),
        "partition": lambda: o.partition(lambda i: i % 2),
        "partition_indexed": lambda: o.partition_indexed(lambda x, i: i % 2),
        "publish": lambda: o.publish(lambda s: s),
        "publish_value": lambda: o.publish_value(1, lambda s: s),
        "ref_count": lambda: compose(o.publish(), o.ref_count()),
        "repeat": lambda: o.repeat(2),
        "replay": lambda: o.replay(mapper=lambda s: s, buffer_size=2),
        "retry": lambda: o.retry(2),
        "sample": lambda: o.sample(1.0),
        "sequence_equal": lambda: o.sequence_equal([1, 2]),
        "share": lambda: o.share(),
        "skip_last_with_time": lambda: o.skip_last_with_time(0.1),
        "skip_until": lambda: o.skip_until(rx.of(1)),
        "skip_until_with_time": lambda: o.skip_until_with_time(0.1),
        "skip_with_time": lambda: o.skip_with_time(0.1),
        "start_with": lambda: o.start_with(0),
        "subscribe_on": lambda: o.subscribe_on(ImmediateScheduler()),
        "switch_latest": lambda: compose(o.map(rx.of), o.switch_latest()),
        "take_last_with_time": lambda: o.take_last_with_time(10),
        "take_until": lambda: o.take_until(rx.never()),
        "take_until_with_time": lambda: o.take_until_with_time(10),
        "take_with_time": lambda: o.take_with_time(10),
        "throttle_first": lambda: o.throttle_first(0.1),
        "throttle_with_mapper": lambda: o.throttle_with_mapper(lambda i: rx.timer(0.1)),
        "timestamp": lambda: o.timestamp(),
        "timeout": lambda: o.timeout(10),
        "timeout_with_mapper": lambda: o.timeout_with_mapper(rx.never()),
        "time_interval": lambda: o.time_interval(),
        "to_future": lambda: o.to_future(Future),  # its own would need an event loop
        "to_marbles": lambda: o.to_marbles(),
        "while_do": lambda: o.while_do(lambda s: False),
        "window": lambda: o.window(rx.never()),
        "window_when": lambda: o.window_when(lambda: rx.never()),
        "window_toggle": lambda: o.window_toggle(rx.never(), lambda i: rx.never()),
        "window_with_count": lambda: o.window_with_count(2),
        "window_with_time": lambda: o.window_with_time(1.0),
        "window_with_time_or_count": lambda: o.window_with_time_or_count(1.0, 2),
        "with_latest_from": lambda: o.with_latest_from(rx.of(1)),
        "zip": lambda: o.zip(rx.of(1, 2, 3)),
        "map_indexed": lambda: o.map_indexed(lambda x, i: x * i),
        "skip_while_indexed": lambda: o.skip_while_indexed(lambda x, i: i < 2),
        "zip_with_iterable": lambda: o.zip_with_iterable([1, 2, 3]),
        "zip_with_list": lambda: o.zip_with_list([1, 2, 3]),
    }


OBSERVERS = {rx: rx.core.Observer, reactivex: reactivex.Observer}
KEPT = {library: kept_of(library) for library in OBSERVERS}
REFUSED = {library: refused_of(library) for library in OBSERVERS}
REFUSED[reactivex] |= {
    "concat_map": lambda: reactivex.operators.concat_map(lambda i: reactivex.of(i, i)),
    "switch_map": lambda: reactivex.operators.switch_map(lambda i: reactivex.of(i)),
    "switch_map_indexed": lambda: reactivex.operators.switch_map_indexed(lambda x, i: reactivex.of(i)),
}

libraries = pytest.mark.parametrize("library", OBSERVERS, ids=lambda library: library.__name__)


def named(makes: dict[Any, Makes]) -> list[tuple[Any, str]]:
    """Return each library with the name of each of its operators."""
    return [(library, name) for library in makes for name in makes[library]]


def str_of(value: Any) -> str:
    return value if isinstance(value, str) else value.__name__


each_kept = pytest.mark.parametrize(("library", "name"), named(KEPT), ids=str_of)


def notifications(stream: Any, source: Any, items: list[int]) -> list[Any]:
    notified: list[Any] = []
    stream.subscribe(notified.append, lambda error: notified.append(type(error)), lambda: notified.append("|"))
    for item in items:
        source.on_next(item)
    source.on_completed()
    return notified


@libraries
def test_every_operator_is_listed(library: Any) -> None:
    named = {name: value for name, value in vars(library.operators).items() if not name.startswith("_")}
    public = {name for name, value in named.items() if inspect.isfunction(value)}
    public = {name for name in public if named[name].__module__ == library.operators.__name__}
    assert public == KEPT[library].keys() | REFUSED[library].keys()
    assert not KEPT[library].keys() & REFUSED[library].keys()


@pytest.mark.slow
@examples(25)
@given(items=st.lists(st.integers(0, 9), min_size=1, max_size=8))
@each_kept
def test_supported_rx_operator_emits_the_same_as_in_rx(library: Any, name: str, items: list[int]) -> None:
    make, source = KEPT[library][name], library.subject.Subject()
    expected = notifications(source.pipe(make()), source, items)
    source = library.subject.Subject()
    assert notifications(source.pipe(rs.state.with_memory_store(make())), source, items) == expected
    program = Program(trace(rs.ops.group_by(lambda i: 0, make())))
    state = program.new_state()
    fed = program.feed(items, state)
    if not any(isinstance(notified, type) for notified in expected):
        assert not fed.failures
        assert [*fed.outputs, *program.complete(state), "|"] == expected


@pytest.mark.slow
@examples(25)
@given(items=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=12))
@each_kept
def test_supported_rx_operator_has_separate_state_in_each_lane(
    library: Any, name: str, items: list[tuple[int, int]]
) -> None:
    program = Program(trace(KEPT[library][name]()))
    lanes = [program.new_state(), program.new_state()]
    outputs_by_lane: list[list[Any]] = [[], []]
    for number, item in items:
        outputs_by_lane[number] += program.feed([item], lanes[number]).outputs
    for number, outputs in enumerate(outputs_by_lane):
        alone = Program(trace(KEPT[library][name]()))
        assert outputs == alone.feed([item for lane, item in items if lane == number], alone.new_state()).outputs


@loop_over(("library", "name"), named(KEPT))
def test_supported_rx_operator_works_inside_rxs_trampoline(library: Any, name: str) -> None:
    """In rx's trampoline, where what a subscription schedules waits for its turn."""
    notified: dict[str, list[Any]] = {"rx": [], "traced": []}
    for place, wrap in (("rx", lambda make: make()), ("traced", lambda make: rs.state.with_memory_store(make()))):
        stream = library.from_([3, 1, 4, 1, 5, 9]).pipe(wrap(KEPT[library][name]))
        stream.subscribe(notified[place].append, lambda error, log=notified[place]: log.append(type(error)))
    assert notified["traced"] == notified["rx"]


@loop_over(("library", "name"), named(REFUSED))
def test_unsupported_rx_operator_is_refused_when_traced(library: Any, name: str) -> None:
    for trace_it in (trace, rs.state.with_memory_store, lambda inner: rs.ops.group_by(lambda i: i, inner)):
        with pytest.raises(PipelineError) as error:
            trace_it(REFUSED[library][name]())
    if name not in ("multicast", "partition", "partition_indexed", "to_future"):  # no Observable, or one of several
        assert f"{library.__name__}.operators." in str(error.value)
        assert "\nUse " in str(error.value)
        assert "Use an operator of makiserve.stream" not in str(error.value)


@libraries
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("start_with", r"start_with[\s\S]*rs\.ops\.start_with"),
        ("delay", r"operators\.delay [\s\S]*roll_time"),
        ("debounce", r"debounce[\s\S]*roll_time"),
        ("flat_map", r"flat_map[\s\S]*rs\.ops\.flat_map"),
        ("zip", r"zip[\s\S]*tee_map"),
        ("map_indexed", r"map_indexed[\s\S]*shares state between lanes[\s\S]*rs\.ops\.count"),
        ("combine_latest", r"combine_latest[\s\S]*tee_map"),
        ("retry", r"retry[\s\S]*rs\.error\.map"),
        ("group_by", r"group_by [\s\S]*rs\.ops\.group_by"),
    ],
)
def test_a_refusal_names_the_operator_and_what_to_use(library: Any, name: str, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        trace(REFUSED[library][name]())


@libraries
def test_an_operator_may_follow_one_that_emits_in_two_places(library: Any) -> None:
    program = Program(trace(compose(rs.ops.start_with([7]), library.operators.map(lambda i: i * 2))))
    assert program.feed([1, 2], program.new_state()).outputs == [14, 2, 4]
