"""Whether registries have images. They are asked without any credentials, so that nothing but a plain "there is none" counts.

The questions are those of the OCI Distribution Specification (Pulling manifests), with an anonymous token as in the Token Authentication
Specification of distribution/distribution; whole names are those of containers-registries.conf(5).
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode

ANSWER_SECONDS, ALL_SECONDS = 5, 20
AT_ONCE = 8
# A registry answers 404, too, where it has none of the forms that are accepted: these are all that Podman takes.
ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws, application/vnd.docker.distribution.manifest.v1+json"
)
NAME = re.compile(
    r"(?:docker://)?(?P<registry>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::[0-9]+)?)/(?P<repository>[a-z0-9]+(?:(?:[._-]+|/)[a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?"
)


class Image(NamedTuple):
    """An image by its whole name; `version` is its tag or its digest."""

    registry: str
    repository: str
    version: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}{'@' if ':' in self.version else ':'}{self.version}"


def parsed(name: str) -> Image | None:
    """The image that a whole name means; None for a short name, for one of this host (`localhost/`), or another transport."""
    found = NAME.fullmatch(name)
    if not found or not re.search(r"[.:]", found["registry"]) or found["registry"].split(":")[0] == "localhost":
        return None
    registry = "docker.io" if found["registry"] == "index.docker.io" else found["registry"]
    library = "library/" if registry == "docker.io" and "/" not in found["repository"] else ""
    return Image(registry, library + found["repository"], found["digest"] or found["tag"] or "latest")


def manifest_url(image: Image, scheme: str) -> str:
    """Where an image's manifest is; Docker's registry has another name than its images have."""
    host = "registry-1.docker.io" if image.registry == "docker.io" else image.registry
    return f"{scheme}://{host}/v2/{image.repository}/manifests/{image.version}"


def token_url(challenge: str, image: Image, scheme: str) -> str | None:
    """Return where a WWW-Authenticate: header offers a token; None where it asks for something else, or for an unsafe way."""
    kind, _, rest = challenge.partition(" ")
    offered = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = offered.get("realm", "")
    if kind.lower() != "bearer" or not realm.startswith(f"{scheme}://"):
        return None
    service = {"service": offered["service"]} if "service" in offered else {}
    query = urlencode({**service, "scope": offered.get("scope") or f"repository:{image.repository}:pull"})
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


class Asker(urllib.request.HTTPRedirectHandler):
    """Asks registries, and follows where they send it, but never away from https; `scheme` is another one for tests alone."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.opener = urllib.request.build_opener(self)

    def redirect_request(self, *args: Any, **named: Any) -> urllib.request.Request | None:
        """By HTTPRedirectHandler's rules; the second argument is the answer, of which no more is read, the last one is where to."""
        args[1].close()
        return super().redirect_request(*args, **named) if args[-1].startswith(f"{self.scheme}://") else None

    def is_missing(self, image: Image) -> bool:
        """Return whether the registry is certain not to have an image."""
        try:
            # Some registries answer GET alone; and before a rejection the question is asked a second time, as Podman will.
            return self._code(image, "HEAD") in (404, 405) and self._code(image, "GET") == 404
        except (OSError, HTTPException, ValueError, RecursionError):
            return False

    def _code(self, image: Image, method: str, token: str = "") -> int:
        headers = {"Accept": ACCEPT, "User-Agent": "homelab"}
        request = urllib.request.Request(manifest_url(image, self.scheme), method=method, headers=headers)
        if token:
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        try:
            with self.opener.open(request, timeout=ANSWER_SECONDS):
                return 200
        except HTTPError as error:
            error.close()
            urls = [url for one in error.headers.get_all("WWW-Authenticate", []) if (url := token_url(one, image, self.scheme))]
            given = self._token(urls[0]) if error.code == 401 and urls and not token else ""
            return self._code(image, method, given) if given else error.code

    def _token(self, url: str) -> str:
        with self.opener.open(url, timeout=ANSWER_SECONDS) as answer:
            found = json.loads(answer.read(1024 * 1024))
        return str(found.get("token") or found.get("access_token") or "") if isinstance(found, dict) else ""


def absent(images: Iterable[Image], scheme: str = "https") -> set[Image]:
    """Return the images that their registries do not have. Each is looked up once; one without an answer in time counts as present."""
    asker, wanted, found = Asker(scheme), [*set(images)], set[Image]()
    waiting = iter(wanted)

    def work() -> None:
        for image in waiting:
            if asker.is_missing(image):
                found.add(image)

    # Daemons: a name server that never answers holds up neither a preview nor the end of this process.
    threads = [threading.Thread(target=work, daemon=True) for _ in wanted[:AT_ONCE]]
    until = time.monotonic() + ALL_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    return {*found}
