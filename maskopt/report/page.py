"""What a report says, in sections, and as one Markdown page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from maskopt.files import Record
from maskopt.report.tables import NOTHING

INTRODUCTION = """\
Measured on the .tflite files with ai-edge-litert, on the {pictures} pictures of the test split (data: {source}).
Intervals hold 95% (Wilson). Our sizes are in bytes.

Every model is compared with the fine-tuned float model of its network on the same pictures: "worse" and "better" are
what chance alone would bring in fewer than 1 of 20 cases (exact McNemar; over several seeds, changes of sign of the
pictures' means), in points, with a 95% interval (bootstrap over pictures). So of twenty models that are as good, one
may be called worse or better by chance.

Weights at the start: {starts}.
"""
LEAKS = """\
{alike:,} of {pictures:,} pictures look like another one: {copies:,} pairs are copies, {near_copies:,} near-copies and
{crops:,} crops of one photograph; the largest group of pictures that are alike has {largest:,}. {here:,} test pictures
look like one outside the test split; after a split by chance, {naive:,} would.
"""
REFUSED = """\
{refused:,} of these pairs were left apart, since they would have joined too many pictures.
"""
DRAWN_CROPS = """\
These pictures are drawn one by one: what looks like a crop of another is a false alarm.
"""
OTHER_CROPS = """\
Of pictures that are drawn or rendered, not photographed, what looks like a crop of another may be a false alarm.
"""
SEEDS = """\
Figures are means over the seeds {seeds}, which training and the split into train and val follow, the test split not;
± is the standard deviation between seeds. An interval is as wide as that of one seed: more seeds do not bring more
pictures. "Worse" and "better" are about these trained models, not about the technique: where the ± of a difference is
large beside it, other seeds may say otherwise. Curves, matrices, layers and bytes are of the first seed.
"""
RANDOM = "none"  # of `networks.<network>.weights`
DRAWN = "sample"  # `data.source`

# Name of a table -> title and what must be known to read it; a report holds those of which there are any rows.
SECTIONS = {
    "validation": (
        "Validation",
        """\
How often the int8 files of the first seed are right about the validation pictures, by which alone the model at the top
is chosen. As good but for noise: at most one standard error below the best. Unsure: how often a bundle of the file
would say that it is, and name no class; it chooses nothing here.
""",
    ),
    "table_1": (
        "Table 1: float models",
        """\
Size of the .tflite file as it is.
""",
    ),
    "table_2": (
        "Table 2: compressed models",
        """\
Size of the .tflite file, gzipped (level 9). QAT here is `sparse_clustered_qat`: pruned, clustered, then trained without
keeping either. What is quantised in training (QAT, PCQAT) is int8 alone.
""",
    ),
    "models": (
        "All models",
        """\
Peak activation bytes: the most that is alive at once at batch 1, without the buffers of kernels. Sparsity and values
per channel: of the convolutions and dense layers, which pruning and clustering are about. Calibration error: the mean
distance between how sure a model is and how often it is right. Entropy: what an ideal code of single values would need.
Median ms: of the first seed's files, on the machine where the stage `latency` ran; git may have brought its figures.
""",
    ),
    "recall": (
        "Recall by class",
        """\
Of the pictures of a class, how many are called so.
""",
    ),
    "bytes": (
        "Where the bytes are",
        """\
Of the file as it is. Scales: with their zero points, one for each output channel of each layer. Graph: names, shapes,
operators. [bytes.csv](bytes.csv) has each tensor, what an ideal code of its values would need, and which techniques
were at work there.
""",
    ),
    "skipped": (
        "What each technique skipped",
        """\
Share: of the bytes of all layers. [skipped.csv](skipped.csv) names each layer.
""",
    ),
    "shortcuts": (
        "What file facts tell",
        """\
How often a forest that sees these facts alone, none of the picture, is right about pictures that it has not learned
from (5-fold cross-validation, look-alikes kept together).
""",
    ),
    "front": (
        "Budget search",
        """\
What `maskopt search` tried last, int8 files: those that no other beats in size, latency (one thread) and accuracy on
the validation pictures. [search.csv](search.csv) has all that was tried.
""",
    ),
    "leaks": (
        "Look-alikes on both sides of a split",
        """\
Pairs that look alike, and of which one picture would be tested and the other one known from training: in this split,
where a pair was left apart, or in one by chance. [leaks.csv](leaks.csv) has all of them.
""",
    ),
    "suspects": (
        "Pictures that no model is right about",
        """\
All models of this run, those of every seed, were asked about these test pictures, and all were wrong: the pictures are
too hard, or their labels are wrong. Nothing was left out because of this.
""",
    ),
    "label_problems": (
        "Labels that may be wrong",
        """\
Pictures of all sides of the split whose label a network finds so unlikely, after training without them, that it is
probably wrong (confident learning, Northcutt et al. 2021), the likeliest first; people must look. Nothing was left out
because of this.
""",
    ),
    "extra": (
        "Pictures of another source",
        """\
From the folder that `evaluation.extra` names. Points from the test split: what the change of source costs.
""",
    ),
    "attributes": (
        "Recall by attribute",
        """\
Of the test pictures of a class with a value of an attribute, how many are called so; after "of", their number.
""",
    ),
    "robustness": (
        "Worse pictures",
        """\
Accuracy on the test pictures corrupted in one way, mean of three severities; in brackets the points from the fine-tuned
float model of the network on the same pictures. [robustness.csv](robustness.csv) has each severity.
""",
    ),
    "words": (
        "Words",
        """\
`docs/reading.md` of maskopt says how to read the figures.
""",
    ),
}
BESIDE_PAPER = {
    "table_1": "The paper's figures are its own, for Kaggle's pictures and its settings.\n",
    "table_2": """\
This QAT is the paper's. Which of dynamic range and int8 the paper calls PTQ is not known to us: hold its figure against
either.
""",
}
OTHER_CLASSES = "The paper's figures are left out: they are of other classes.\n"
FIGURES_AFTER = "table_2"
NAMED_CLASSES = 4  # in the title
LONGEST_FIGURE = 40  # letters; longer texts are read as sentences


_FIGURE = re.compile(r"[+-]?\d[\d,]*(\.\d+)?(?![\w.])")  # no version, no name of a file


@dataclass(frozen=True)
class Section:
    """One table, and what must be known to read it."""

    name: str  # of its files
    title: str
    prose: str  # Markdown
    table: pd.DataFrame  # text


def list_sections(texts: Mapping[str, pd.DataFrame], beside_paper: bool) -> list[Section]:
    """Return the sections in the order of the report.

    Args:
        texts: name of a section -> its table, of text.
        beside_paper: whether the paper's figures stand in its tables.
    """
    more = {name: said if beside_paper else OTHER_CLASSES for name, said in BESIDE_PAPER.items()}
    return [
        Section(name, title, prose + more.get(name, ""), texts[name])
        for name, (title, prose) in SECTIONS.items()
        if name in texts
    ]


def entitle(classes: Sequence[str]) -> str:
    """Return the title of a report: the classes that its models tell, the first of them where there are many."""
    rest = len(classes) - NAMED_CLASSES
    return f"Report: {', '.join(classes[:NAMED_CLASSES])}{f' and {rest} more' if rest > 0 else ''}"


def introduce(
    choice: str,
    source: str,
    pictures: int,
    starts: Mapping[str, str],
    seeds: Sequence[int],
    missing: Sequence[str],
    warning: str,
    split: Record,
    gain: str,
) -> str:
    """Return what comes before the tables.

    Args:
        choice: which model to ship, in words; may be empty.
        source: of the pictures.
        pictures: of the test split.
        starts: network -> weights it started from.
        seeds: of the run.
        missing: models that were not measured.
        warning: of shortcuts; may be empty.
        split: its report.
        gain: of a leak, in words; may be empty.
    """
    named = "; ".join(f"{name} {'random values' if at == RANDOM else at}" for name, at in starts.items())
    return "\n".join(
        [
            *([choice] if choice else []),
            INTRODUCTION.format(pictures=f"{pictures:,}", source=source, starts=named),
            _say_leaks(split, source),
            *([gain] if gain else []),
            *([SEEDS.format(seeds=", ".join(map(str, seeds)))] if len(seeds) > 1 else []),
            *([warning] if warning else []),
            *([f"Not measured: {', '.join(missing)}.\n"] if missing else []),
        ]
    )


def write_page(title: str, introduction: str, sections: Sequence[Section], figures: Sequence[str]) -> str:
    """Return the page, with links to the files of figures beside it."""
    parts = [f"# {title}\n", introduction]
    for section in sections:
        parts += [f"## {section.title}\n", section.prose, to_markdown(section.table)]
        if section.name == FIGURES_AFTER:
            parts += ["## Figures\n", *(f"![{name}]({name})\n" for name in figures)]
    return "\n".join(parts)


def to_record(section: Section) -> Record:
    """Return a section as JSON can hold it."""
    table = section.table
    return asdict(section) | {"table": {"columns": list(table.columns), "rows": table.to_numpy(str).tolist()}}


def _say_leaks(split: Record, source: str) -> str:
    links, leaks = split["links"], split["leaks"]
    said = LEAKS.format(
        pictures=split["pictures"],
        alike=split["pictures_with_look_alikes"],
        copies=links["copies"],
        near_copies=links["near_copies"],
        crops=links["crops"],
        largest=split["largest_group"],
        here=leaks["here"],
        naive=leaks["if_parted_by_chance"],
    )
    if links["refused"]:
        said += REFUSED.format(refused=links["refused"])
    if links["crops"]:
        said += DRAWN_CROPS if source == DRAWN else OTHER_CROPS
    return said


def to_markdown(table: pd.DataFrame) -> str:
    """Return a Markdown table of texts as they are, columns of figures to the right."""
    sides = ["right" if are_figures(table[name]) else "left" for name in table.columns]
    return f"{table.to_markdown(index=False, disable_numparse=True, colalign=sides if len(table) else None)}\n"


def are_figures(texts: Iterable[str]) -> bool:
    """Tell whether all texts of a column are short and begin with a figure, but for those that say there is none."""
    known = [text for text in texts if text != NOTHING]
    return bool(known) and all(len(text) <= LONGEST_FIGURE and _FIGURE.match(text) for text in known)
