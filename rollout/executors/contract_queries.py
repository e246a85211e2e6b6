"""What is asked of PostgreSQL's catalog to read a schema contract.

Each query takes `role`, `schemas` (their numbers) and `without` (tables in full), and answers rows
whose first column says what they belong to; the rest stand in the order of the value's fields.
With an empty `search_path` PostgreSQL itself writes every name in full.

Source: PostgreSQL 18's catalogs, 15's lack `conenforced` only; read 2026-11-25.
"""

from __future__ import annotations

from typing import LiteralString

ROLE = "SELECT oid FROM pg_roles WHERE rolname = %(role)s"

SCHEMAS = """
SELECT n.oid FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT n.nspname = ANY(%(without)s)
  AND (%(schemas)s::text[] = '{}' OR n.nspname = ANY(%(schemas)s))
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_namespace'::regclass
                  AND e.objid = n.oid AND e.deptype = 'e')
"""


def _among(these: LiteralString, query: LiteralString) -> LiteralString:
    return these + query


# The relations that count; every other query begins with it.
_OURS: LiteralString = """
WITH ours AS MATERIALIZED (
  SELECT c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
         has_schema_privilege(%(role)s::name, n.oid, 'USAGE') AS open
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.oid = ANY(%(schemas)s) AND c.relpersistence <> 't'
    AND c.relkind NOT IN ('i', 'I', 't', 'c', 'S')
    AND NOT n.nspname || '.' || c.relname = ANY(%(without)s)
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
                    AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e'))
"""

RELATIONS = _among(
    _OURS,
    """
SELECT o.oid, o.name, o.relkind::text,
  o.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
    AND (o.relforcerowsecurity OR NOT pg_has_role(r.oid, o.relowner, 'USAGE')),
  concat_ws(' ',
    CASE WHEN o.relkind IN ('v', 'm') THEN pg_get_viewdef(o.oid) END,
    CASE WHEN o.relkind = 'v' THEN o.reloptions::text END,
    CASE WHEN o.relkind = 'p' THEN pg_get_partkeydef(o.oid) END,
    CASE WHEN o.relispartition THEN pg_get_expr(o.relpartbound, o.oid) END),
  coalesce((SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
            FROM pg_inherits i WHERE i.inhrelid = o.oid), ''),
  ARRAY(SELECT p FROM unnest('{DELETE,INSERT,SELECT,TRUNCATE,UPDATE}'::text[]) p
        WHERE o.open AND has_table_privilege(r.oid, o.oid, p)),
  ARRAY(SELECT 'constraint ' || k.contype::text || ' ' || pg_get_constraintdef(k.oid)
        FROM pg_constraint k
        WHERE k.conrelid = o.oid AND k.contype NOT IN ('c', 'f', 'n', 'p', 't', 'u', 'x')
        ORDER BY 1)
FROM ours o, pg_roles r WHERE r.rolname = %(role)s ORDER BY o.name
""",
)

COLUMNS = _among(
    _OURS,
    """
SELECT a.attrelid, a.attname::text, format_type(a.atttypid, a.atttypmod),
  a.attnotnull OR t.typnotnull,
  CASE WHEN a.attgenerated <> '' THEN NULL
       ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault) END,
  CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' ELSE '' END,
  CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) ELSE '' END,
  CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text ELSE '' END,
  coalesce(s.oid::regclass::text, ''),
  coalesce(has_sequence_privilege(%(role)s::name, s.oid, 'USAGE, UPDATE'), true),
  ARRAY(SELECT p FROM unnest('{INSERT,SELECT,UPDATE}'::text[]) p
        WHERE o.open AND has_column_privilege(%(role)s::name, o.oid, a.attnum, p))
FROM ours o
JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum
LEFT JOIN LATERAL (
  SELECT q.oid FROM pg_depend e JOIN pg_class q ON q.oid = e.refobjid AND q.relkind = 'S'
  WHERE e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid
    AND e.refclassid = 'pg_class'::regclass ORDER BY q.oid LIMIT 1) s ON true
ORDER BY a.attrelid, a.attnum
""",
)


# PostgreSQL 18 knows constraints that nobody enforces; older servers lack the column.
CHECKS = _among(
    _OURS,
    """
SELECT k.conrelid, pg_get_expr(k.conbin, k.conrelid),
  ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = o.oid AND a.attnum = ANY(k.conkey) ORDER BY 1),
  k.convalidated
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype = 'c'
WHERE to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false' ORDER BY 1, 2, 4
""",
)

FOREIGN_KEYS = _among(
    _OURS,
    """
, actions(letter, action) AS (VALUES ('a', 'no action'), ('r', 'restrict'), ('c', 'cascade'),
                                     ('n', 'set null'), ('d', 'set default'))
SELECT k.conrelid,
  ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
  k.confrelid::regclass::text,
  ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i),
  coalesce(d.action, k.confdeltype::text), coalesce(u.action, k.confupdtype::text),
  CASE k.confmatchtype WHEN 's' THEN 'simple' WHEN 'f' THEN 'full' ELSE k.confmatchtype::text END,
  k.condeferrable, k.convalidated
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype = 'f' AND k.conparentid = 0
LEFT JOIN actions d ON d.letter = k.confdeltype::text
LEFT JOIN actions u ON u.letter = k.confupdtype::text
WHERE to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""",
)

