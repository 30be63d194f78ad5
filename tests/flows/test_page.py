from flows.page import tell_if_out_of_date


def test_report_of_other_code_or_params_is_told(new_workspace):
    workspace = new_workspace({"a": {"cmd": "echo 1 > a"}})
    assert tell_if_out_of_date(workspace.root) == (
        "1 stages have changed since they ran, the first of them a: run `maskopt run`"
    )
    workspace.dvc("repro")
    assert tell_if_out_of_date(workspace.root) is None
