"""Commands to simulated devices: what becomes of each is fixed, and the same after every restart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import DAY_MS, MINUTE_MS, SECOND_MS, FixedClock
from heliograph.errors import OutcomeUnknownError, RefusedError, UnreachableError, UnsupportedError
from heliograph.model import settings as s
from heliograph.model.commands import SWITCH, UPGRADE, Argument, Command, CommandState, Outcome, Target
from heliograph.model.devices import Device
from heliograph.simulate.faults import silence_on
from heliograph.simulate.fleet import fleet
from heliograph.simulate.steps import STEP_MS
from heliograph.simulate.switching import Switch
from heliograph.simulate.target import (
    BROKEN,
    REFUSED,
    UNHEARD,
    UNSUPPORTED,
    WRONG_VERSION,
    Memory,
    Rates,
    SimulatedTarget,
    Told,
)
from heliograph.simulate.tunable import CLOCK_OFFSET, Write

if TYPE_CHECKING:
    from heliograph.simulate.specs import SimulatedPlant

SEED = 7
NOON = 1_718_884_800_000 + 1  # 2024-06-20 12:00 UTC, a millisecond after a stamp
GOOD = Rates(fail=0.0, refuse=0.0, late=0.0, mute=0.0)
PLANTS: tuple[SimulatedPlant, ...] = tuple(fleet(SEED))
IDS = {
    plant.key: {device.key: 100 * number + place for place, device in enumerate(plant.devices, 1)}
    for number, plant in enumerate(PLANTS, 1)
}
ON, OFF = {"on": True}, {"on": False}
NEWER = {"version": "V2", "sha256": "0" * 64, "from": "V1"}


def device(plant: str, key: str, firmware: str = "V1") -> Device:
    """A simulated device as the hub knows it."""
    simulated = next(one for own in PLANTS if own.key == plant for one in own.devices if one.key == key)
    return Device(id=IDS[plant][key], plant_id=1, kind=simulated.kind, name=key, firmware=firmware)


INVERTER = device("adelaide", "inverter")


def command(number: int = 1, name: str = SWITCH, arguments: Mapping[str, Argument] = OFF) -> Command:
    """A command that is being sent."""
    return Command(
        id=number, account_id=1, device_id=1, key="k", name=name, arguments=dict(arguments),
        state=CommandState.SENT, accepted_at_ms=0, expires_at_ms=0, changed_at_ms=0,
    )  # fmt: skip


def upgrade(number: int = 1, *, before: str = "V1") -> Command:
    """A command to upgrade."""
    return command(number, UPGRADE, {**NEWER, "from": before})


@pytest.fixture
def clock() -> FixedClock:
    """The plants' clock, at noon of a day on which the devices of these tests speak."""
    return FixedClock(NOON)


def target(clock: FixedClock, rates: Rates = GOOD, memory: Memory | None = None, seed: int = SEED) -> SimulatedTarget:
    """What carries commands to the fleet."""
    return SimulatedTarget(PLANTS, IDS, clock, seed=seed, rates=rates, memory=memory)


def test_it_keeps_the_contract_and_reaches_simulated_devices_only(clock: FixedClock) -> None:
    contract: Target = target(clock)
    assert all(contract.reaches(device(plant.key, one.key)) for plant in PLANTS for one in plant.devices)
    assert not contract.reaches(msgspec.structs.replace(INVERTER, id=99))
    assert not SimulatedTarget(PLANTS, {}, clock).reaches(INVERTER)


async def test_an_inverter_obeys_a_switch_from_the_next_stamp_on(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, memory=memory)
    assert await carried.send(INVERTER, command(5)) == Outcome()
    clock.at_ms += STEP_MS
    assert await carried.send(INVERTER, command(6, arguments=ON)) == Outcome()
    told = list(memory.told.values())
    assert [(one.plant, one.heard_at_ms) for one in told] == [("adelaide", NOON), ("adelaide", NOON + STEP_MS)]
    after = NOON - 1 + STEP_MS
    assert [one.switch for one in told] == [
        Switch("inverter", after, on=False),
        Switch("inverter", after + STEP_MS, on=True),
    ]


