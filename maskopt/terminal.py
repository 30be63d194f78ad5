"""What users and files give -> what a terminal may show: nothing that steers it, nothing that fills it."""

MAX_LINE = 10_000  # letters; lists of what is known may be long


def legible(text: str) -> str:
    """Return what a terminal may show: other letters as escapes, and the middle of lines without end left out.

    Names, keys and paths that users give stand in messages: they must neither steer a terminal nor fill it.
    """
    seen = "".join(
        letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode()
        for letter in text
    )
    return "\n".join(
        line if len(line) <= MAX_LINE else f"{line[: MAX_LINE // 2]} ... {line[-MAX_LINE // 2 :]}"
        for line in seen.split("\n")
    )


def inline(given: object) -> str:
    """Return a path, or a word of somebody's file, in one line that a terminal may show."""
    return legible(str(given)).replace("\n", "\\n").replace("\t", "\\t")
