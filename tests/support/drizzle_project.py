"""The real Drizzle: projects of both layouts, with its own generator and migrators."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from infra.rehearsal.app import packages
from infra.rehearsal.cloud_machine import cloud
from infra.rehearsal.paths import CHECKOUT, Rehearsal
from infra.rehearsal.rehearse import DRIZZLE
from rollout.migrations.journal import Journal, parse
from tests.support.application import node, search_path
from tests.support.world import facts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.database import Scratch

_CONFIG = """
module.exports = {
    dialect: "postgresql", out: "./migrations", schema: "./schema.js",
    dbCredentials: { url: process.env.DATABASE_URL },
};
"""
_SCHEMAS = (
    """
const { pgTable, serial, text } = require("drizzle-orm/pg-core");
exports.note = pgTable("note", { id: serial().primaryKey(), body: text().notNull() });
""",
    """
const { pgTable, pgEnum, serial, text, integer, index, timestamp } = require("drizzle-orm/pg-core");
const colour = pgEnum("colour", ["red", "blue"]);
const note = pgTable("note", {
    id: serial().primaryKey(), body: text().notNull(), done: timestamp(),
});
const tag = pgTable("tag", {
    id: serial().primaryKey(), colour: colour().default("red"),
    note: integer().references(() => note.id),
}, (table) => [index("tag_note").on(table.note)]);
exports.colour = colour;
exports.note = note;
exports.tag = tag;
""",
)
_MIGRATE = """
const { drizzle } = require("drizzle-orm/node-postgres");
const { migrate } = require("drizzle-orm/node-postgres/migrator");
const { Client } = require("pg");
(async () => {
    const client = new Client({ connectionString: process.env.DATABASE_URL });
    await client.connect();
    await migrate(drizzle({ client }), { migrationsFolder: process.argv[2] });
    await client.end();
})().catch((error) => { console.error(error); process.exit(1); });
"""
_KIT = "node_modules/drizzle-kit/bin.cjs"
_RANDOM = re.compile(r"^\\(un)?restrict .*$", re.MULTILINE)


class Project:
    """A folder with the real packages of one layout and two migrations that they generated.

    Args:
        layout: `v0` with a journal, `v1` with folders.
        folder: An empty folder.
    """

    def __init__(self, layout: str, folder: Path) -> None:
        self.folder = folder
        source = CHECKOUT / DRIZZLE / layout
        needed = {name: (source / name).read_bytes() for name in packages.NEEDED}
        for name, content in needed.items():
            (folder / name).write_bytes(content)
        self._install(packages.fetched(Rehearsal().cache / "drizzle", needed))
        (folder / "drizzle.config.js").write_text(_CONFIG)
        (folder / "migrate.js").write_text(_MIGRATE)
        for number, schema in enumerate(_SCHEMAS, 1):
            (folder / "schema.js").write_text(schema)
            self._node(_KIT, "generate", "--name", f"step{number}")
            shutil.copytree(folder / "migrations", folder / f"migrations{number}")

    def journal(self, count: int) -> Journal:
        """Return what the first migrations of the project say."""
        folder = self.folder / f"migrations{count}"
        files = [path for path in folder.rglob("*") if path.is_file()]
        return parse({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})

    def kit_migrates(self, scratch: Scratch) -> None:
        """Let drizzle-kit apply what it takes for pending."""
        self._node(_KIT, "migrate", DATABASE_URL=scratch.url)

    def orm_migrates(self, scratch: Scratch, count: int) -> None:
        """Let drizzle-orm's migrator apply what it takes for pending of the first migrations."""
        self._node("migrate.js", f"migrations{count}", DATABASE_URL=scratch.url)

    def _install(self, cache: Path) -> None:
        npm = packages.find_npm()
        assert npm is not None
        words = [npm, "install", "--no-save", "--ignore-scripts", "--offline", "--cache", cache]
        environment = {"PATH": search_path(), "HOME": str(self.folder)}
        subprocess.run(words, cwd=self.folder, env=environment, check=True, capture_output=True)

    def _node(self, *words: str, **settings: str) -> None:
        done = node(self.folder, *words, HOME=str(self.folder), **settings)
        assert done.returncode == 0, done.stdout + done.stderr


def dump(scratch: Scratch) -> str:
    """Return the schema as PostgreSQL's own pg_dump writes it, without our notes."""
    machine = cloud(Rehearsal(facts()["name"]))
    program = "/usr/lib/postgresql/17/bin/pg_dump"
    text = machine.run(program, "--schema-only", "--exclude-schema=deploy", scratch.url)
    return _RANDOM.sub("", text)