async def test_an_upgrade_takes_minutes_and_tells_how_far_it_is(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, memory=memory)
    assert await carried.send(INVERTER, upgrade()) == Outcome(done=False, progress=0.0)
    assert memory.told[1].switch is None
    told = []
    while not (outcome := await carried.read_back(INVERTER, upgrade())) or not outcome.done:
        assert outcome is not None
        told.append(outcome.progress)
        clock.at_ms += 10 * SECOND_MS
    assert 3 * MINUTE_MS <= clock.at_ms - NOON <= 8 * MINUTE_MS + 10 * SECOND_MS
    assert told == sorted(told)
    assert (told[0], 90 < told[-1] < 100) == (0.0, True)
    assert outcome == Outcome(firmware="V2")


async def test_an_upgrade_that_breaks_off_says_so_after_some_time(clock: FixedClock) -> None:
    carried = target(clock, Rates(fail=1.0, refuse=0.0, late=0.0, mute=0.0))
    fate = carried.fate(1)
    assert fate.breaks_ms is not None
    assert 0 < fate.breaks_ms < fate.upgrade_ms
    await carried.send(INVERTER, upgrade())
    clock.at_ms += fate.breaks_ms - 1
    outcome = await carried.read_back(INVERTER, upgrade())
    assert outcome is not None
    assert not outcome.done
    clock.at_ms += 1
    with pytest.raises(RefusedError) as caught:
        await carried.read_back(INVERTER, upgrade())
    assert caught.value.code == BROKEN


async def test_a_switch_does_not_break_off(clock: FixedClock) -> None:
    assert await target(clock, Rates(fail=1.0, refuse=0.0, late=0.0, mute=0.0)).send(INVERTER, command()) == Outcome()


async def test_a_device_that_refuses_has_not_heard(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, Rates(refuse=1.0), memory)
    for ask in (carried.send, carried.read_back):
        with pytest.raises(RefusedError) as caught:
            await ask(INVERTER, command())
        assert caught.value.code == REFUSED
    assert memory.told == {}


async def test_a_late_answer_comes_when_it_is_asked_for_later(clock: FixedClock) -> None:
    carried = target(clock, Rates(fail=0.0, refuse=0.0, late=1.0, mute=0.0))
    with pytest.raises(OutcomeUnknownError):
        await carried.send(INVERTER, command())
    late_ms = carried.fate(1).late_ms
    assert 10 * SECOND_MS <= late_ms <= 2 * MINUTE_MS
    clock.at_ms += late_ms - 1
    assert await carried.read_back(INVERTER, command()) is None
    clock.at_ms += 1
    assert await carried.read_back(INVERTER, command()) == Outcome()


async def test_a_mute_device_obeys_and_never_tells(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, Rates(mute=1.0, refuse=0.0), memory)
    with pytest.raises(OutcomeUnknownError):
        await carried.send(INVERTER, command())
    clock.at_ms += 30 * DAY_MS
    while True:  # a day on which it speaks at all
        try:
            assert await carried.read_back(INVERTER, command()) is None
            break
        except UnreachableError:
            clock.at_ms += STEP_MS
    assert memory.told[1].switch == Switch("inverter", NOON - 1 + STEP_MS, on=False)


async def test_what_was_never_heard_was_not_done(clock: FixedClock) -> None:
    with pytest.raises(RefusedError) as caught:
        await target(clock).read_back(INVERTER, command())
    assert caught.value.code == UNHEARD


async def test_a_command_that_is_sent_again_is_done_once(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, memory=memory)
    await carried.send(INVERTER, upgrade())
    clock.at_ms += 8 * MINUTE_MS
    upgraded = device("adelaide", "inverter", "V2")
    assert await carried.send(upgraded, upgrade()) == Outcome(firmware="V2")
    assert memory.told[1].heard_at_ms == NOON


