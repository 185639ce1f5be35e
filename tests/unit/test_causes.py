"""What is told of a Java stack trace."""

import pytest

from pipelines.flink.causes import began, causes

WRAPPED = """An error occurred while calling o1.executeSql.
: java.util.concurrent.ExecutionException: outer
\tat java.base/java.util.concurrent.FutureTask.report(FutureTask.java:122)
\t... 13 more
Caused by: org.apache.flink.table.api.ValidationException: SQL validation failed.
From line 2, column 3 to line 2, column 6
\tat org.apache.flink.x.Y$Z.validate(Y.scala:186)
Caused by: java.lang.NullPointerException
\t... 20 more
"""


def test_errors_that_wrap_each_other_from_the_outermost_in() -> None:
    assert causes(WRAPPED) == [
        "java.util.concurrent.ExecutionException: outer",
        "org.apache.flink.table.api.ValidationException: SQL validation failed.\nFrom line 2, column 3 to line 2, column 6",
        "java.lang.NullPointerException",
    ]


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (WRAPPED, "java.lang.NullPointerException"),
        (
            WRAPPED.partition("Caused by: java.lang")[0].rstrip(),
            "org.apache.flink.table.api.ValidationException: SQL validation failed. From line 2, column 3 to line 2, column 6",
        ),
        ("java.io.IOException: No space left on device", "java.io.IOException: No space left on device"),
        ("Connection refused\n(127.0.0.1:19000)", "Connection refused (127.0.0.1:19000)"),
        ("", ""),
    ],
    ids=["wrapped", "of two lines", "alone", "no Java", "nothing"],
)
def test_what_began_it_is_one_line(trace: str, said: str) -> None:
    assert began(trace) == said
