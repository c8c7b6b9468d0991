"""The ASGI application of `boneage serve`: MONAI Label's own, behind a door.

The door asks for the token, refuses bodies that are too large and ids, tags and names that are paths, closes what the
product does not need, and turns expected errors into JSON. Whatever blocks runs in a thread, so that the server answers
while it infers.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
import logging
import os
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, request_response
from monailabel.config import settings
from monailabel.interfaces.exception import MONAILabelException
from monailabel.utils.async_tasks.task import AsyncTask

from boneage.errors import BoneAgeError
from boneage.models import MODEL_NAMES
from monailabel_app.settings import AppSettings

log = logging.getLogger("boneage.server")

OPEN_PATHS = re.compile(r"/(info|infer|activelearning|scoring|train|datastore)(/.*)?|/(openapi\.json|docs)?")
SAFE_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
CHECKED_NAMES = ("image", "label", "id", "tag")
STATUS = {"unknown_image": 404, "unreadable": 422, "store_failed": 503, "archive_unreachable": 502}
NOISY = ("monailabel.endpoints", "monailabel.interfaces", "monailabel.utils")


def create_app() -> Callable:
    """Return the application; token and upload limit come from $BONEAGE_TOKEN and $BONEAGE_UPLOAD_LIMIT_MB.

    Raises:
        InvalidInput: If a setting cannot be used; said now, since MONAI Label would bury it in a traceback.
    """
    AppSettings.from_conf(settings.MONAI_LABEL_APP_CONF)
    _run_in_threads()  # before they are made part of the application
    _tell_progress()
    from monailabel.app import app

    for name in NOISY:  # they write requests whole
        logging.getLogger(name).setLevel(logging.WARNING)
    app.user_middleware.clear()  # cross-origin requests of any site
    app.add_exception_handler(BoneAgeError, _expected)
    app.add_exception_handler(MONAILabelException, _monailabels)
    app.add_exception_handler(Exception, _fault)
    limit = int(os.environ.get("BONEAGE_UPLOAD_LIMIT_MB", "100")) << 20
    return Door(app, os.environ.get("BONEAGE_TOKEN", ""), limit)


class Door:
    """What every request passes first.

    Args:
        inside: The application.
        token: That a client must bring; empty for none.
        most_bytes: Of a body.
    """

    def __init__(self, inside: Callable, token: str, most_bytes: int) -> None:
        self._inside = inside
        self._token = token.encode()
        self._most_bytes = most_bytes

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            return await self._inside(scope, receive, _stopping_tasks(send))
        start, seen = time.perf_counter(), {"status": 0}
        body = _Counted(receive, self._most_bytes)

        async def noting(message: dict[str, Any]) -> None:
            seen["status"] = message.get("status", seen["status"])
            await send(message)

        async def unless_too_large(message: dict[str, Any]) -> None:
            if not body.is_too_large:
                await noting(message)

        try:
            refusal = self._refusal(scope)
            if refusal is None:
                await self._inside(scope, body, unless_too_large)
            if refusal is None and body.is_too_large:  # whatever was made of the half of it
                refusal = self._too_large()
            if refusal is not None:
                await refusal(scope, receive, noting)
        finally:
            place = scope["path"].split("/")[1][:20]  # no ids: a file may be named after a patient
            log.info("%s /%s %s %.0f ms", scope["method"], place, seen["status"], 1e3 * (time.perf_counter() - start))

    def _refusal(self, scope: dict[str, Any]) -> JSONResponse | None:
        headers = dict(scope["headers"])
        if not OPEN_PATHS.fullmatch(scope["path"]):
            return _json_error(404, "not_found", "There is nothing at this address.", "See /docs.")
        if self._token and not hmac.compare_digest(headers.get(b"authorization", b""), b"Bearer " + self._token):
            return _json_error(401, "no_access", "Expected the server's token.", "Send it as Authorization: Bearer ….")
        size = headers.get(b"content-length", b"0")
        if not size.isdigit() or int(size) > self._most_bytes:
            return self._too_large()
        trainer = re.fullmatch(r"/train/([^/]+)", scope["path"])
        if trainer and scope["method"] == "POST" and trainer[1] not in MODEL_NAMES:
            return _json_error(404, "invalid_input", f"Expected one of {', '.join(MODEL_NAMES)}.", "Name one.")
        for name, value in parse_qsl(scope["query_string"].decode("latin-1")):
            if name in CHECKED_NAMES and value and not SAFE_VALUE.fullmatch(value):
                return _json_error(400, "invalid_input", f"Expected {name} as an id, not a path.", "See /datastore/.")
        return None

    def _too_large(self) -> JSONResponse:
        most = f"Expected at most {self._most_bytes >> 20} MB."
        return _json_error(413, "too_large", most, "Send one radiograph at a time, or raise --upload-limit.")


class _Counted:
    """A body that ends where it gets too large, whatever its header says of its length."""

    def __init__(self, receive: Callable, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes
        self.is_too_large = False

    async def __call__(self) -> dict[str, Any]:
        """Return the next piece; a disconnection in the place of one too many."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        self.is_too_large = self.is_too_large or self._left < 0
        return {"type": "http.disconnect"} if self.is_too_large else message


def _stopping_tasks(send: Callable) -> Callable:
    """Return `send`, which also stops the processes of running tasks when the server shuts down."""

    async def noticing(message: dict[str, Any]) -> None:
        if message["type"].startswith("lifespan.shutdown"):
            for method in ("train", "scoring", "batch_infer"):
                AsyncTask.stop(method)
        await send(message)

    return noticing


def _run_in_threads() -> None:
    """Let MONAI Label's endpoints, coroutines that never wait, run in threads instead of the event loop."""
    from monailabel.endpoints import activelearning, datastore, infer, info, scoring, train

    for module in (activelearning, datastore, infer, info, scoring, train):
        for route in module.router.routes:
            if isinstance(route, APIRoute) and inspect.iscoroutinefunction(route.endpoint):
                route.endpoint = route.dependant.call = _blocking(route.endpoint)
                route.app = request_response(route.get_route_handler())


def _tell_progress() -> None:
    """Let GET /train/ say how far a training is."""
    from monailabel.endpoints import train
    from monailabel.interfaces.utils.app import app_instance

    from monailabel_app.retraining_state import with_progress

    train.status = with_progress(train.status, lambda: app_instance().datastore().work_folder)


def _blocking(endpoint: Callable) -> Callable:
    def call(**arguments: Any) -> Any:
        try:
            return asyncio.run(endpoint(**arguments))
        except Exception:
            if remove_uploads := arguments.get("background_tasks"):  # FastAPI runs them only after an answer
                asyncio.run(remove_uploads())
            raise

    call.__signature__ = inspect.signature(endpoint)  # type: ignore[attr-defined]
    call.__name__ = endpoint.__name__
    return call


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BoneAgeError)
    return _json_error(STATUS.get(error.kind, 400), error.kind, error.message, error.advice)


async def _monailabels(_: Request, error: Exception) -> JSONResponse:
    return _json_error(400, "invalid_input", str(getattr(error, "msg", "The request cannot be answered."))[:200], "")


async def _fault(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, json.JSONDecodeError):
        return _json_error(400, "invalid_input", "Expected the parameters as JSON.", "Correct them.")
    return _json_error(500, "fault", "The server met a fault of its own.", "Its log says where; please report it.")


def _json_error(status: int, kind: str, message: str, advice: str) -> JSONResponse:
    return JSONResponse({"error": {"kind": kind, "message": message, "advice": advice}}, status)
