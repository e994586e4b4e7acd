from ctrmoe.serving.client import VersionStatus
from ctrmoe.serving.client.status import newest_available, read_status


def test_state_is_read_and_only_available_versions_count():
    answer = {
        "model_version_status": [
            {"version": "3", "state": "LOADING", "status": {"error_code": "OK"}},
            {"version": "2", "state": "AVAILABLE", "status": {"error_message": ""}},
            {"version": "1", "state": "END", "status": {"error_message": "no such file"}},
        ]
    }

    versions = read_status(answer)

    assert versions == [
        VersionStatus(1, "END", "no such file"),
        VersionStatus(2, "AVAILABLE"),
        VersionStatus(3, "LOADING"),
    ]
    assert newest_available(versions) == 2
    assert newest_available(versions[2:]) is None
