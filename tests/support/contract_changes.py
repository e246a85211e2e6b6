"""The lab's changes: each one single change of the base schema, and what it is judged to be."""

from __future__ import annotations

from rollout.model.judgement import Grade
from tests.support.contract_lab import Change

OK, LOW, RISK, BREAK = Grade.OK, Grade.LOW, Grade.RISK, Grade.BREAK

# fmt: off
CHANGES = (
    # Nothing that the old code meets.
    Change("nothing", "select 1", OK),
    Change("new table", "create table t (id serial primary key)", OK),
    Change("new table with a cascading reference",
           "create table t (id serial primary key, user_id integer references users (id) on "
           "delete cascade)", OK),
    Change("new table with a restricting reference",
           "create table t (id serial primary key, user_id integer references users (id))",
           RISK, "new-restriction"),
    Change("new schema with a table", "create schema later; create table later.t (id int)", OK),
    Change("new view", "create view v as select id from users", OK),
    Change("new enum", "create type other as enum ('a')", OK),
    Change("new function", "create function f() returns int language sql as 'select 1'", OK),
    Change("new sequence", "create sequence s", OK),
    Change("new index", "create index on users (name)", OK),
    Change("index dropped", "drop index comments_post", OK),
    Change("constraint renamed", "alter table posts rename constraint posts_price to p", OK),
    Change("unique renamed", "alter table posts rename constraint posts_title_author to p", OK),
    Change("index renamed", "alter index comments_one_body rename to c", OK),
    Change("comment", "comment on table users is 'people'", OK),
    Change("statistics", "alter table users alter column name set statistics 500", OK),
    Change("storage", "alter table users alter column bio set storage external", OK),
    Change("fillfactor", "alter table users set (fillfactor = 80)", OK),
    Change("owner changed", "alter table audit owner to {owner}", OK),
    Change("more privileges", "grant truncate on users to {app}", OK),
    Change("trigger off", "alter table users disable trigger users_stamp", RISK, "trigger-lost"),
    Change("trigger dropped", "drop trigger users_stamp on users", RISK, "trigger-lost"),
    Change("enum renamed", "alter type mood rename to temper", OK),
    Change("domain's check dropped",
           "alter domain email drop constraint email_check", LOW, "check-lost"),
    Change("memory of the role's sessions",
           "alter role {app} in database {database} set work_mem = '8MB'", OK),

    # Columns that the old code does not know.
    Change("new column that may be null", "alter table users add column extra text", OK),
    Change("new column with a default",
           "alter table users add extra text not null default 'x'", OK),
    Change("new column with now()",
           "alter table users add extra timestamptz not null default now()", OK),
    Change("new generated column",
           "alter table users add extra integer generated always as (length(name)) stored", OK),
    Change("new identity column",
           "alter table users add extra bigint generated always as identity", OK),
    Change("new serial column, usable",
           "alter table users add extra serial; grant usage on sequence users_extra_seq to {app}",
           OK),
    Change("new serial column, not usable",
           "alter table users add extra serial", BREAK, "sequence-closed"),
    Change("new column that must be given",
           "alter table users add extra text not null default 'x'; alter table users alter extra "
           "drop default", BREAK, "unknown-column-required"),
    Change("new unique column that stays null", "alter table users add extra text unique", OK),
    Change("new unique uuid column",
           "alter table users add extra uuid not null default gen_random_uuid() unique", OK),
    Change("new unique column with a constant",
           "alter table audit add extra integer not null default 1 unique",
           BREAK, "unknown-key-constant"),
    Change("new unique column where null stands once",
           "alter table users add extra text; create unique index on users (extra) nulls not "
           "distinct", BREAK, "unknown-key-constant"),
    Change("new checked column that stays null",
           "alter table users add extra integer check (extra > 0)", OK),
    Change("new column whose check refuses null",
           "alter table users add extra integer check (extra is not null)", RISK, "new-check"),
    Change("new reference that stays null",
           "alter table audit add user_id integer references users (id) on delete set null", OK),
    Change("new reference with a default",
           "alter table audit add user_id integer default 77 references users (id) on delete "
           "cascade", RISK, "new-reference"),
    Change("new column of a domain that refuses null",
           "create domain must as text not null; alter table audit add extra must",
           BREAK, "unknown-column-required"),
    Change("new column of a domain with a default",
           "create domain must as text not null default 'x'; alter table audit add extra must", OK),
    Change("new column with a default of a closed function",
           "create function f() returns int language sql as 'select 1'; revoke execute on "
           "function f() from public; alter table audit add extra int default f()",
           RISK, "unknown-default"),

    # Names that are gone.
    Change("column dropped", "alter table users drop column bio", BREAK, "column-gone"),
    Change("column renamed",
           "alter table users rename column bio to biography", BREAK, "column-gone"),
    Change("generated column dropped", "alter table posts drop column words", BREAK, "column-gone"),
    Change("table dropped", "drop table audit", BREAK, "relation-gone"),
    Change("table renamed", "alter table audit rename to journal", BREAK, "relation-gone"),
    Change("table moved", "alter table audit set schema billing", BREAK, "relation-gone"),
    Change("schema renamed", "alter schema billing rename to money", BREAK, "relation-gone"),
    Change("view dropped", "drop view active_users", BREAK, "relation-gone"),
    Change("view with other rows",
           "create or replace view active_users as select id, email, name from users",
           RISK, "view-changed"),
    Change("view with one column more",
           "create or replace view active_users as select id, email, name, bio from users where "
           "active", RISK, "view-changed"),
    Change("view with a column less",
           "drop view active_users; create view active_users as select id, email from users "
           "where active; grant select on active_users to {app}", BREAK, "column-gone"),
    Change("table renamed with a view in its place",
           "alter table audit rename to journal; create view audit as select * from journal; "
           "grant select, insert, update, delete on audit to {app}", RISK, "kind-changed"),
    Change("table renamed with a view that groups",
           "alter table audit rename to journal; create view audit as select at, what, ref from "
           "journal group by 1, 2, 3; grant select, insert, update, delete on audit to {app}",
           RISK, "kind-changed"),
    Change("table partitioned",
           "alter table audit rename to journal; create table audit (at timestamptz not null "
           "default now(), what text, ref integer) partition by range (at); create table audit_1 "
           "partition of audit default; grant select, insert, update, delete on audit to {app}",
           RISK, "kind-changed"),
    Change("table partitioned without a place for today",
           "alter table audit rename to journal; create table audit (at timestamptz not null "
           "default now(), what text, ref integer) partition by range (at); grant select, "
           "insert, update, delete on audit to {app}", RISK, "kind-changed"),
    Change("column dropped and made anew",
           "alter table users drop column bio; alter table users add column bio text", OK),
    Change("sequence dropped", "drop sequence ticket", RISK, "sequence-gone"),
    Change("function dropped", "drop function is_short(text)", RISK, "function-changed"),
    Change("function replaced",
           "create or replace function is_short(text) returns boolean immutable language sql as "
           "$$ select false $$", RISK, "function-changed"),

    # Types.
    Change("varchar wider", "alter table users alter nick type varchar(40)", OK),
    Change("varchar without a limit", "alter table users alter nick type varchar", OK),
    Change("varchar to text", "alter table users alter nick type text", OK),
    Change("varchar narrower",
           "alter table users alter nick type varchar(10)", RISK, "type-narrower"),
    Change("varchar much narrower",
           "alter table users alter nick type varchar(3)", RISK, "type-narrower"),
    Change("text to a short varchar",
           "alter table users alter bio type varchar(10)", RISK, "type-narrower"),
    Change("text to varchar without a limit", "alter table users alter bio type varchar", OK),
    Change("text to char", "alter table users alter bio type char(400)", RISK, "type-narrower"),
    Change("numeric wider", "alter table posts alter price type numeric(12,2)", OK),
    Change("numeric without a limit", "alter table posts alter price type numeric", OK),
    Change("numeric of fewer digits",
           "alter table posts alter price type numeric(4,2)", RISK, "type-narrower"),
    Change("numeric of more scale and fewer digits before it",
           "alter table posts alter price type numeric(10,4)", RISK, "type-narrower"),
    Change("numeric of less scale",
           "alter table posts alter price type numeric(10,0)", RISK, "type-narrower"),
    Change("integer to bigint", "alter table users alter age type bigint", LOW, "type-wider"),
    Change("smallint to integer", "alter table users alter score type integer", LOW, "type-wider"),
    Change("bigint to integer",
           "alter table comments alter hits type integer", RISK, "type-narrower"),
    Change("integer to smallint",
           "alter table users alter age type smallint", RISK, "type-narrower"),
    Change("integer to text", "alter table audit alter ref type text", BREAK, "type-other"),
    Change("text to integer",
           "alter table audit alter what type integer using null", BREAK, "type-other"),
    Change("text to jsonb",
           "alter table users alter bio type jsonb using to_jsonb(bio)", BREAK, "type-other"),
    Change("jsonb to json",
           "alter table users alter settings drop default; alter table users alter settings type "
           "json; alter table users alter settings set default '{}'", RISK, "type-narrower"),
    Change("jsonb to text",
           "alter table users alter settings drop default; alter table users alter settings type "
           "text; alter table users alter settings set default '{}'", BREAK, "type-other"),
    Change("timestamptz to timestamp",
           "alter table users alter created_at type timestamp", BREAK, "type-other"),
    Change("timestamp of more digits",
           "alter table posts alter published_at type timestamp(6)", OK),
    Change("timestamp of fewer digits",
           "alter table posts alter published_at type timestamp(0)", LOW, "type-rounds"),
    Change("date to timestamp",
           "alter table posts alter published_on type timestamp", BREAK, "type-other"),
    Change("real to double",
           "alter table posts alter rating type double precision", LOW, "type-wider"),
    Change("real to numeric", "alter table posts alter rating type numeric", BREAK, "type-other"),
    Change("boolean to integer",
           "alter table billing.invoices alter paid_at type text; alter table users alter active "
           "drop default; drop view active_users; alter table users alter active type integer "
           "using active::int; alter table users alter active set default 1; create view "
           "active_users as select id, email, name from users where active = 1; grant select on "
           "active_users to {app}", BREAK, "type-other"),
    Change("array of shorter texts",
           "alter table users alter tags type varchar(3)[]", RISK, "type-narrower"),
    Change("array of varchar without a limit", "alter table users alter tags type varchar[]", OK),
    Change("array to text",
           "alter table users alter tags drop default; alter table users alter tags type text "
           "using '{}'; alter table users alter tags set default '{}'", BREAK, "type-other"),
    Change("collation",
           "alter table users alter bio type text collate \"C\"", RISK, "collation-changed"),
    Change("text to a domain that refuses",
           "alter table users alter bio type email using 'x@x'", RISK, "type-narrower"),
    Change("text to a domain that refuses nothing", "alter table users alter bio type label", OK),
    Change("domain to its base", "alter table posts alter contact type text", OK),
    Change("domain's new check",
           "alter domain label add check (length(value) < 2)", RISK, "domain-stricter"),
    Change("domain refuses null", "alter domain label set not null", BREAK, "null-refused"),

    # Enums.
    Change("enum's new label", "alter type mood add value 'sad'", LOW, "label-new"),
    Change("enum's label renamed",
           "alter type mood rename value 'busy' to 'hectic'", BREAK, "label-gone"),
    Change("enum's label removed",
           "alter table users alter mood drop default; alter type mood rename to mood_old; "
           "create type mood as enum ('calm'); alter table users alter mood type mood using "
           "mood::text::mood; alter table users alter mood set default 'calm'; drop type "
           "mood_old", BREAK, "label-gone"),
    Change("enum to text",
           "alter table users alter mood drop default; alter table users alter mood type text "
           "using mood::text; alter table users alter mood set default 'calm'",
           BREAK, "type-other"),
    Change("text to enum",
           "alter table audit alter what type mood using 'calm'", BREAK, "type-other"),

    # NULL and defaults.
    Change("null refused", "alter table users alter bio set not null", BREAK, "null-refused"),
    Change("null refused, with a default",
           "alter table users alter bio set default 'x'; alter table users alter bio set not "
           "null", RISK, "null-refused-default"),
    Change("null allowed", "alter table users alter name drop not null", LOW, "null-allowed"),
    Change("default lost, null refused",
           "alter table users alter score drop default", BREAK, "default-lost"),
    Change("default lost, null allowed",
           "alter table comments alter hits drop not null; alter table comments alter hits drop "
           "default", LOW, "default-lost"),
    Change("default changed",
           "alter table users alter score set default 5", LOW, "default-changed"),
    Change("default changed to one that a check refuses",
           "alter table posts alter price set default -1", RISK, "default-changed"),
    Change("default of NULL",
           "alter table users alter score set default null", BREAK, "default-lost"),
    Change("default new", "alter table users alter bio set default ''", LOW, "default-new"),
    Change("serial's default lost",
           "alter table users alter id drop default", BREAK, "default-lost"),
    Change("serial to identity",
           "alter table users alter id drop default; alter table users alter id add generated by "
           "default as identity", OK),
    Change("serial to identity always",
           "alter table users alter id drop default; alter table users alter id add generated "
           "always as identity", RISK, "identity-always"),
    Change("identity always",
           "alter table comments alter id set generated always", RISK, "identity-always"),
    Change("identity lost", "alter table comments alter id drop identity", BREAK, "default-lost"),
    Change("identity always to by default",
           "alter table billing.invoices alter id set generated by default", OK),
    Change("becomes generated, must be given",
           "alter table users drop column name cascade; alter table users add name text not null "
           "generated always as (email) stored; create view active_users as select id, email, "
           "name from users where active; grant select on active_users to {app}",
           BREAK, "became-generated"),
    Change("becomes generated, need not be given",
           "alter table users drop column bio; alter table users add bio text generated always "
           "as (email) stored", RISK, "became-generated"),
    Change("generated no more",
           "alter table posts alter words drop expression", LOW, "generated-no-more"),
    Change("generated otherwise",
           "alter table posts drop column words; alter table posts add words integer generated "
           "always as (1) stored", RISK, "generated-otherwise"),
    Change("generated otherwise, and may fail",
           "alter table posts drop column words; alter table posts add words integer generated "
           "always as (1 / (length(title) - 5)) stored", RISK, "generated-otherwise"),
    Change("new check that bites",
           "alter table users add check (length(name) < 3)", RISK, "new-check"),

    # Checks, keys, references.
    Change("new check that is not validated",
           "alter table users add check (length(name) < 3) not valid", RISK, "new-check"),
    Change("new check that is wide",
           "alter table users add check (length(name) < 100000)", RISK, "new-check"),
    Change("new check of what is not null anyway",
           "alter table users add check (name is not null)", OK),
    Change("check stricter",
           "alter table posts drop constraint posts_price; alter table posts add constraint "
           "posts_price check (price > 100)", RISK, "new-check"),
    Change("check lost", "alter table posts drop constraint posts_price", LOW, "check-lost"),
    Change("check validated anew",
           "alter table posts drop constraint posts_price; alter table posts add constraint "
           "posts_price check (price >= 0) not valid", OK),
    Change("new unique over old columns", "alter table users add unique (name)", RISK, "new-key"),
    Change("new unique that contains a key", "alter table users add unique (email, name)", OK),
    Change("new unique of an expression",
           "create unique index on users (lower(email))", RISK, "new-key"),
    Change("new partial unique",
           "create unique index on users (name) where active", RISK, "new-key"),
    Change("unique with another column",
           "drop index comments_one_body; create unique index on comments (post_id)",
           RISK, "new-key"),
    Change("unique where null stands once",
           "alter table users add constraint one_nick unique nulls not distinct (nick)",
           RISK, "new-key"),
    Change("new exclusion", "alter table audit add exclude (ref with =)", RISK, "new-key"),
    Change("new primary key over what may repeat",
           "alter table audit alter ref set not null; alter table audit add primary key (ref)",
           BREAK, "null-refused"),
    Change("unique lost", "alter table users drop constraint users_email_key", RISK, "key-lost"),
    Change("unique index lost", "drop index comments_one_body", RISK, "key-lost"),
    Change("unique made deferrable",
           "alter table users drop constraint users_email_key; alter table users add unique "
           "(email) deferrable", RISK, "key-lost"),
    Change("unique made an index",
           "alter table posts drop constraint posts_title_author; create unique index on posts "
           "(author_id, title)", OK),
    Change("unique of another order",
           "alter table posts drop constraint posts_title_author; alter table posts add unique "
           "(title, author_id)", OK),
    Change("partial unique becomes whole",
           "drop index billing.invoices_number; create unique index on billing.invoices (number)",
           RISK, "new-key"),
    Change("new reference",
           "alter table audit add foreign key (ref) references users (id)", RISK, "new-reference"),
    Change("new reference, not validated",
           "alter table audit add foreign key (ref) references users (id) not valid",
           RISK, "new-reference"),
    Change("reference lost",
           "alter table billing.invoices drop constraint invoices_user_id_fkey",
           LOW, "reference-lost"),
    Change("cascading reference lost",
           "alter table posts drop constraint posts_author_id_fkey", RISK, "cascade-lost"),
    Change("cascade becomes no action",
           "alter table posts drop constraint posts_author_id_fkey; alter table posts add "
           "foreign key (author_id) references users (id)", RISK, "reference-acts-otherwise"),
    Change("set null becomes restrict",
           "alter table posts drop constraint posts_editor_id_fkey; alter table posts add "
           "foreign key (editor_id) references users (id) on delete restrict",
           RISK, "reference-acts-otherwise"),
    Change("no action becomes cascade",
           "alter table billing.invoices drop constraint invoices_user_id_fkey; alter table "
           "billing.invoices add foreign key (user_id) references users (id) on delete cascade",
           RISK, "reference-acts-otherwise"),
    Change("reference made deferrable",
           "alter table billing.invoices alter constraint invoices_user_id_fkey deferrable "
           "initially deferred", LOW, "reference-deferrable"),

    # Triggers, rules, row security, privileges, settings.
    Change("new trigger that refuses",
           "create function no() returns trigger language plpgsql as $$ begin raise exception "
           "'no'; end $$; create trigger no before insert on users for each row execute function "
           "no()", RISK, "trigger-changed"),
    Change("new trigger that keeps rows away",
           "create function no() returns trigger language plpgsql as $$ begin return null; end "
           "$$; create trigger no before update on users for each row execute function no()",
           RISK, "trigger-changed"),
    Change("new trigger that does nothing",
           "create trigger again before insert on users for each row execute function stamp()",
           RISK, "trigger-changed"),
    Change("trigger's function replaced",
           "create or replace function stamp() returns trigger language plpgsql as $$ begin "
           "raise exception 'no'; end $$", RISK, "trigger-changed"),
    Change("new trigger in a DO block",
           "do $$ begin create trigger again before insert on audit for each row execute "
           "function stamp(); end $$", RISK, "trigger-changed"),
    Change("rule that does nothing instead",
           "create rule no as on insert to audit do instead nothing", BREAK, "rule-new"),
    Change("rule that deletes nothing",
           "create rule no as on delete to users do instead nothing", BREAK, "rule-new"),
    Change("row security without a policy",
           "alter table users enable row level security", RISK, "row-security"),
    Change("row security with a policy for all",
           "create policy all_rows on users using (true); alter table users enable row level "
           "security", RISK, "row-security"),
    Change("policy that is not in force", "create policy none on users using (false)", OK),
    Change("insert revoked", "revoke insert on users from {app}", BREAK, "privilege-lost"),
    Change("select revoked", "revoke select on audit from {app}", BREAK, "privilege-lost"),
    Change("delete revoked", "revoke delete on comments from {app}", BREAK, "privilege-lost"),
    Change("one column's update revoked",
           "revoke update on users from {app}; grant update (id, email, name, bio, nick, age, "
           "score, mood, tags, active, settings) on users to {app}", BREAK, "privilege-lost"),
    Change("insert by column",
           "revoke insert on audit from {app}; grant insert (at, what, ref) on audit to {app}", OK),
    Change("usage of a schema revoked",
           "revoke usage on schema billing from {app}", BREAK, "privilege-lost"),
    Change("usage of a sequence revoked",
           "revoke usage on sequence users_id_seq from {app}", BREAK, "sequence-closed"),
    Change("execute revoked",
           "revoke execute on function is_short(text) from public", RISK, "function-changed"),
    Change("other search path",
           "alter role {app} in database {database} set search_path = billing",
           RISK, "setting-changed"),
    Change("read-only by default",
           "alter role {app} in database {database} set default_transaction_read_only = on",
           RISK, "setting-changed"),
)
