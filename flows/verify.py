"""Look whether the current release is seen from outside as it should be; nothing is changed.

There is no point of no return: the ledger gains a line that says what was seen.
"""

from __future__ import annotations

from prefect import flow

from tasks.verify import current_release, verify_release


@flow(name="verify", flow_run_name="verify {environment}", persist_result=True)
def verify(environment: str = "production") -> str:
    """Verify the release that the environment's host calls its current one.

    Args:
        environment: Name of a file in `deployments/`.

    Returns:
        One sentence: which release serves.

    Raises:
        VerificationFailed: When anything is not as the release says, with all that was seen.
    """
    return verify_release(current_release(environment), environment)
