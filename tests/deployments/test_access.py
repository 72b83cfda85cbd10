"""Cloudflare Access's tokens, checked against keys that a real server publishes."""

import asyncio
import base64
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from deployments import access_keys
from deployments.access import Access
from deployments.access_keys import AccessKeys, UnusableKeys, fetch_from, open_access, read_keys
from deployments.access_team import Team, access_team
from deployments.auth import Keys
from devmind.errors import AccessRefused, InvalidInput, ServiceUnreachable
from devmind.settings import ServerSettings
from tests.cli.service import HANG_UP, Reply, Service
from tests.deployments.fakes import ask, make_app

TAG = "0123456789abcdef" * 4
TEAM = Team(issuer="https://team.cloudflareaccess.com", audiences=frozenset({TAG}))
CERTS = "/cdn-cgi/access/certs"


@cache
def signer(name, bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def published(*names, **more):
    entries = [
        RSAAlgorithm.to_jwk(signer(name).public_key(), as_dict=True)
        | {"kid": name, "use": "sig", "alg": "RS256"}
        for name in names
    ]
    return {"keys": entries} | more


def token(name="one", *, kid=None, headers=None, without=(), **claims):
    now = datetime.now(UTC)
    body = {
        "aud": [TAG],
        "iss": TEAM.issuer,
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(minutes=5),
        "sub": "7335d417",
        "email": "ann@example.org",
    } | claims
    body = {key: value for key, value in body.items() if key not in without}
    names = {"kid": kid or name} | (headers or {})
    return jwt.encode(body, signer(name), algorithm="RS256", headers=names)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture(name="team")
def _team():
    """A server that publishes the keys of a team, as Cloudflare does."""
    server = Service()
    server.answers("GET", CERTS, published("one"))
    yield server
    server.close()


def keys_of(server, clock=None):
    return AccessKeys(fetch_from(server.url + CERTS), clock or Clock())


def check(access, *tokens):
    async def run():
        return [await access.check(one) for one in tokens]

    return asyncio.run(run())


def refused(access, one):
    with pytest.raises(AccessRefused) as error:
        check(access, one)
    return error.value.reason


def test_who_was_let_in_is_known(team):
    """
    A user is known by an identifier, never by the address; a service token by its name.
    """
    access = Access(TEAM, keys_of(team))

    assert check(access, token()) == ["7335d417"]
    assert check(access, token(common_name="ci.access", sub="")) == ["ci.access"]
    assert len(team.asked(CERTS)) == 1


def hour(**ago):
    return datetime.now(UTC) - timedelta(**ago)


def pack(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def without_signature(signed):
    return f"{pack({'alg': 'none', 'kid': 'one'})}.{signed.split('.')[1]}."


def swapped(signed):
    header, _, signature = signed.split(".")
    body = {"aud": TAG, "iss": TEAM.issuer, "iat": 0, "exp": 2**33, "sub": "root"}
    return f"{header}.{pack(body)}.{signature}"


def by_public_key():
    """The classic: an HMAC with the published key as its secret."""
    public = signer("one").public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    head = f"{pack({'alg': 'HS256', 'kid': 'one'})}.{token().split('.')[1]}"
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(mac.sign(head.encode(), public)).rstrip(b"=")
    return f"{head}.{signature.decode()}"


def raw(claims):
    """Rightly signed, whatever is in it."""
    claims = {"iat": 0, "exp": 2**33} | claims if claims else claims
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, signer("one"), algorithm="RS256", headers={"kid": "one"})


def rs512():
    body = jwt.decode(token(), options={"verify_signature": False})
    return jwt.encode(body, signer("one"), algorithm="RS512", headers={"kid": "one"})


WRONG = {
    "none": (lambda: None, "there is no token"),
    "empty": (lambda: "", "there is no token"),
    "not a token": (lambda: "a.b", "what came is not a token"),
    "not text": (lambda: "\udcff.é.x", "what came is not a token"),
    "too long": (lambda: token(more="x" * 20_000), "the token is too long"),
    "expired": (lambda: token(exp=hour(minutes=5)), "the token has expired"),
    "not yet": (lambda: token(nbf=hour(minutes=-5)), "the token is not valid yet"),
    "from the future": (lambda: token(iat=hour(minutes=-5)), "the token is not valid yet"),
    "other application": (lambda: token(aud=["f" * 64]), "the token is for another application"),
    "other team": (lambda: token(iss="https://b.cloudflareaccess.com"), "the token is of another"),
    "issuer in a list": (lambda: raw({"aud": TAG, "iss": [TEAM.issuer]}), "the token"),
    "no object": (lambda: raw([]), "what came is not a token"),
    "other signer": (lambda: token("two", kid="one"), "the token's signature is wrong"),
    "unknown key": (lambda: token("two"), "signed with a key that the team does not publish"),
    "no key id": (lambda: token(headers={"kid": ""}), "the token names no key"),
    "no expiry": (lambda: token(without=["exp"]), "the token lacks a claim"),
    "no audience": (lambda: token(without=["aud"]), "the token"),
    "no issuer": (lambda: token(without=["iss"]), "the token"),
    "no date": (lambda: token(without=["iat"]), "the token lacks a claim"),
    "unsigned": (lambda: without_signature(token()), "not signed with RS256"),
    "cut": (lambda: token().rpartition(".")[0] + ".", "the token's signature is wrong"),
    "signed with the public key": (by_public_key, "not signed with RS256"),
    "other claims": (lambda: swapped(token()), "the token's signature is wrong"),
    "another algorithm": (rs512, "not signed with RS256"),
    "critical extension": (lambda: token(headers={"crit": ["x"], "x": 1}), "not a token"),
}


@pytest.mark.parametrize(("make", "reason"), WRONG.values(), ids=WRONG)
def test_no_other_token_opens_the_door(team, make, reason):
    """
    Every claim counts, one algorithm is taken, and the refusal says why without the token.
    """
    access = Access(TEAM, keys_of(team))
    check(access, token())
    bad = make()

    said = refused(access, bad)

    assert reason in said
    assert not bad or bad not in said


@settings(max_examples=50)
@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_whatever_comes_is_refused(text):
    """
    No text is a token, and none breaks the check.
    """

    async def fetch():
        return json.dumps(published("one")).encode()

    refused(Access(TEAM, AccessKeys(fetch, Clock())), text)


def test_clocks_may_differ_a_little(team):
    """
    A token that ended seconds ago, or begins in seconds, still holds.
    """
    access = Access(TEAM, keys_of(team))

    assert check(access, token(exp=hour(seconds=20)), token(nbf=hour(seconds=-20)))


def test_keys_rotate(team):
    """
    A token of a new key makes us look again, and old keys are forgotten once withdrawn.
    """
    clock = Clock()
    access = Access(TEAM, keys_of(team, clock))
    check(access, token("one"))
    team.answers("GET", CERTS, published("one", "two"))
    clock.now += access_keys.UNKNOWN_KEY_WAIT_S

    check(access, token("two"), token("one"))
    team.answers("GET", CERTS, published("two"))
    clock.now += access_keys.MAX_AGE_S

    check(access, token("two"))
    assert "does not publish" in refused(access, token("one"))


def test_unknown_keys_are_looked_for_once_a_minute(team):
    """
    Made-up key ids do not make us flood the team's server.
    """
    clock = Clock()
    access = Access(TEAM, keys_of(team, clock))
    check(access, token())

    for made_up in range(20):
        refused(access, token("two", kid=f"made-up-{made_up}"))
    assert len(team.asked(CERTS)) == 1
    clock.now += access_keys.UNKNOWN_KEY_WAIT_S
    for made_up in range(20):
        refused(access, token("two", kid=f"made-up-{made_up}"))

    assert len(team.asked(CERTS)) == 2


AWAY = {
    "hangs up": HANG_UP,
    "breaks": Reply({}, 500),
    "redirects": Reply({}, 302, {"Location": "http://127.0.0.1:1/"}),
    "talks nonsense": "<html>",
    "is empty": {"keys": []},
    "sends a flood": "x" * (access_keys.LARGEST_BYTES + 1),
    "lists too many": {"keys": [{}] * 33},
}


@pytest.mark.parametrize("answer", AWAY.values(), ids=AWAY)
def test_old_keys_stay_while_there_are_no_new_ones(team, answer, capsys):
    """
    When the team's server is away or talks nonsense, those who are known still get in.
    """
    clock = Clock()
    access = Access(TEAM, keys_of(team, clock))
    check(access, token())
    team.answers("GET", CERTS, answer)
    clock.now += access_keys.MAX_AGE_S

    assert check(access, token()) == ["7335d417"]
    assert len(team.asked(CERTS)) == 2


def test_without_any_key_nobody_gets_in(team):
    """
    While no key could be fetched the answer is to try again, and it is tried again soon.
    """
    clock = Clock()
    team.answers("GET", CERTS, HANG_UP)
    access = Access(TEAM, keys_of(team, clock))

    for _ in range(3):
        with pytest.raises(ServiceUnreachable):
            check(access, token())
    assert len(team.asked(CERTS)) == 1
    team.answers("GET", CERTS, published("one"))
    clock.now += access_keys.FIRST_KEYS_WAIT_S

    assert check(access, token())


def test_a_burst_waits_for_one_look(team):
    """
    Requests that come while keys are being fetched wait for them, and ask for nothing more.
    """
    team.answers("GET", CERTS, lambda _: time.sleep(0.2) or published("one"))
    access = Access(TEAM, keys_of(team))
    one = token()

    async def burst():
        return await asyncio.gather(*(access.check(one) for _ in range(20)))

    assert asyncio.run(burst()) == ["7335d417"] * 20
    assert len(team.asked(CERTS)) == 1


def test_a_slow_server_is_not_waited_for(team, monkeypatch):
    """
    A server that takes too long is as one that is away.
    """
    monkeypatch.setattr(access_keys, "TIMEOUT_S", 0.1)
    team.answers("GET", CERTS, lambda _: time.sleep(0.5) or published("one"))

    with pytest.raises(ServiceUnreachable):
        check(Access(TEAM, keys_of(team)), token())


def test_only_keys_for_signatures_are_kept():
    """
    Weak keys, symmetric ones, those for encryption and broken entries are left out.
    """
    good = published("good")["keys"][0]
    weak = RSAAlgorithm.to_jwk(signer("weak", 1024).public_key(), as_dict=True) | {"kid": "weak"}
    others = [
        weak,
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "ps", "alg": "PS256"},
        good | {"kid": 7},
        {"kid": "mac", "kty": "oct", "k": "c2VjcmV0"},
        {"kid": "cut", "kty": "RSA", "n": "AQAB"},
        "nonsense",
    ]

    assert set(read_keys(json.dumps({"keys": [good, *others]}).encode())) == {"good"}


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5))
def test_other_documents_hold_no_keys(body):
    """
    Any other JSON is refused in our words.
    """
    for document in (body, {"keys": body}, {"keys": [{"kid": "a", "kty": "RSA", "n": body}]}):
        with pytest.raises(UnusableKeys):
            read_keys(json.dumps(document).encode())


