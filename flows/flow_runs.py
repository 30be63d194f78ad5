"""What all our flow runs have in common: a name, a workspace that they hold, and how they end."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.schemas import State
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Crashed

from flows import workspace as ws
from flows.clone import commit_of
from flows.errors import NoClone
from maskopt.errors import MaskoptError

MAX_ASKED = 100  # letters, in the name of a run


def name_after(asked: str) -> str:
    """Return what the page calls any run that somebody asked for: of which commit, where there is one, and when."""
    commit = ""
    with suppress(NoClone, FileNotFoundError):  # the second where there is no git
        commit = f" of {commit_of(Path.cwd())[:7]}"
    if len(asked) > MAX_ASKED:
        asked = f"{asked[:MAX_ASKED]}..."
    return f"{asked}{commit}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


@contextmanager
def this_run(workspace: Path) -> Iterator[None]:
    """Hold the workspace for this flow run, and close the one before it if it was killed.

    Raises:
        Busy: another process holds it.
    """
    with ws.one_run(workspace) as left:
        _close_killed_run(left)
        ws.note_run(workspace, {"pid": str(os.getpid()), "flow_run": str(flow_run.id)})
        yield


def reason(state: State) -> str:
    """Return why a task or flow run failed: our own words, without what Prefect puts before them."""
    err = state.result(raise_on_failure=False)
    return str(err) if isinstance(err, MaskoptError) else state.message or str(err)


def stop_if_cancelled() -> None:
    """End this run if somebody pressed Cancel on its page; a server that cannot be asked has not been told either."""
    state = None
    with suppress(httpx.HTTPError), get_client(sync_client=True) as client:
        state = client.read_flow_run(flow_run.id).state
    if state and (state.is_cancelling() or state.is_cancelled()):
        raise KeyboardInterrupt


def _close_killed_run(left: Mapping[str, str]) -> None:
    """Tell the server that the run before this one is over, if it was killed and could not say so itself."""
    if "flow_run" not in left:
        return
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(left["flow_run"])).state
        except ObjectNotFound:  # of another server
            return
        if state and not state.is_final():
            message = f"process {left['pid']} was killed; found by the run after it"
            client.set_flow_run_state(UUID(left["flow_run"]), Crashed(message=message), force=True)
