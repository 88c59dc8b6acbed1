"""Role x action x resource against the one table, and the table against what people were promised."""

import itertools

import pytest

from camward.access import NOBODY, ROLES, Action, Device, Kind, Principal, Role, Scope, may, may_somewhere
from camward.access.table import BY_ROLE, BY_SCOPE, OPEN, PER_CAMERA

# Written down a second time on purpose, by action and not by role: a slip in the table shows as a difference.
PROMISED: dict[Action, str] = {
    Action.PUBLIC: "nobody streams sealed_only administrator camera_control live_only manager operator viewer",
    Action.LOGIN: "nobody streams sealed_only administrator camera_control live_only manager operator viewer",
    Action.CLAIM: "nobody streams sealed_only administrator camera_control live_only manager operator viewer",
    Action.PAIR: "nobody streams sealed_only administrator camera_control live_only manager operator viewer",
    Action.OWN_ACCOUNT: "administrator camera_control live_only manager operator viewer",
    Action.LIVE: "streams sealed_only administrator camera_control live_only manager operator viewer",
    Action.SNAPSHOT: "streams administrator camera_control live_only manager operator viewer",
    Action.PICTURE: "administrator camera_control manager",
    Action.RECORDED: "administrator manager operator viewer",
    Action.EXPORT: "administrator manager operator",
    Action.PIN: "administrator manager",
    Action.STATUS: "streams sealed_only administrator camera_control manager operator",
    Action.EVENTS: "administrator camera_control manager operator",
    Action.ACKNOWLEDGE: "administrator camera_control manager operator",
    Action.CAMERAS_READ: "administrator manager operator viewer",
    Action.CAMERAS_MANAGE: "administrator manager",
    Action.SETTINGS_READ: "administrator manager",
    Action.SETTINGS_CHANGE: "administrator",
    Action.USERS: "administrator",
    Action.CLIENTS: "administrator",
    Action.JOURNAL: "administrator manager",
    Action.METRICS: "administrator manager",
}


def principals() -> dict[str, Principal]:
    found = {"nobody": NOBODY}
    found |= {scope.value: Principal(Kind.CLIENT, "p", scope=scope) for scope in Scope}
    found |= {role.value: Principal(Kind.USER, "u", role=role) for role in Role}
    return found


@pytest.mark.parametrize(("who", "action"), list(itertools.product(principals(), Action)))
def test_each_principal_may_what_was_promised_and_nothing_else(who, action):
    for resource in ("", "stream1", "camera-7"):
        assert may(principals()[who], action, resource) is (who in PROMISED[action].split())


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, Action)))
def test_a_restricted_person_reaches_only_the_named_cameras(role, action):
    anywhere = Principal(Kind.USER, "u", role=role)
    some = Principal(Kind.USER, "u", role=role, cameras=frozenset({"a", "b"}))
    none = Principal(Kind.USER, "u", role=role, cameras=frozenset())
    allowed = may(anywhere, action)
    assert may(some, action, "a") is allowed
    assert may(some, action, "c") is (allowed and action in OPEN)
    assert may(none, action, "a") is (allowed and action in OPEN)
    assert may(some, action) is (allowed and action not in PER_CAMERA)
    assert may_somewhere(some, action) is allowed


def test_the_table_is_whole():
    assert set(PROMISED) == set(Action)
    assert set(BY_ROLE) == set(Role) and set(BY_SCOPE) == set(Scope)
    assert {role for roles in ROLES.values() for role in roles} == set(Role)
    assert [roles[0] for roles in ROLES.values()] == [Role.ADMINISTRATOR] * len(Device)


@pytest.mark.parametrize(
    "odd",
    [
        Principal(Kind.NOBODY, "x", role=Role.ADMINISTRATOR, scope=Scope.STREAMS),
        Principal(Kind.USER, "x", scope=Scope.STREAMS),
        Principal(Kind.CLIENT, "x", role=Role.ADMINISTRATOR),
    ],
)
def test_a_principal_that_fits_nothing_is_nobody(odd):
    assert {action for action in Action if may(odd, action)} == OPEN