SETTINGS = {
    "half": ("team.cloudflareaccess.com", None, "AUDIENCE"),
    "other half": (None, TAG, "TEAM_DOMAIN"),
    "another domain": ("team.example.org", TAG, "TEAM_DOMAIN"),
    "a look-alike": ("cloudflareaccess.com.example.org", TAG, "TEAM_DOMAIN"),
    "a path": ("team.cloudflareaccess.com/x", TAG, "TEAM_DOMAIN"),
    "no tag": ("team.cloudflareaccess.com", "shop", "AUDIENCE"),
    "commas only": ("team.cloudflareaccess.com", " , ", "AUDIENCE"),
}


@pytest.mark.parametrize(("domain", "tag", "named"), SETTINGS.values(), ids=SETTINGS)
def test_half_a_configuration_is_an_error(domain, tag, named):
    """
    The service does not start half protected; which setting is wrong is said.
    """
    with pytest.raises(InvalidInput, match=named):
        open_access(ServerSettings(access_team_domain=domain, access_audience=tag))


def test_a_whole_configuration():
    """
    The team's domain gives issuer and address of the keys; without one Access is not used.
    """
    settings = ServerSettings(
        access_team_domain="team.cloudflareaccess.com", access_audience=f"{TAG}, {'a' * 64}"
    )
    team = access_team(settings)

    assert team.keys_url == "https://team.cloudflareaccess.com/cdn-cgi/access/certs"
    assert team.audiences == {TAG, "a" * 64}
    assert open_access(settings) is not None
    assert open_access(ServerSettings()) is None


