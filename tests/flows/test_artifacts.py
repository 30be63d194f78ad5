from flows.artifacts import validation_table, with_links

KEPT = {"claim": "a has 3 pictures", "holds": True, "stops": True, "rows": 0, "first": [], "got": 3}
BROKEN = {"claim": "no file is empty", "holds": False, "stops": True, "rows": 2, "first": ["a/1.png", "b|c.png"]}
REPORTED = {"claim": "few greys", "holds": False, "stops": False, "rows": 0, "first": [], "got": 9}


def test_validation_says_what_holds_and_which_rows_break_the_rest():
    assert validation_table([KEPT, {**BROKEN, "got": None}, REPORTED]).splitlines() == [
        "1 of 3 hold.",
        "",
        "| holds | claim | found |",
        "| --- | --- | --- |",
        "| yes | a has 3 pictures | 3 |",
        "| **no** | no file is empty | 2 rows: a/1.png, b\\|c.png |",
        "| no, only reported | few greys | 9 |",
    ]


def test_links_to_files_beside_the_report_become_links_that_a_server_can_follow():
    text = "![curves.png](curves.png) and [the list](skipped.csv), see [Words](#words)"
    assert with_links(text, {"curves.png": "../artifact/1"}) == (
        "[curves.png](../artifact/1) and `skipped.csv`, see Words"
    )
