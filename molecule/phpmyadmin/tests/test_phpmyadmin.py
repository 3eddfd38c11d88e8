"""People log in to a database over TLS, and nothing else is to be had."""

import html
import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

URL = "http://172.31.6.41"
testinfra_hosts = ["ansible://admin"]


class Browser:
    def __init__(self):
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def ask(self, path, form=None):
        body = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self.opener.open(URL + path, body, 30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def login(self, server, user, password):
        """Give whether the login was let in, and the page."""
        _, page = self.ask("/")
        hidden = dict(re.findall(r'<input type="hidden" name="(token|set_session)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in hidden.items()}
        form |= {"route": "/", "server": server, "pma_username": user, "pma_password": password}
        self.ask("/index.php?route=/", form)
        _, page = self.ask(f"/index.php?route=/&server={server}")
        return 'name="pma_password"' not in page and "route=/logout" in page, page


def test_the_login_offers_every_server_in_spanish():
    status, page = Browser().ask("/")
    assert status == 200
    assert 'lang="es"' in page
    assert re.findall(r'<option\s+value="(\d)"[^>]*>(\w+)', page)[:2] == [("1", "db1"), ("2", "stranger")]


def test_a_login_over_tls_is_let_in():
    browser = Browser()
    admitted, _ = browser.login(1, "visitor", "visitor")
    assert admitted


@pytest.mark.parametrize(("user", "password"), [("visitor", "wrong"), ("visitor", ""), ("root", "")])
def test_a_wrong_or_empty_password_and_root_are_refused(user, password):
    admitted, _ = Browser().login(1, user, password)
    assert not admitted


def test_a_server_whose_certificate_lacks_its_name_is_refused():
    admitted, _ = Browser().login(2, "visitor", "visitor")
    assert not admitted


@pytest.mark.parametrize(
    "path", ["/setup/", "/libraries/", "/templates/", "/show_config_errors.php", "/.git/config", "/sql/"]
)
def test_what_is_nobodys_business_is_not_found(path):
    assert Browser().ask(path)[0] == 404


def test_the_secret_is_for_php_only(host):
    secret = host.file("/etc/phpmyadmin/conf.d/00_secret.php")
    assert (secret.user, secret.group, secret.mode) == ("root", "www-data", 0o640)


def test_no_apache_came_along(host):
    assert not host.package("apache2").is_installed


def test_it_starts_with_its_host(host):
    # PHP's unit has the version in its name, which is the system's
    (php,) = host.check_output("systemctl list-unit-files --plain --no-legend 'php*-fpm.service'").splitlines()
    for service in ("nginx", php.split()[0]):
        assert host.service(service).is_enabled


def test_the_log_holds_no_query_string(host):
    Browser().ask("/index.php?route=/&mark=sesame")
    assert "sesame" not in host.file("/var/log/nginx/phpmyadmin.log").content_string
