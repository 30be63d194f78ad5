"""Lines of a log that say nothing of the run at hand."""

import logging
import re

# Of TensorFlow, whatever TF_CPP_MIN_LOG_LEVEL says, and of DVC, which has no setting: no word of what a stage does.
_NOISE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    r"|I0000 .*(oneDNN custom operations are on|Could not find cuda drivers)"
    r"|I0000 .*optimized to use available CPU instructions"
    r"|To enable the following instructions: .*, in other operations, rebuild TensorFlow"
    r"|Use `dvc push` to send your updates to remote storage\."
    r"|To track the changes with git, run:|\s*git add [^;&|]*dvc\.lock"
    r"|To enable auto staging, run:|\s*dvc config core\.autostage true"
)
_TASK_RUNS = "prefect.task_runs"  # logger of Prefect


def is_noise(line: str) -> bool:
    """Tell whether a line of a stage says nothing of it: one that TensorFlow or DVC writes in every run."""
    return _NOISE.match(line) is not None


def leave_out_cached(name: str) -> None:
    """Let Prefect say no more that a task run has finished in the state of a cached stage: its page says it.

    Hundreds of such lines would say nothing.
    """
    start = f"Finished in state {name}("
    logging.getLogger(_TASK_RUNS).addFilter(lambda record: not record.getMessage().startswith(start))


def keep_skipped_off_terminal(name: str) -> None:
    """Let the terminal say nothing of task runs in the state of a skipped stage, of which one that failed has dozens.

    Their own pages show these lines and no other word of why nothing ran.
    """
    starts = (f"Finished in state {name}(", f"Task run failed with state: {name}(")
    for terminal in logging.getLogger().handlers:  # of Prefect, since it was imported
        terminal.addFilter(lambda record: record.name != _TASK_RUNS or not record.getMessage().startswith(starts))