@pytest.mark.parametrize(
    ("plant", "key", "sent", "code"),
    [
        ("adelaide", "sensor", command(), UNSUPPORTED),
        ("adelaide", "sensor", upgrade(), UNSUPPORTED),
        ("london", "battery", command(), UNSUPPORTED),
        ("adelaide", "inverter", command(arguments={}), UNSUPPORTED),
        ("adelaide", "inverter", command(arguments={"on": 1.0}), UNSUPPORTED),
        ("adelaide", "inverter", command(name="battery.soc"), UNSUPPORTED),
        ("adelaide", "inverter", command(name=UPGRADE), UNSUPPORTED),
        ("adelaide", "inverter", upgrade(before="V0"), WRONG_VERSION),
    ],
)
async def test_a_device_refuses_what_it_cannot_do(
    clock: FixedClock, plant: str, key: str, sent: Command, code: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        await target(clock).send(device(plant, key), sent)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("plant", "key"), [("london", "hybrid"), ("london", "battery"), ("shanghai", "logger"), ("new-york", "micro-2")]
)
async def test_whatever_has_software_can_be_upgraded(clock: FixedClock, plant: str, key: str) -> None:
    sent = command(arguments={"version": "V2"}, name=UPGRADE)
    assert not (await target(clock).send(device(plant, key, ""), sent)).done


