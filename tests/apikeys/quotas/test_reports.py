"""POST /gateway/report: what a request used, told afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from access.principals import Caller
from apikeys.models import QuotaLedger, UseReport
from apikeys.quotas import leases
from apikeys.quotas.reports import MOST_REPORTED, report_use
from apikeys.services.api_keys import NewKey
from apikeys.services.revocation import revoke_api_keys
from apikeys.services.rotation import rotate_api_key
from tests.apikeys.quotas.helpers import ask, limit
from tests.conftest import Api, Cast, as_user, assert_problem, make_key, with_key

REPORT = "/gateway/report"


@pytest.fixture
def service(cast: Cast) -> Api:
    """A service that may report the use of every key."""
    return with_key(make_key(cast.ada, "usage:report"))


def about(key: NewKey, units: Any = 5, name: Any = "job-1") -> dict[str, Any]:
    return {"id": name, "credential": f"key:{key.row.uuid}", "units": units}


def used() -> list[int]:
    return list(QuotaLedger.objects.order_by("pk").values_list("total_used", flat=True))


def test_a_report_counts_for_the_key_and_its_organization(cast: Cast, service: Api) -> None:
    key = make_key(cast.acme)
    limit(key, total=100)
    limit(cast.acme, month=100)
    answer = service.post(REPORT, about(key))
    assert (answer.status_code, answer.json()) == (200, {"counted": True})
    assert used() == [5, 5]


def test_the_credential_is_the_one_that_the_gateway_named(cast: Cast, service: Api) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=100)
    credential = ask(key).headers["X-Auth-Credential"]
    assert service.post(REPORT, about(key) | {"credential": credential}).json() == {"counted": True}


def test_a_report_that_comes_twice_counts_once(cast: Cast, service: Api) -> None:
    key = make_key(cast.acme)
    limit(key, total=100)
    answers = [service.post(REPORT, about(key)).json() for _ in range(3)]
    assert answers == [{"counted": True}, {"counted": False}, {"counted": False}]
    assert used() == [5]


def test_an_id_is_that_of_one_report(cast: Cast, service: Api) -> None:
    key, other = make_key(cast.acme), make_key(cast.acme)
    limit(key, total=100)
    service.post(REPORT, about(key))
    for different in (about(key, 6), about(other)):
        assert_problem(service.post(REPORT, different), 409, "conflict", "id")
    assert used() == [5]


def test_two_services_may_choose_the_same_id(cast: Cast, service: Api) -> None:
    key, of_acme = make_key(cast.acme), with_key(make_key(cast.acme, "usage:report"))
    limit(key, total=100)
    assert [each.post(REPORT, about(key)).json()["counted"] for each in (service, of_acme)] == [True, True]
    assert used() == [10]


def test_a_rotated_service_keeps_its_ids(cast: Cast, operator: Caller) -> None:
    key, reporter = make_key(cast.acme), make_key(cast.acme, "usage:report")
    limit(key, total=100)
    with_key(reporter).post(REPORT, about(key))
    new = rotate_api_key(caller=operator, key=reporter.row, expires_at=None)
    assert with_key(new).post(REPORT, about(key)).json() == {"counted": False}


def test_the_key_of_another_organization_looks_nonexistent(cast: Cast) -> None:
    of_acme, key = with_key(make_key(cast.acme, "usage:report")), make_key(cast.umbrella)
    limit(key, total=100)
    unknown = about(key) | {"credential": "key:00000000-0000-4000-8000-000000000000"}
    answers = [of_acme.post(REPORT, body) for body in (about(key), unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    of_person = make_key(cast.alice)
    assert of_acme.post(REPORT, about(of_person)).status_code == 404
    assert used() == [0] and not UseReport.objects.exists()


def test_only_who_may_report_reports(cast: Cast) -> None:
    key = make_key(cast.acme)
    for api in (as_user(cast.alice), with_key(make_key(cast.ada, "introspect", "keys:write"))):
        assert api.post(REPORT, about(key)).status_code == 403
    assert Api().post(REPORT, about(key)).status_code == 401


@pytest.mark.parametrize("units", [0, -1, MOST_REPORTED + 1, 10**400, 1.5, "5", True, None, [], {}])
def test_wrong_units_are_refused(cast: Cast, service: Api, units: Any) -> None:
    answer = service.post(REPORT, about(make_key(cast.acme), units))
    assert assert_problem(answer, 400, "invalid")["errors"][0]["member"] == "units"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("id", ""), ("id", "x" * 256), ("id", 1), ("id", None), ("credential", "jwt:1"), ("credential", ""),
        ("credential", "kh_live_x"), ("more", 1),
    ],
)  # fmt: skip
def test_other_wrong_members_are_refused(cast: Cast, service: Api, member: str, value: Any) -> None:
    answer = service.post(REPORT, about(make_key(cast.acme)) | {member: value})
    assert assert_problem(answer, 400, "invalid")["errors"][0]["member"] == member


def test_a_huge_report_uses_a_budget_up_and_no_more(cast: Cast, service: Api) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, month=10, counts="reports")
    for number in range(3):
        assert service.post(REPORT, about(key, MOST_REPORTED, f"{number}")).status_code == 200
    assert ask(key).status_code == 429
    shown = as_user(cast.alice).get(f"api-keys/{key.row.uuid}/quota").json()["month"]
    assert (shown["used"], shown["left"]) == (3 * MOST_REPORTED, 0)


def test_requests_of_a_quota_that_counts_reports_use_nothing(cast: Cast, service: Api) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=10, counts="reports")
    assert [ask(key).status_code for _ in range(20)] == [200] * 20
    assert used() == [0]
    assert ask(key).headers["RateLimit"] == '"key-total";r=10'
    service.post(REPORT, about(key, 10))
    leases.forget()  # after the second for which a process trusts that units are left
    assert ask(key).status_code == 429


def test_a_quota_of_requests_takes_reports_too(cast: Cast, service: Api) -> None:
    key = make_key(cast.alice, "services:read")
    limit(key, total=10)
    service.post(REPORT, about(key, 9))
    assert [ask(key).status_code for _ in range(2)] == [200, 429]


def test_a_key_that_has_ended_can_still_be_reported(cast: Cast, service: Api, operator: Caller) -> None:
    key = make_key(cast.acme)
    limit(cast.acme, total=100)
    new = rotate_api_key(caller=operator, key=key.row, expires_at=None, overlap=timedelta(days=1))
    limit(new, total=50)
    revoke_api_keys(caller=operator, selected=[key.row])
    assert service.post(REPORT, about(key)).json() == {"counted": True}
    assert used() == [5, 5]


def test_a_key_without_a_quota_can_be_reported(cast: Cast, service: Api) -> None:
    key = make_key(cast.acme)
    assert service.post(REPORT, about(key)).json() == {"counted": True}
    limit(key, total=10)
    assert used() == [0]


@pytest.mark.django_db(transaction=True)
def test_of_the_same_report_at_once_one_counts(cast: Cast, operator: Caller) -> None:
    key = make_key(cast.acme)
    limit(key, total=1000)
    limit(cast.acme, total=1000)

    def send(number: int) -> bool:
        try:
            return report_use(
                caller=operator, report=f"job-{number % 4}", credential=f"key:{key.row.uuid}", units=5
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(24))) == 4
    assert used() == [20, 20]
