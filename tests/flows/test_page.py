from flows.page import note_if_out_of_date


def test_report_of_other_code_or_params_is_told(new_workspace):
    workspace = new_workspace({"a": {"cmd": "echo 1 > a"}})
    assert note_if_out_of_date(workspace.root) == {
        "out of date": "1 stages have changed since they ran, first a: run `maskopt run`"
    }
    workspace.dvc("repro")
    assert note_if_out_of_date(workspace.root) == {}
