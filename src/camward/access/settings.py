"""[Setup] > [User mng.] > [User auth.]: passwords, sessions, Digest (white paper 3.2 and 3.3)."""

from __future__ import annotations

from camward.base.setting import SettingMeta, SettingsSection, setting

MENU = ("User mng.", "User auth.")


class AccessSettings(SettingsSection):
    """How people and programs prove who they are."""

    password_length: int = setting(
        12,
        SettingMeta(
            title="Shortest password",
            help="Longer is stronger than more kinds of characters; four plain words are good.",
            menu=MENU,
            unit="characters",
            section="3.2",
            counters="Guessing of passwords",
            recommended=12,
            risks={"8": "Eight characters are guessed in hours if the verifiers are ever stolen."},
            caution=(
                "The paper asks for two kinds of characters and periodic change; current guidance (NIST SP 800-63B) "
                "asks for length and refuses frequently used passwords instead."
            ),
        ),
        ge=8,
        le=64,
    )
    session_idle_minutes: int = setting(
        30,
        SettingMeta(
            title="Log out when idle",
            help="A live picture that is being watched counts as use.",
            menu=MENU,
            unit="minutes",
            section="3.2",
            counters="Someone else at an unattended browser",
            recommended=30,
            risks={"1440": "An unattended browser stays logged in all day."},
        ),
        ge=1,
        le=1440,
    )
    session_hours: int = setting(
        12,
        SettingMeta(
            title="Longest session",
            help="After this time everybody logs in again, idle or not.",
            menu=MENU,
            unit="hours",
            section="3.2",
            counters="A stolen session",
            recommended=12,
            risks={"720": "A stolen session is good for a month."},
        ),
        ge=1,
        le=720,
    )
    digest_md5: bool = setting(
        True,
        SettingMeta(
            title="Digest with MD5",
            help="Offered after SHA-256, for players that know nothing newer (FFmpeg, GStreamer, most NVRs).",
            menu=MENU,
            section="3.3",
            counters="Snooping and alteration on the network",
            risks={
                "true": "MD5 is broken for signatures, not for this use with 128-bit client secrets.",
                "false": "Players that know no SHA-256 can't connect.",
            },
            labels={"true": "Offered", "false": "Off"},
        ),
    )
