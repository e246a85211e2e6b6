"""The dump of Prefect's database: one that fails has no name, and costs no former one."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from infra.rehearsal.shell import wait_until

ROOT = Path(__file__).parents[3]
PG_DUMP = '#!/bin/sh\nprintf half >"$5"\necho "connection lost" >&2\nexit 1\n'
PSQL = "#!/bin/sh\necho t\n"
KEPT_DAYS = 14


def test_a_dump_that_fails_leaves_the_former_ones(tmp_path: Path):
    backups, programs = tmp_path / "backups", tmp_path / "programs"
    backups.mkdir()
    programs.mkdir()
    for name, text in (("pg_dump", PG_DUMP), ("psql", PSQL)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "prefect-database").write_text("secret")
    former = backups / "prefect-20261101T000000Z.dump"
    former.write_text("whole")
    old_s = time.time() - 2 * KEPT_DAYS * 86_400
    os.utime(former, (old_s, old_s))
    text = (ROOT / "infra/prefect/backup").read_text()
    script = tmp_path / "backup"
    script.write_text(text.replace("/run/secrets", str(tmp_path)).replace("/backups", str(backups)))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "BACKUP_EVERY_S": "60",
        "BACKUP_KEEP_DAYS": str(KEPT_DAYS),
    }

    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen(("sh", script), env=environment, stdout=said, stderr=said)
    try:
        wait_until(lambda: "no dump was written" in (tmp_path / "said").read_text(), "the failure")
    finally:
        running.terminate()
        running.wait()

    assert [one.name for one in backups.glob("*.dump")] == [former.name]
    assert former.read_text() == "whole"
