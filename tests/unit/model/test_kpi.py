"""Every figure against the numbers that the vendor prints, and what becomes of missing inputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import BadRequestError
from heliograph.model import kpi

NAN = float("nan")
ENERGY_WH = np.array([18_330e3, 900e3])
CAPACITY_W = np.array([25_200e3, 467_040.0])
IRRADIATION = np.array([696.8, 1412.3])


def rounded(values: object, digits: int = 3) -> list[float]:
    result: list[float] = np.round(np.asarray(values, dtype=np.float64), digits).tolist()
    return result


def test_theoretical_energy_is_irradiation_times_capacity() -> None:
    theory = kpi.theory_energy_wh(IRRADIATION, CAPACITY_W)
    assert rounded(theory / 1000, 2) == [17559.36, 659.6]


def test_specific_yields_are_the_printed_hours() -> None:
    assert rounded(kpi.specific_yield_h(ENERGY_WH, CAPACITY_W)) == [0.727, 1.927]
    assert rounded(kpi.specific_yield_h(np.array([300e3, 16.43e3]), np.full(2, 30_240.0))) == [9.921, 0.543]


def test_performance_ratios_are_beyond_the_cap_that_the_vendor_shows() -> None:
    ratio = kpi.performance_ratio_percent(ENERGY_WH, kpi.theory_energy_wh(IRRADIATION, CAPACITY_W))
    assert rounded(ratio, 2) == [104.39, 136.45]
    assert kpi.capped_percent(ratio, kpi.HUAWEI_2020.pr_cap_percent).tolist() == [89.0, 89.0]
    assert kpi.capped_percent(ratio, kpi.IEC_61724.pr_cap_percent) is ratio


def test_carbon_dioxide_coal_and_trees_of_2020() -> None:
    assert rounded(kpi.co2_kg(ENERGY_WH, kpi.HUAWEI_2020) / 1000) == [18.275, 0.897]
    assert rounded(kpi.coal_kg(ENERGY_WH, kpi.HUAWEI_2020) / 1000) == [7.332, 0.36]
    assert kpi.trees(ENERGY_WH, kpi.HUAWEI_2020).tolist() == [999.0, 49.0]


def test_carbon_dioxide_and_trees_of_today() -> None:
    energy_wh = np.array([196.45e3, 58.9e3])
    assert kpi.trees(energy_wh, kpi.HUAWEI_CURRENT).tolist() == [0.127, 0.038]
    assert rounded(kpi.co2_kg(energy_wh, kpi.HUAWEI_CURRENT)) == [93.314, 27.978]


def test_half_a_tree_is_a_whole_one() -> None:
    half_wh = 0.5 * 18.3 / 0.997 * 1000
    assert kpi.trees(np.array([half_wh, half_wh * 0.999]), kpi.HUAWEI_2020).tolist() == [1.0, 0.0]


def test_communication_is_the_share_of_288_records() -> None:
    assert rounded(kpi.communication_percent(np.array([115.0, 101.0, 300.0, 0.0, NAN]), 288)) == pytest.approx(
        [39.931, 35.069, 100.0, 0.0, NAN], nan_ok=True
    )
    assert rounded(kpi.communication_percent(np.array([276.0]), np.array([276.0]))) == [100.0]


def test_production_reliability_is_the_share_of_intervals_in_daylight() -> None:
    percent = kpi.production_percent(np.array([1.0, 8.0, 0.0]), np.array([19.0, 1.0, 0.0]))
    assert rounded(percent) == pytest.approx([5.0, 88.889, NAN], nan_ok=True)


def test_the_only_inverter_deviates_from_nothing() -> None:
    assert kpi.yield_deviation_percent(np.array([[9.921, 0.543]]), 20.0).tolist() == [[0.0, 0.0]]


def test_deviation_is_from_the_mean_of_the_best_fifth_rounded_up() -> None:
    yields = np.array([[10.0, 1.0], [8.0, 3.0], [6.0, NAN], [4.0, NAN], [2.0, NAN], [NAN, NAN]])
    deviation = kpi.yield_deviation_percent(yields, 20.0)
    assert rounded(deviation[:, 0]) == pytest.approx([0.0, -20.0, -40.0, -60.0, -80.0, NAN], nan_ok=True)
    assert rounded(deviation[:2, 1]) == [-66.667, 0.0]
    # Two of six: the mark is 9.
    yields[5, 0] = 1.0
    assert rounded(kpi.yield_deviation_percent(yields, 20.0)[:2, 0]) == [11.111, -11.111]


@pytest.mark.parametrize("yields", [np.zeros((3, 2)), np.full((2, 1), NAN)])
def test_where_the_best_yield_nothing_there_is_no_deviation(yields: np.ndarray) -> None:
    assert np.isnan(kpi.yield_deviation_percent(yields, 20.0)).all()
    assert kpi.yield_deviation_percent(yields[:0], 20.0).shape == (0, yields.shape[1])


def test_irradiation_sums_five_minute_readings() -> None:
    # Thirteen readings of an hour, the first left out by the caller.
    assert kpi.irradiation_wh_per_m2(np.full(13, 600.0)[1:]) == pytest.approx(600.0)
    assert kpi.irradiation_wh_per_m2(np.array([600.0, NAN])) == pytest.approx(50.0)
    assert np.isnan(kpi.irradiation_wh_per_m2(np.array([NAN, NAN])))


def test_consumption_is_own_use_and_purchase() -> None:
    used = kpi.consumption_wh(np.array([10.0, 5.0, 1.0]), np.array([4.0, 6.0, NAN]), np.array([3.0, 2.0, 0.0]))
    assert used.tolist() == pytest.approx([9.0, 2.0, NAN], nan_ok=True)


@pytest.mark.parametrize("price", [1.872, 1.6, 2.32])
def test_revenue_is_hourly_energy_times_its_price(price: float) -> None:
    energy_wh = np.array([NAN, 8_000e3, 10_330e3])
    assert kpi.revenue(energy_wh, np.full(3, price)) == pytest.approx(18_330 * price)
    assert np.isnan(kpi.revenue(energy_wh[:1], np.ones(1)))


def test_the_printed_incomes_follow_from_the_printed_energies() -> None:
    assert kpi.revenue(np.array([16_770e3]), np.array([1.6])) == pytest.approx(26_832)
    assert kpi.revenue(np.array([900e3]), np.array([2.32])) == pytest.approx(2088)


def test_efficiency_compares_the_same_instants() -> None:
    ac_w, dc_w = np.array([21_050.0, NAN, 5.0]), np.array([21_962.0, 9e9, NAN])
    assert kpi.inverter_efficiency_percent(ac_w, dc_w) == pytest.approx(95.847, abs=1e-3)
    assert kpi.inverter_efficiency_percent(np.array([101.0]), np.array([100.0])) == 97.5
    assert np.isnan(kpi.inverter_efficiency_percent(np.array([1.0]), np.array([0.0])))


def test_the_losses_of_iec_61724_lie_between_its_yields() -> None:
    reference = kpi.reference_yield_h(np.array([5000.0]))
    array, final = kpi.specific_yield_h(np.array([45e3]), np.array([10e3])), np.array([4.2])
    assert (reference.tolist(), array.tolist()) == ([5.0], [4.5])
    assert kpi.capture_loss_h(reference, array).tolist() == pytest.approx([0.5])
    assert kpi.system_loss_h(array, final).tolist() == pytest.approx([0.3])


def test_a_hot_module_is_expected_to_give_less() -> None:
    theory_wh = np.array([1000.0, 1000.0, NAN])
    energy_wh = np.array([800.0, 800.0, 800.0])
    same = kpi.temperature_corrected_pr_percent(energy_wh, theory_wh, np.full(3, 25.0), -0.004)
    hot = kpi.temperature_corrected_pr_percent(energy_wh, theory_wh, np.full(3, 50.0), -0.004)
    assert same == pytest.approx(80.0)
    assert hot == pytest.approx(80.0 / 0.9)
    assert np.isnan(kpi.temperature_corrected_pr_percent(energy_wh, theory_wh * 0, np.full(3, 25.0), -0.004))


def test_profiles_go_by_their_names() -> None:
    assert set(kpi.PROFILES) == {"huawei-2020", "huawei-current", "iec-61724", "grid-factor"}
    for name, entry in kpi.PROFILES.items():
        assert kpi.profile(name) is entry
        assert entry.name == name


def test_a_grid_factor_brings_its_source_and_year() -> None:
    german = kpi.profile("grid-factor:0.363:UBA:2024")
    assert (german.co2_kg_per_kwh, german.source, german.year) == (0.363, "UBA", 2024)
    assert kpi.co2_kg(np.array([1e6]), german).tolist() == [363.0]
    assert (kpi.profile("grid-factor:0.4").source, kpi.profile("grid-factor:0.4").year) == ("", None)


@pytest.mark.parametrize(
    "name", ["", "huawei", "grid-factor:", "grid-factor:x", "grid-factor:0.3:UBA:this", "grid-factor:nan", "other:0.3"]
)
def test_other_names_are_no_profiles(name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        kpi.profile(name)
    assert caught.value.field == "kpi_profile"


@given(st.lists(st.one_of(st.just(NAN), st.floats(0, 1e9)), min_size=1, max_size=20))
def test_what_is_missing_stays_missing_and_is_never_zero(energies: list[float]) -> None:
    energy_wh = np.array(energies)
    missing = np.isnan(energy_wh)
    for figure in (
        kpi.co2_kg(energy_wh, kpi.HUAWEI_2020),
        kpi.coal_kg(energy_wh, kpi.HUAWEI_2020),
        kpi.trees(energy_wh, kpi.HUAWEI_2020),
        kpi.specific_yield_h(energy_wh, np.full(len(energies), 1000.0)),
        kpi.performance_ratio_percent(energy_wh, np.full(len(energies), 1000.0)),
    ):
        assert (np.isnan(figure) == missing).all()
    assert np.isnan(kpi.co2_kg(energy_wh, kpi.IEC_61724)).all()
    assert np.isnan(kpi.specific_yield_h(energy_wh, np.full(len(energies), NAN))).all()
