"""Pages in the frame of a platform's admin: what they load, and who may frame them."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page in a frame loads, and who may frame it."""

    ancestors: tuple[str, ...]
    script: str
    key: str

    def policy(self, rules: str) -> str:
        """Return a content security policy with what the frame needs."""
        parts = urlsplit(self.script)
        told = dict(rule.strip().partition(" ")[::2] for rule in rules.split(";"))
        told |= {
            "script-src": f"'self' {parts.scheme}://{parts.netloc}",
            "connect-src": "'self'",
            "frame-ancestors": " ".join(self.ancestors),
        }
        return "; ".join(f"{name} {rule}" for name, rule in told.items())


def frame_of(request: Request) -> Frame | None:
    """Return the frame that a request was found to come from."""
    found: Frame | None = getattr(request.state, "frame", None)
    return found


def in_frame(request: Request, answer: Response) -> Response:
    """Let an answer be shown where its request came from."""
    frame, rules = frame_of(request), answer.headers.get("content-security-policy")
    if frame is not None and rules is not None:
        answer.headers["content-security-policy"] = frame.policy(rules)
    return answer
