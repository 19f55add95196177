"""What can be asked of a battery, for Hypothesis: settings, what surrounds it, and stamps."""

from __future__ import annotations

from hypothesis import strategies as st

from heliograph.model import settings as s
from heliograph.model.settings import DAY_MIN, Segment, Value, Window, WorkMode
from heliograph.simulate.control import Interval, Limits, Order
from heliograph.simulate.specs import Battery
from heliograph.simulate.steps import step_mwh
from heliograph.simulate.tunable import G100, METER_MODES, MODES

OWN = Battery(10_000, 3_600, 3_000, charge_permille=960, discharge_permille=950, deadband_w=20)
RATED = step_mwh(5_000)
FULL = OWN.capacity_wh * 1000
MINUTES = st.integers(0, DAY_MIN - 1)
PERCENT = st.integers(10, 100).map(float)
WINDOWS = st.builds(Window, enabled=st.booleans(), since_min=MINUTES, until_min=MINUTES)
POWERS = st.sampled_from([0.0, 500.0, 2_000.0, 9_000.0])
SEGMENT = st.builds(
    Segment, window=WINDOWS, mode=st.sampled_from(WorkMode), min_soc_on_grid=PERCENT, discharge_soc=PERCENT,
    power_w=POWERS, max_soc=st.none() | PERCENT,
)  # fmt: skip
LIMITS_W = st.sampled_from([0.0, 300.0, 1_500.0, 30_000.0])


@st.composite
def schedules(draw: st.DrawFn) -> list[Segment]:
    """Segments that do not overlap."""
    kept: list[Segment] = []
    for segment in draw(st.lists(SEGMENT, max_size=5)):
        if s.overlapping([*kept, segment]) is None:
            kept.append(segment)
    return kept


HYBRID = st.fixed_dictionaries(
    {},
    optional={
        s.WORK_MODE: st.sampled_from(MODES),
        s.MIN_SOC: PERCENT,
        s.MIN_SOC_ON_GRID: PERCENT,
        s.MAX_SOC: PERCENT,
        s.PEAK_SOC: PERCENT,
        s.EXPORT_LIMIT: LIMITS_W,
        s.IMPORT_LIMIT: LIMITS_W,
        s.CHARGE_WINDOWS: st.lists(WINDOWS, min_size=2, max_size=2).map(s.windows_text),
        s.SCHEDULE_ON: st.booleans(),
        s.SCHEDULE: schedules().map(s.segments_text),
        s.CLOCK: st.sampled_from(["2024-06-21 03:00:30", "2024-06-19 23:59:59", "2050-01-01 12:00:00"]),
    },
)
"""Values that a hybrid inverter takes."""
METER = st.fixed_dictionaries({s.METER_MODE: st.sampled_from(METER_MODES), s.METER_FEED_IN: LIMITS_W})
"""Values that a meter takes."""
ANY_VALUES: st.SearchStrategy[tuple[str, dict[str, Value]]] = st.one_of(
    st.tuples(st.just("hybrid"), HYBRID), st.tuples(st.just("sensor"), METER)
)
STRICT: dict[str, Value] = {s.METER_MODE: G100, s.METER_FEED_IN: 500.0}


@st.composite
def _intervals(draw: st.DrawFn) -> Interval:
    """What surrounds a battery; one in some is that of an inverter that stands still."""
    if draw(st.integers(0, 9)) == 0:
        return Interval(draw(st.integers(0, 500_000)), 0, draw(st.integers(0, 900_000)), 0, 0)
    own = draw(st.integers(0, RATED))
    others = draw(st.sampled_from([0, 0, 50_000, 400_000]))
    return Interval(own + others, own, draw(st.integers(0, 900_000)), RATED - own, RATED)


INTERVALS = _intervals()
ORDERS = st.builds(
    Order, mode=st.sampled_from(WorkMode), floor_permille=st.integers(100, 1000),
    ceiling_permille=st.integers(100, 1000), power_w=POWERS,
)  # fmt: skip
LIMITS = st.builds(
    Limits, most_export=LIMITS_W.map(step_mwh), most_import=LIMITS_W.map(step_mwh), peak_permille=st.integers(100, 1000)
)
STORED = st.integers(0, FULL)
