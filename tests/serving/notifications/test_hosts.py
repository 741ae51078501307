"""Only the listed hosts are reached, however a URL is written."""

import pytest

from serving.errors import ServiceError
from serving.notifications.hosts import AllowedHosts

HOSTS = AllowedHosts(["crm.bank.example", "Alarm.bank.example:8443", "10.1.2.3:8080", "[fd00::7]:8080"])


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.bank.example/hook",
        "http://crm.bank.example",
        "https://CRM.bank.example:443/hook?x=1",
        "https://alarm.bank.example:8443/",
        "http://10.1.2.3:8080/hook",
        "http://[fd00::7]:8080/hook",
    ],
)
def test_listed(url: str) -> None:
    HOSTS.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.bank.example:8443/hook",
        "https://alarm.bank.example/",
        "https://evil.example/",
        "https://crm.bank.example.evil.example/",
        "https://evil.example/crm.bank.example",
        "https://crm.bank.example@evil.example/",
        "https://evil.example\\@crm.bank.example/",
        "https://user:password@crm.bank.example/",
        "https://evil.example?@crm.bank.example/",
        "https://evil.example#@crm.bank.example/",
        "https://crm.bank.example/#x",
        "https://crm.bank.example./",
        "http://10.1.2.3/",
        "http://10.1.2.4:8080/",
        "http://167838211:8080/",
        "http://0x0a010203:8080/",
        "http://[::ffff:10.1.2.3]:8080/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://169.254.169.254/latest",
        "ftp://crm.bank.example/",
        "file:///etc/passwd",
        "//crm.bank.example/",
        "crm.bank.example",
        "https://crm.bank.example/a b",
        "https://crm.bank.example/\r\nX: y",
        "https://crm．bank.example/",
        "https://crm.bank.example:99999/",
        "https://crm.bank.example/" + "a" * 2000,
        "",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        HOSTS.check(url)
    assert caught.value.code == "webhook_host_refused"


def test_no_list_no_webhooks() -> None:
    assert not AllowedHosts([]).allows("https://crm.bank.example/")
