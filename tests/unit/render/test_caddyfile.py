"""The Caddyfile that runs, from the wiki's own."""

from __future__ import annotations

import pytest

from rollout.errors import ConfigInvalid
from rollout.render.caddyfile import render_caddyfile
from tests.support.values import APPLICATION, CADDYFILE, WIKI

TUNED = """\
		request_buffers 64KiB
		lb_try_duration 5s
		transport http {
			keepalive 3s
		}
		header_down X-Release {http.reverse_proxy.upstream.host}
	}
"""


def first_site(text: str) -> str:
    return render_caddyfile(text, APPLICATION).partition("\n# Containers")[0]


def test_the_wikis_file_becomes_the_golden_one():
    rendered = render_caddyfile(CADDYFILE, APPLICATION)

    assert rendered == (WIKI / "rendered-Caddyfile").read_text()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            "	reverse_proxy http://web:3000\n",
            "	reverse_proxy {file./etc/caddy/live}:3000 {\n" + TUNED,
            id="with a scheme",
        ),
        pytest.param(
            "	reverse_proxy @api web:3000 # the application\n",
            "	reverse_proxy @api {file./etc/caddy/live}:3000 {\n" + TUNED,
            id="with a matcher and a comment",
        ),
        pytest.param(
            "	reverse_proxy /api/* {\n"
            "		to web:3000\n		health_uri /api/health\n	}\n",
            "	reverse_proxy /api/* {file./etc/caddy/live}:3000 {\n"
            "		health_uri /api/health\n" + TUNED,
            id="with its upstream in a block, which stays",
        ),
        pytest.param(
            "	reverse_proxy web:3000 {\n		lb_try_duration 9s\n"
            "		transport http {\n			read_timeout 60s\n		}\n	}\n",
            "	reverse_proxy {file./etc/caddy/live}:3000 {\n"
            "		lb_try_duration 9s\n"
            "		transport http {\n			keepalive 3s\n			read_timeout 60s\n		}\n"
            "		request_buffers 64KiB\n"
            "		header_down X-Release {http.reverse_proxy.upstream.host}\n	}\n",
            id="with settings of its own, which win",
        ),
        pytest.param(
            "	reverse_proxy web:3000 {\n		transport http\n	}\n",
            "	reverse_proxy {file./etc/caddy/live}:3000 {\n"
            "		transport http {\n			keepalive 3s\n		}\n"
            "		request_buffers 64KiB\n		lb_try_duration 5s\n"
            "		header_down X-Release {http.reverse_proxy.upstream.host}\n	}\n",
            id="with a transport without a block",
        ),
        pytest.param(
            "	reverse_proxy web:3000 {\n"
            "		transport http {\n			keepalive 1s\n		}\n	}\n",
            "	reverse_proxy {file./etc/caddy/live}:3000 {\n"
            "		transport http {\n			keepalive 1s\n		}\n"
            "		request_buffers 64KiB\n		lb_try_duration 5s\n"
            "		header_down X-Release {http.reverse_proxy.upstream.host}\n	}\n",
            id="with a keepalive of its own",
        ),
    ],
)
def test_a_proxy_to_the_service(given: str, expected: str):
    assert first_site(f"trovella.ai {{\n{given}}}\n") == f"trovella.ai {{\n{expected}}}\n"


def test_other_proxies_and_comments_stay():
    site = "trovella.ai {\n	# reverse_proxy web:3000\n	reverse_proxy /q/* inngest:8288\n"

    assert first_site(site + "	reverse_proxy web:3000\n}\n").startswith(site)


def test_no_site_of_ours_where_caddy_itself_listens():
    application = APPLICATION.model_copy(update={"port": 80})
    rendered = render_caddyfile("trovella.ai {\n	reverse_proxy web:80\n}\n", application)

    assert "Containers that call" not in rendered


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("trovella.ai {\n	file_server\n}\n", "no reverse_proxy names web:3000"),
        ("", "no reverse_proxy names web:3000"),
        (
            "trovella.ai {\n	reverse_proxy web:3000 web2:3000\n}\n",
            "reverse_proxy web:3000 web2:3000: more than one upstream",
        ),
        ("trovella.ai\nreverse_proxy web:3000\n", "reverse_proxy stands outside of a site's block"),
        ("trovella.ai {\n	reverse_proxy {\n		to web:3000\n", "a brace is missing"),
    ],
)
def test_a_file_that_cannot_be_rendered(text: str, problem: str):
    with pytest.raises(ConfigInvalid) as caught:
        render_caddyfile(text, APPLICATION)

    assert caught.value.path == "infra/Caddyfile"
    assert caught.value.problem == problem
