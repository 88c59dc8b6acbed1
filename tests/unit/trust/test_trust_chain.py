"""The path check: what leads to a root for a purpose, and what does not, with the reason."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from camward.base.clock import NS, Utc
from camward.trust.chain import ChainResult, Purpose, verify_chain
from camward.trust.oids import DEVICE_IDENTITY, VIDEO_SIGNING

AT = Utc(1_760_000_000 * NS)
TLS = ExtendedKeyUsageOID.SERVER_AUTH


def check(leaf, *others, roots, purpose=Purpose.VIDEO_SIGNING, at=AT):
    return verify_chain(
        leaf.certificate, [o.certificate for o in others], [r.certificate for r in roots], purpose=purpose, at=at
    )


@pytest.fixture
def root(issue):
    return issue("root", ca=True, path_length=1)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_each_purpose_needs_its_own_usage(issue, root, purpose):
    for usage in (TLS, DEVICE_IDENTITY, VIDEO_SIGNING):
        verdict = check(issue("leaf", by=root, usages=[usage]), roots=[root], purpose=purpose)
        expected = ChainResult.TRUSTED if usage == purpose.usage else ChainResult.WRONG_PURPOSE
        assert verdict.result is expected
        assert verdict.reason


def test_a_signer_under_a_site_ca_is_refused(issue, root):
    site = issue("site", by=root, ca=True, path_length=0, usages=[TLS])
    for usage, purpose in ((VIDEO_SIGNING, Purpose.VIDEO_SIGNING), (DEVICE_IDENTITY, Purpose.DEVICE_IDENTITY)):
        verdict = check(issue("leaf", by=site, usages=[usage]), site, roots=[root], purpose=purpose)
        assert verdict.result is ChainResult.WRONG_PURPOSE
        assert "site" in verdict.reason
    tls = issue("tls", by=site, usages=[TLS])
    assert check(tls, site, roots=[root], purpose=Purpose.TLS_SERVER).result is ChainResult.TRUSTED


def test_a_ca_without_usages_may_pass_tls_but_never_signing(issue, root):
    plain = issue("plain", by=root, ca=True, path_length=0)
    signer = issue("leaf", by=plain, usages=[VIDEO_SIGNING])
    assert check(signer, plain, roots=[root]).result is ChainResult.WRONG_PURPOSE
    tls = issue("tls", by=plain, usages=[TLS])
    assert check(tls, plain, roots=[root], purpose=Purpose.TLS_SERVER).result is ChainResult.TRUSTED


def test_a_ca_for_signing_may_issue_signers(issue, root):
    line = issue("line", by=root, ca=True, path_length=0, usages=[VIDEO_SIGNING])
    verdict = check(issue("leaf", by=line, usages=[VIDEO_SIGNING]), line, roots=[root])
    assert verdict.result is ChainResult.TRUSTED
    assert len(verdict.path) == 3


def test_a_site_ca_as_the_only_root_given_is_no_root_for_signing(issue, root):
    site = issue("site", by=root, ca=True, path_length=0, usages=[TLS])
    assert check(issue("leaf", by=site, usages=[VIDEO_SIGNING]), roots=[site]).result is ChainResult.WRONG_PURPOSE


def test_a_signer_is_for_nothing_else(issue, root):
    both = issue("leaf", by=root, usages=[VIDEO_SIGNING, TLS])
    assert check(both, roots=[root]).result is ChainResult.WRONG_PURPOSE


@pytest.mark.parametrize("usages", [None, [ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]])
def test_no_usage_or_any_usage_is_not_enough(issue, root, usages):
    assert check(issue("leaf", by=root, usages=usages), roots=[root]).result is ChainResult.WRONG_PURPOSE


def test_without_a_root_nothing_can_be_judged(issue, root):
    assert check(issue("leaf", by=root, usages=[VIDEO_SIGNING]), roots=[]).result is ChainResult.NO_ROOT


def test_a_root_of_the_same_name_with_another_key_does_not_do(issue, root):
    leaf = issue("leaf", by=root, usages=[VIDEO_SIGNING])
    twin = issue("root", ca=True, path_length=1)
    assert check(leaf, roots=[twin]).result is ChainResult.UNTRUSTED
    assert check(leaf, roots=[twin, root]).result is ChainResult.TRUSTED


def test_a_self_signed_leaf_is_untrusted(issue, root):
    assert check(issue("leaf", usages=[VIDEO_SIGNING]), roots=[root]).result is ChainResult.UNTRUSTED


def test_an_end_certificate_issues_nothing(issue, root):
    end = issue("end", by=root, usages=[VIDEO_SIGNING])
    assert check(issue("leaf", by=end, usages=[VIDEO_SIGNING]), end, roots=[root]).result in {
        ChainResult.UNTRUSTED,
        ChainResult.NOT_A_CA,
    }


def test_a_ca_without_the_right_to_sign_certificates_issues_nothing(issue, root):
    mute = issue("mute", by=root, ca=True, usages=[VIDEO_SIGNING], signs=False)
    assert check(issue("leaf", by=mute, usages=[VIDEO_SIGNING]), mute, roots=[root]).result is ChainResult.NOT_A_CA


def test_the_path_length_holds(issue, root):
    one = issue("one", by=root, ca=True, path_length=None, usages=[VIDEO_SIGNING])
    two = issue("two", by=one, ca=True, path_length=None, usages=[VIDEO_SIGNING])
    verdict = check(issue("leaf", by=two, usages=[VIDEO_SIGNING]), one, two, roots=[root])
    assert (verdict.result, "below it" in verdict.reason) == (ChainResult.NOT_A_CA, True)


def test_time_counts_for_every_certificate(issue, root):
    leaf = issue("leaf", by=root, usages=[VIDEO_SIGNING], days=10)
    assert check(leaf, roots=[root]).result is ChainResult.EXPIRED
    assert check(leaf, roots=[root], at=Utc(0)).result is ChainResult.NOT_YET_VALID
    old = issue("old", ca=True, days=10)
    assert check(issue("leaf", by=old, usages=[VIDEO_SIGNING]), roots=[old]).result is ChainResult.EXPIRED


def test_a_critical_extension_that_is_not_understood_refuses(issue, root):
    odd = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    for critical, expected in ((True, ChainResult.MALFORMED), (False, ChainResult.TRUSTED)):
        leaf = issue("leaf", by=root, usages=[VIDEO_SIGNING], extra=[(odd, critical)])
        assert check(leaf, roots=[root]).result is expected


def test_a_ca_is_no_leaf(issue, root):
    ca = issue("ca", by=root, ca=True, usages=[VIDEO_SIGNING])
    assert check(ca, roots=[root]).result is ChainResult.WRONG_PURPOSE


def test_a_key_that_may_not_sign_is_no_signer(issue, root):
    mute = issue("mute", by=root, usages=[VIDEO_SIGNING], signs=False)
    assert check(mute, roots=[root]).result is ChainResult.WRONG_PURPOSE


def test_a_heap_of_look_alikes_ends_soon(issue, root):
    crowd = [issue("crowd", by=root, ca=True) for _ in range(30)]
    leaf = issue("leaf", by=crowd[-1], usages=[VIDEO_SIGNING])
    assert check(leaf, *crowd, roots=[root]).result is ChainResult.UNTRUSTED


def test_two_cas_that_issue_each_other_end_soon(issue, root):
    one = issue("one", ca=True)
    two = issue("two", by=one, ca=True)
    three = issue("one", by=two, ca=True)
    leaf = issue("leaf", by=three, usages=[VIDEO_SIGNING])
    assert check(leaf, one, two, three, roots=[root]).result is ChainResult.UNTRUSTED