# An index that is not even ready refuses nothing.
KEYS = _among(
    _OURS,
    """
SELECT i.indrelid,
  ARRAY(SELECT coalesce(a.attname::text, pg_get_indexdef(i.indexrelid, p, true))
        FROM generate_series(1, i.indnkeyatts) p
        LEFT JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = i.indkey[p - 1]
        AND a.attnum > 0 ORDER BY p),
  CASE WHEN i.indisexclusion THEN 'exclusion' WHEN i.indisprimary THEN 'primary'
       ELSE 'unique' END,
  coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
  CASE WHEN i.indisexclusion THEN
    coalesce((SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
              WHERE k.conindid = i.indexrelid AND k.contype IN ('x', 'p', 'u')), '') ELSE '' END,
  NOT i.indnullsnotdistinct, NOT i.indimmediate, i.indisvalid, i.indexprs IS NOT NULL
FROM ours o JOIN pg_index i ON i.indrelid = o.oid
WHERE (i.indisunique OR i.indisexclusion) AND i.indisready AND i.indislive
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""",
)

POLICIES = _among(
    _OURS,
    """
SELECT p.polrelid, p.polname::text,
  CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                WHEN 'd' THEN 'delete' ELSE 'all' END,
  p.polpermissive, coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
  coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM ours o JOIN pg_policy p ON p.polrelid = o.oid
WHERE EXISTS (SELECT FROM unnest(p.polroles) x
              WHERE x = 0 OR pg_has_role(%(role)s::name, x, 'USAGE'))
ORDER BY 1, 2
""",
)

TRIGGERS = _among(
    _OURS,
    """
SELECT g.tgrelid, g.tgname::text, pg_get_triggerdef(g.oid), md5(pg_get_functiondef(g.tgfoid))
FROM ours o JOIN pg_trigger g ON g.tgrelid = o.oid
WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') ORDER BY 1, 2
""",
)

RULES = _among(
    _OURS,
    """
SELECT w.ev_class, pg_get_ruledef(w.oid) FROM ours o JOIN pg_rewrite w ON w.ev_class = o.oid
WHERE w.rulename <> '_RETURN' AND w.ev_enabled IN ('O', 'A') ORDER BY 1, 2
""",
)

_TYPES: LiteralString = """
WITH ours AS MATERIALIZED (
  SELECT t.*, t.oid::regtype::text AS name FROM pg_type t
  WHERE t.typnamespace = ANY(%(schemas)s) AND t.typtype IN ('e', 'd', 'c', 'r')
    AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c
                                     WHERE c.oid = t.typrelid AND c.relkind = 'c'))
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_type'::regclass
                    AND e.objid = t.oid AND e.deptype = 'e'))
"""

ENUMS = _among(
    _TYPES,
    """
SELECT o.name, ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = o.oid
                     ORDER BY e.enumsortorder)
FROM ours o WHERE o.typtype = 'e' ORDER BY 1
""",
)

DOMAINS = _among(
    _TYPES,
    """
SELECT o.name, format_type(o.typbasetype, o.typtypmod), o.typnotnull,
  ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
        WHERE k.contypid = o.oid AND k.contype <> 'n' ORDER BY 1)
FROM ours o WHERE o.typtype = 'd' ORDER BY 1
""",
)

OTHER_TYPES = _among(
    _TYPES,
    """
SELECT CASE o.typtype
  WHEN 'c' THEN 'composite ' || o.name || ' (' || coalesce((
    SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                      ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = o.typrelid AND a.attnum > 0
      AND NOT a.attisdropped), '') || ')'
  ELSE 'range ' || o.name || ' of ' || (SELECT format_type(g.rngsubtype, NULL) FROM pg_range g
                                        WHERE g.rngtypid = o.oid) END
FROM ours o WHERE o.typtype IN ('c', 'r') ORDER BY 1
""",
)

SEQUENCES = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
  has_schema_privilege(%(role)s::name, n.oid, 'USAGE')
    AND has_sequence_privilege(%(role)s::name, c.oid, 'USAGE, UPDATE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.oid = ANY(%(schemas)s) AND c.relkind = 'S' AND c.relpersistence <> 't'
  AND NOT n.nspname || '.' || c.relname = ANY(%(without)s)
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
                  AND e.objid = c.oid AND e.deptype IN ('e', 'a', 'i'))
ORDER BY 1
"""

FUNCTIONS = """
SELECT p.oid::regprocedure::text,
  CASE p.prokind WHEN 'a' THEN md5(p.prosrc || p.proisstrict::text)
                 ELSE md5(pg_get_functiondef(p.oid)) END,
  has_schema_privilege(%(role)s::name, p.pronamespace, 'USAGE')
    AND has_function_privilege(%(role)s::name, p.oid, 'EXECUTE')
FROM pg_proc p
WHERE p.pronamespace = ANY(%(schemas)s)
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                  AND e.objid = p.oid AND e.deptype IN ('e', 'i'))
ORDER BY 1
"""

# What only changes speed or the server's log is left out; the narrowest setting wins.
SETTINGS = """
SELECT setting FROM (
  SELECT DISTINCT ON (lower(split_part(one, '=', 1))) one AS setting
  FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) one
  WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %(role)s))
  ORDER BY lower(split_part(one, '=', 1)), s.setrole <> 0 DESC, s.setdatabase <> 0 DESC) narrowest
WHERE setting !~* '^(log_|auto_explain[.]|pg_stat|track_|(maintenance_)?work_mem|random_page_cost)'
ORDER BY 1
"""
