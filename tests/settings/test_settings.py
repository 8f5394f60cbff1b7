"""Settings: where they come from, and how mistakes are told."""

from pathlib import Path

import pytest

from captcha_stateless import Settings
from captcha_stateless.errors import Misconfigured
from captcha_stateless.settings import table, unknown


def test_without_anything_the_defaults_hold() -> None:
    assert Settings.load({}) == Settings()


def test_the_environment_is_read() -> None:
    settings = Settings.load(
        {
            "CAPTCHA_PROFILE": "classic",
            "CAPTCHA_TILE_SIZE": "96",
            "CAPTCHA_PROFILE_CHOICE": "Yes",
            "CAPTCHA_CORS_ORIGINS": "https://a.example, https://b.example",
            "CAPTCHA_KEYS": "/run/keys.json",
        }
    )

    assert settings.profile == "classic"
    assert settings.tile_size == 96
    assert settings.profile_choice is True
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.keys == Path("/run/keys.json")


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "captcha.toml"
    path.write_text(
        'profile = "classic"\ntile_size = 96\nprofile_choice = true\ncors_origins = ["https://a.example"]\n'
    )

    settings = Settings.load({"CAPTCHA_CONFIG": str(path), "CAPTCHA_TILE_SIZE": "80"})

    assert (settings.profile, settings.tile_size, settings.profile_choice) == ("classic", 80, True)
    assert settings.cors_origins == ("https://a.example",)


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "flag"
    path.write_text("let through\n")

    assert Settings.load({"CAPTCHA_FLAG_FILE": str(path)}).flag == "let through"


def test_a_secret_is_not_named_twice(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="not both"):
        Settings.load({"CAPTCHA_FLAG": "x", "CAPTCHA_FLAG_FILE": str(tmp_path / "flag")})


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "captcha.toml"
    path.write_text("profil = 'classic'\nextensions = 99\n")

    with pytest.raises(Misconfigured) as caught:
        Settings.load(
            {
                "CAPTCHA_CONFIG": str(path),
                "CAPTCHA_PROFILE": "other",
                "CAPTCHA_TILE_SIZE": "big",
                "CAPTCHA_PAGE": "perhaps",
                "CAPTCHA_KEYS": "",
                "CAPTCHA_FLAG_FILE": str(tmp_path / "none"),
            }
        )

    lines = str(caught.value).splitlines()
    assert len(lines) == 7
    assert any("profil is no setting; did you mean profile?" in line for line in lines)
    assert "CAPTCHA_TILE_SIZE: 'big' must be a whole number from 32 to 256" in lines


@pytest.mark.parametrize("content", [b"profile = ", b"\xff", b"[" * 5_000])
def test_a_file_that_is_no_toml_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "captcha.toml"
    path.write_bytes(content)

    with pytest.raises(Misconfigured):
        Settings.load({"CAPTCHA_CONFIG": str(path)})


@pytest.mark.parametrize("value", ["", "disk", "http://localhost"])
def test_a_replay_engine_there_is_not_is_told(value: str) -> None:
    with pytest.raises(Misconfigured, match="CAPTCHA_REPLAY: "):
        Settings.load({"CAPTCHA_REPLAY": value})


def test_an_unknown_name_is_warned_of_with_the_nearest() -> None:
    warnings = list(unknown({"CAPTCHA_PROFIL": "x", "CAPTCHA_ZZZ": "x", "PATH": "x", "CAPTCHA_CONFIG": "x"}))

    assert warnings == [
        "CAPTCHA_PROFIL is no setting; did you mean CAPTCHA_PROFILE?",
        "CAPTCHA_ZZZ is no setting",
    ]


def test_the_table_names_every_setting_and_its_default() -> None:
    text = table()

    assert "| `CAPTCHA_PROFILE` | `humane` |" in text
    assert "`CAPTCHA_FLAG` or `CAPTCHA_FLAG_FILE`" in text
    assert text.count("\n") == len(Settings.__dataclass_fields__) + 1


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CAPTCHA_AUDIO_LANGUAGES", "en,--help"),
        ("CAPTCHA_AUDIO_LANGUAGES", "../../etc"),
        ("CAPTCHA_PUBLIC_URL", "captcha.example"),
        ("CAPTCHA_PUBLIC_URL", "https://captcha.example/?x=y"),
        ("CAPTCHA_TEXT_THEME", "pink"),
        ("CAPTCHA_TEXT_LENGTH", "9"),
    ],
)
def test_what_text_and_audio_cannot_use_is_told(variable: str, text: str) -> None:
    with pytest.raises(Misconfigured, match=variable):
        Settings.load({variable: text})


def test_languages_and_the_public_url_are_brought_to_one_form() -> None:
    settings = Settings.load(
        {"CAPTCHA_AUDIO_LANGUAGES": "de, pt-BR,de", "CAPTCHA_PUBLIC_URL": "https://captcha.example/api/"}
    )

    assert settings.audio_languages == ("de", "pt-br")
    assert settings.public_url == "https://captcha.example/api"


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors of Windows write it; the message was of an invalid character nobody could see."""
    config, flag = tmp_path / "captcha.toml", tmp_path / "flag"
    config.write_bytes(b'\xef\xbb\xbfprofile = "classic"\n')
    flag.write_bytes(b"\xef\xbb\xbfa flag\n")

    settings = Settings.load({"CAPTCHA_CONFIG": str(config), "CAPTCHA_FLAG_FILE": str(flag)})

    assert (settings.profile, settings.flag) == ("classic", "a flag")