@pytest.mark.parametrize("silent", ["inverter-1", "logger"])
async def test_a_device_is_out_of_reach_while_it_or_its_gateway_is_silent(clock: FixedClock, silent: str) -> None:
    plant, own = PLANTS[0], device("shanghai", "inverter-1")
    days = range(17_000, 20_000)
    gaps = {key: [gap for day in days if (gap := silence_on(plant.site, key, day))] for key in ("inverter-1", "logger")}
    over_midnight = [gap for gap in gaps[silent] if gap[0] // DAY_MS != (gap[1] - 1) // DAY_MS]
    carried = target(clock)
    for since_ms, until_ms in [gaps[silent][0], *over_midnight]:
        for clock.at_ms in (since_ms, until_ms - 1):
            with pytest.raises(UnreachableError):
                await carried.send(own, command())
            with pytest.raises(UnreachableError):
                await carried.read_back(own, command())
    assert over_midnight
    since_ms, until_ms = gaps["inverter-1"][0]
    clock.at_ms = since_ms
    assert not (await carried.send(device("shanghai", "inverter-2"), upgrade())).done


async def test_a_clock_that_stood_still_may_be_behind_what_was_heard(clock: FixedClock) -> None:
    carried = target(clock)
    await carried.send(INVERTER, upgrade())
    clock.at_ms -= MINUTE_MS
    assert await carried.read_back(INVERTER, upgrade()) == Outcome(done=False, progress=0.0)


async def test_after_a_restart_a_read_back_tells_the_same(clock: FixedClock) -> None:
    rates = Rates(fail=0.5, refuse=0.3, late=0.5, mute=0.2)
    seen: list[list[str]] = []

    async def asked(carried: SimulatedTarget, number: int) -> str:
        try:
            return repr(await carried.read_back(INVERTER, upgrade(number)))
        except RefusedError as error:
            return error.code

    memory = Memory()
    carried = target(clock, rates, memory)
    for number in range(1, 60):
        try:
            await carried.send(INVERTER, upgrade(number))
        except (RefusedError, OutcomeUnknownError):
            continue
    for _ in range(5):
        kept = msgspec.json.decode(msgspec.json.encode(memory.told), type=dict[int, Told])
        again = Memory()
        again.told = kept
        restarted = target(clock, rates, again)
        seen.append([await asked(carried, number) for number in range(1, 60)])
        assert [await asked(restarted, number) for number in range(1, 60)] == seen[-1]
        clock.at_ms += 2 * MINUTE_MS
    assert {REFUSED, BROKEN, "None", repr(Outcome(firmware="V2"))} <= set(seen[-1])


@given(st.integers(1, 10**9), st.integers(0, 100))
def test_the_fate_of_a_command_is_that_of_its_number_and_the_seed(number: int, seed: int) -> None:
    clock = FixedClock(NOON)
    fate = target(clock, seed=seed).fate(number)
    assert fate == target(FixedClock(0), seed=seed).fate(number)
    assert 3 * MINUTE_MS <= fate.upgrade_ms <= 8 * MINUTE_MS
    assert (fate.refused, fate.mute, fate.late_ms, fate.unreachable, fate.breaks_ms) == (False, False, 0, False, None)
    worst = target(clock, Rates(fail=1.0, refuse=1.0, late=1.0, mute=1.0, unreachable=1.0), seed=seed).fate(number)
    assert (worst.refused, worst.mute, worst.upgrade_ms, worst.unreachable) == (True, True, fate.upgrade_ms, True)
    assert worst.late_ms > 0
    assert worst.breaks_ms is not None


def test_things_go_wrong_about_as_often_as_set(clock: FixedClock) -> None:
    fates = [SimulatedTarget(PLANTS, IDS, clock, seed=SEED).fate(number) for number in range(4000)]
    assert 0.035 < sum(fate.breaks_ms is not None for fate in fates) / 4000 < 0.065
    assert 0.01 < sum(fate.refused for fate in fates) / 4000 < 0.03
    assert 0.035 < sum(fate.late_ms > 0 for fate in fates) / 4000 < 0.065
    assert 0.004 < sum(fate.mute for fate in fates) / 4000 < 0.02
    assert len({fate.upgrade_ms for fate in fates}) > 3000
    assert not any(fate.unreachable for fate in fates)
    some = target(clock, Rates(unreachable=0.25))
    assert 0.22 < sum(some.fate(number).unreachable for number in range(4000)) / 4000 < 0.28


# Settings

HYBRID, SENSOR = device("london", "hybrid"), device("london", "sensor")


def writing(number: int = 1, **values: Argument) -> Command:
    """A command that writes settings by the names of their constants."""
    return command(number, s.WRITE, {getattr(s, name): value for name, value in values.items()})


async def shown(carried: SimulatedTarget, of: Device = HYBRID) -> dict[str, Argument]:
    """What a device says it is set to."""
    return {key: setting.value for key, setting in (await carried.settings(of)).items()}


async def test_what_is_written_counts_from_the_next_stamp_on_and_is_read_at_once(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, memory=memory)
    before = await shown(carried)
    assert await carried.send(HYBRID, writing(1, MIN_SOC=20.0, WORK_MODE="backup")) == Outcome()
    assert await carried.send(HYBRID, writing(2, MIN_SOC=25.0)) == Outcome()
    assert await carried.send(SENSOR, writing(3, METER_MODE="G100")) == Outcome()
    assert await carried.read_back(HYBRID, writing(2)) == Outcome()
    assert await shown(carried) == {**before, s.MIN_SOC: 25.0, s.WORK_MODE: "backup"}
    assert (await shown(carried, SENSOR))[s.METER_MODE] == "G100"
    stamp = NOON - 1 + STEP_MS
    assert [told.write for told in memory.told.values()] == [
        Write("hybrid", stamp, {s.MIN_SOC: 20.0, s.WORK_MODE: "backup"}),
        Write("hybrid", stamp, {s.MIN_SOC: 25.0}),
        Write("sensor", stamp, {s.METER_MODE: "G100"}),
    ]
    assert {told.switch for told in memory.told.values()} == {None}


async def test_a_switch_writes_no_settings(clock: FixedClock) -> None:
    memory = Memory()
    await target(clock, memory=memory).send(HYBRID, command())
    assert memory.told[1].write is None
    assert memory.values("london", "hybrid") == {}


async def test_what_was_written_before_all_that_is_remembered_is_read_too(clock: FixedClock) -> None:
    class Older(Memory):
        def before(self, plant: str, device: str) -> dict[str, Argument]:
            return {s.MIN_SOC: 30.0, s.MAX_SOC: 90.0} if (plant, device) == ("london", "hybrid") else {}

    carried = target(clock, memory=Older())
    await carried.send(HYBRID, writing(1, MAX_SOC=80.0))
    read = await shown(carried)
    assert (read[s.MIN_SOC], read[s.MAX_SOC]) == (30.0, 80.0)


async def test_a_clock_that_is_set_runs_on_from_there(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, memory=memory)
    assert (await shown(carried))[s.CLOCK] == "2024-06-20 13:00:00"
    await carried.send(HYBRID, writing(1, CLOCK="2024-06-20 14:30:00"))
    clock.at_ms += 10 * SECOND_MS
    assert (await shown(carried))[s.CLOCK] == "2024-06-20 14:30:10"
    assert memory.told[1].arguments == {CLOCK_OFFSET: 5400.0}


@pytest.mark.parametrize(
    ("of", "sent"),
    [
        (HYBRID, writing(MIN_SOC=9.0)),
        (HYBRID, writing(METER_MODE="G100")),
        (HYBRID, writing(SCHEDULE_ON=1.0)),
        (HYBRID, writing(SCHEDULE="[")),
        (SENSOR, writing(METER_DEVICES=2.0)),
        (device("london", "battery"), writing(MIN_SOC=20.0)),
        (device("adelaide", "inverter"), writing(MIN_SOC=20.0)),
    ],
)
async def test_settings_that_a_device_does_not_take_are_refused_and_not_heard(
    clock: FixedClock, of: Device, sent: Command
) -> None:
    memory = Memory()
    with pytest.raises(RefusedError) as caught:
        await target(clock, memory=memory).send(of, sent)
    assert (caught.value.code, memory.told) == (UNSUPPORTED, {})


async def test_a_device_without_settings_says_so(clock: FixedClock) -> None:
    for of in (device("london", "battery"), device("adelaide", "inverter"), device("london", "dongle")):
        with pytest.raises(UnsupportedError):
            await target(clock).settings(of)


async def test_a_silent_device_does_not_tell_its_settings(clock: FixedClock) -> None:
    site = next(plant.site for plant in PLANTS if plant.key == "london")
    gap = next(gap for day in range(19_000, 20_000) if (gap := silence_on(site, "hybrid", day)))
    clock.at_ms = gap[0]
    with pytest.raises(UnreachableError):
        await target(clock).settings(HYBRID)


async def test_what_does_not_get_to_a_device_is_not_heard_though_it_tells_its_settings(clock: FixedClock) -> None:
    memory = Memory()
    carried = target(clock, Rates(unreachable=1.0), memory)
    with pytest.raises(UnreachableError):
        await carried.send(HYBRID, writing(MIN_SOC=20.0))
    assert memory.told == {}
    assert (await shown(carried))[s.MIN_SOC] == 10.0


@pytest.mark.parametrize("rates", [Rates(late=1.0, refuse=0.0, mute=0.0), Rates(mute=1.0, refuse=0.0, late=0.0)])
async def test_what_was_heard_without_an_answer_is_set_all_the_same_and_told_at_last(
    clock: FixedClock, rates: Rates
) -> None:
    carried = target(clock, rates)
    with pytest.raises(OutcomeUnknownError):
        await carried.send(HYBRID, writing(MIN_SOC=20.0))
    assert (await shown(carried))[s.MIN_SOC] == 20.0
    assert await carried.read_back(HYBRID, writing(MIN_SOC=20.0)) is None
    clock.at_ms += 3 * MINUTE_MS
    assert await carried.read_back(HYBRID, writing(MIN_SOC=20.0)) == Outcome()
