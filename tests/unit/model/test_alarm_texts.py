"""What alarms say: complete, in order, and in the language asked for."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib import resources

import pytest

from heliograph.model.alarm_texts import DEVICE_FAULT, LANGUAGES, WATCHED, AlarmKind, Texts, kinds, numbered, texts
from heliograph.model.alarms import Alarm, AlarmType, Severity
from heliograph.model.devices import DeviceKind
from heliograph.simulate.faults import faults_of

KNOWN = sorted(kinds(), key=int)
REPORTED = [code for code in KNOWN if code not in WATCHED]
PUBLISHED = (
    *range(2001, 2003), *range(2011, 2014), 2021, *range(2031, 2041), 2051, *range(2061, 2069), 2070, 2071, 2072,
    2075, 2077, 2080, 2081, *range(2085, 2089), 61440,
)  # fmt: skip
HAN, KANA = re.compile("[\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]")


def alarm(code: str, name: str = "", cause: str = "", advice: str = "", *, watched: bool = False) -> Alarm:
    """An alarm of a code."""
    return Alarm(device_id=1, code=code, raised_at_ms=0, watched=watched, name=name, cause=cause, advice=advice)


def of(code: str) -> AlarmKind:
    """What is known of a code."""
    return kinds()[code]


def steps(text: Texts) -> list[str]:
    """The numbers before the steps of the advice."""
    return [line.split(" ", 1)[0] for line in text.advice.split("\n")]


def test_the_file_is_in_order_and_written_one_way() -> None:
    raw = resources.files("heliograph.model").joinpath("alarm_texts.json").read_text("utf-8")
    content: dict[str, object] = json.loads(raw)
    assert list(content) == sorted(content, key=int)
    assert raw == json.dumps(content, ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize("code", WATCHED)
def test_what_the_hub_finds_is_there_in_every_language(code: str) -> None:
    assert tuple(of(code).texts) == LANGUAGES


@pytest.mark.parametrize("code", REPORTED)
def test_what_devices_send_is_there_in_english_and_chinese(code: str) -> None:
    assert tuple(of(code).texts) == LANGUAGES[:2]


def test_published_numbers_and_those_of_the_simulation_are_known() -> None:
    assert {str(number) for number in PUBLISHED} <= set(KNOWN)
    assert {fault.code for kind in DeviceKind for fault in faults_of(kind)} <= set(KNOWN)


@pytest.mark.parametrize("code", KNOWN)
def test_nothing_is_empty_and_advice_is_numbered_alike(code: str) -> None:
    found = of(code).texts
    count = len(steps(found["en"]))
    for language, text in found.items():
        assert text.name, language
        assert text.name == text.name.strip()
        assert text.cause.endswith((".", "。")), language
        assert all(line.endswith((".", "。")) for line in text.advice.split("\n")), language
        assert steps(text) == [f"{number}." for number in range(1, count + 1)], language
        assert all(len(line) > 5 for line in text.advice.split("\n")), language
    assert count >= 2


@pytest.mark.parametrize("code", KNOWN)
def test_every_language_has_words_of_its_own(code: str) -> None:
    found = of(code).texts
    for part in ("name", "cause", "advice"):
        words = Counter(getattr(text, part) for text in found.values())
        assert words.most_common(1)[0][1] == 1, (code, part)
    for language, text in found.items():
        whole = f"{text.name}{text.cause}{text.advice}"
        assert bool(HAN.search(whole)) == (language in ("zh", "ja")), language
        assert bool(KANA.search(whole)) == (language == "ja"), language


def test_no_two_codes_have_the_same_name() -> None:
    for language in LANGUAGES:
        names = [kind.texts[language].name for kind in kinds().values() if language in kind.texts]
        assert len(names) == len(set(names)), language


def test_severities_and_types_are_spread_as_their_reasons_are() -> None:
    assert of("65534").severity is Severity.MAJOR
    assert (of("65529").severity, of("65529").type) == (Severity.WARNING, AlarmType.NOTIFICATION)
    assert {kind.severity for kind in kinds().values()} == {Severity.MAJOR, Severity.MINOR, Severity.WARNING}
    assert {kind.type for kind in kinds().values()} >= {AlarmType.EXCEPTION, AlarmType.PROTECTION}


# Whose words are told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", WATCHED)
def test_what_the_hub_found_is_told_from_the_table(code: str, language: str) -> None:
    assert texts(alarm(code, watched=True, name="kept in English"), language) == of(code).texts[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_fault_number_is_told_with_its_number(language: str) -> None:
    told = texts(alarm("123", watched=True, name="Device fault 123"), language)
    fault = of(DEVICE_FAULT).texts[language]
    assert told == Texts(f"{fault.name} 123", fault.cause, fault.advice) == numbered("123", language)


def test_a_fault_the_hub_found_is_told_in_its_words_or_as_a_number() -> None:
    found = alarm("2032", watched=True, name="Grid loss")
    assert texts(found, "zh") == of("2032").texts["zh"]
    assert texts(found, "de").name == "Gerätestörung 2032"


def test_a_device_s_own_words_go_first_in_english_only() -> None:
    told = alarm("2032", name="Grid gone", cause="Why.", advice="1. Wait.")
    assert texts(told, "en") == Texts("Grid gone", "Why.", "1. Wait.")
    assert texts(told, "zh") == of("2032").texts["zh"]
    assert texts(told, "de") == Texts("Grid gone", "Why.", "1. Wait.")


def test_a_device_that_tells_only_a_number_is_told_from_the_table() -> None:
    assert texts(alarm("2032"), "en") == of("2032").texts["en"]
    assert texts(alarm("2032"), "de") == of("2032").texts["en"]
    assert texts(alarm("777"), "fr").name == "Défaut de l'équipement 777"


def test_a_device_s_own_words_stand_where_the_number_is_unknown() -> None:
    told = alarm("777", name="Door open", cause="Somebody opened it.")
    for language in LANGUAGES:
        assert texts(told, language) == Texts("Door open", "Somebody opened it.", "")


def test_a_language_nobody_translated_is_told_in_english() -> None:
    assert texts(alarm("65534", watched=True, name="x"), "sv") == of("65534").texts["en"]
    assert texts(alarm("2032", watched=True, name="x"), "sv") == of("2032").texts["en"]
    assert texts(alarm("123", watched=True, name="x"), "sv").name == "Device fault 123"
