"""What runs in the worker's own process: as little as can be, sent whole.

A function inside a function is sent as code. Any other would be looked up in the module that the worker has loaded,
perhaps days and commits ago; what it starts is a new process, with the code of the clone.
"""
# ruff: noqa: PLC0415  it must bring its imports along

from collections.abc import Callable


def carry_out_in_clone() -> Callable[[str, str], str]:
    """Return a function: an order of `flows.remote`, and where its lines are told -> the answer, or its last words."""

    def carry_out(order: str, topic: str) -> str:
        import subprocess
        import sys
        import tempfile
        import threading
        from pathlib import Path

        from distributed import get_worker

        worker = get_worker()
        key, ended = worker.get_current_task(), threading.Event()

        def end_if_unwanted() -> None:
            """Close the pipe that keeps the guarded process alive when the head is gone, or has cancelled this."""
            while not ended.wait(0.3):
                task = worker.state.tasks.get(key)
                if task is None or task.state == "cancelled" or worker.status.name in {"closing", "closed"}:
                    if process.stdin:
                        process.stdin.close()
                    return

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "order.json").write_text(order, encoding="utf-8")
            lines = []
            with subprocess.Popen(
                [sys.executable, "-m", "flows.guard", sys.executable, "-m", "flows.remote", folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as process:
                threading.Thread(target=end_if_unwanted, daemon=True).start()
                for line in process.stdout or ():
                    lines.append(line.rstrip())
                    if topic:
                        worker.log_event(topic, line.rstrip())
                ended.set()
            answer = Path(folder) / "answer.json"
            return answer.read_text(encoding="utf-8") if answer.is_file() else "\n".join(lines[-15:])

    return carry_out