API_KEYS = Keys.parse(f"ci:predict:{sha256(b'ci-key').hexdigest()}")


def test_the_door_wants_the_token_and_the_key(team, caplog):
    """
    With Access configured every route but liveness and readiness wants a token, and API keys
    still count; neither answer nor log repeats a token.
    """
    app = make_app(API_KEYS, access=Access(TEAM, keys_of(team)))
    good, bad = token(), token("two")
    key = {"x-api-key": "ci-key"}
    caplog.set_level(logging.DEBUG)

    alone = ask(app, "GET", "/models/status", headers=key)
    wrong = ask(app, "GET", "/models/status", headers=key | {"Cf-Access-Jwt-Assertion": bad})
    keyless = ask(app, "GET", "/models/status", headers={"Cf-Access-Jwt-Assertion": good})
    both = ask(app, "GET", "/models/status", headers=key | {"Cf-Access-Jwt-Assertion": good})

    assert [answer.status_code for answer in (alone, wrong, keyless, both)] == [401, 401, 401, 200]
    assert alone.json()["type"] == "urn:devmind:problem:access-refused"
    assert alone.headers["x-request-id"] == alone.json()["request_id"]
    assert keyless.json()["type"] == "urn:devmind:problem:not-authenticated"
    assert bad not in wrong.text + caplog.text


OPEN = ["/health", "/ready"]
CLOSED = ["/", "/metrics", "/docs", "/openapi.json", "/nowhere", "/health/", "//health"]


@pytest.mark.parametrize("path", OPEN + CLOSED)
def test_which_routes_are_open(team, path):
    """
    Only probes, which come from inside the cluster, need no token.
    """
    app = make_app(Keys(), access=Access(TEAM, keys_of(team)))

    assert (ask(app, "GET", path).status_code == 200) == (path in OPEN)


def test_no_keys_yet_means_try_again(team):
    """
    A service that cannot fetch the keys answers 503 with a time to wait, not 401.
    """
    team.answers("GET", CERTS, HANG_UP)
    app = make_app(Keys(), access=Access(TEAM, keys_of(team)))
    answer = ask(app, "GET", "/", headers={"Cf-Access-Jwt-Assertion": token()})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert team.url not in answer.text
