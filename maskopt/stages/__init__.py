"""One module per stage of dvc.yaml: read params -> load -> call the library -> save."""
