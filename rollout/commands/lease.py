"""Commands about a target's lease: take and keep it, fence what changes, hold deploys back.

The lease is a file lock on the host. It is held by a program there that lives for as long as it
hears from its owner over the owner's one connection: a killed owner is noticed at once, one that
was paused or cut off after `SILENCE_S`. Nothing has to be cleaned up, a reboot included.

Whoever takes the lease writes its token, and ends what a former owner left running. Every changing
command asks first, under a second lock, whether the token is still its own and the lease is held:
an owner that wakes up too late changes nothing.

The folder holds `lock` and `holder` (who has it), `token`, `change` (the session of the command
that is changing something), `next.lock` and `next` (the newest deploy that waits), and
`hold` (a person who keeps deploys back).
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Literal

from rollout.model.command import Command, bash_script, script
from rollout.model.lease import Holder, LeaseFacts

if TYPE_CHECKING:
    from rollout.model.layout import Layout
    from rollout.model.lease import Claim

Way = Literal["wait", "resume"]

SILENCE_S = 12
"""How long an owner may not be heard before the lease is free, in seconds."""
LONGEST_RUN_S = 6 * 3600.0
"""How long a lease can be held at all, in seconds."""

NO_FOLDER = 75
STUCK = 76
BUSY = 77
NO_ROOM = 79
TAKEN = 96
UNHELD = 97

_FOLDER = f"""\
lease=$1
[ -w "$lease" ] || sudo -n install -d -m 700 -o "$(id -un)" "$lease" || exit {NO_FOLDER}
cd "$lease" || exit
"""

_ON_HOLD = """\
on_hold() {
    [ -s hold ] || return 1
    until=$(head -n 1 hold)
    [ "$until" = 0 ] || [ "$(date +%s)" -lt "$until" ]
}
"""

# `next` is one line: when it was asked for, the token, the claim. Who wrote it lives for as long as
# somebody holds next.lock, so the first in line lets go of that for a moment when a newer one came.
_TAKE = f"""\
# hold the lease for as long as its owner is heard
umask 077
export LC_ALL=C
{_FOLDER}
token=$2 silence=$3 way=$4 asked=$5 claim=$6
last=$SECONDS
exec 9>>lock 7>>next.lock
{_ON_HOLD}
heard() {{
    local wait_s=$1 status
    while :; do
        IFS= read -r -t "$wait_s" _
        status=$?
        if [ "$status" -eq 0 ]; then
            last=$SECONDS wait_s=0.01
        elif [ "$status" -gt 128 ]; then
            [ $((SECONDS - last)) -lt "$silence" ]
            return
        else
            return 1
        fi
    done
}}
newer_waits() {{
    their_token=''
    read -r their_asked their_token their_claim 2>/dev/null <next || return 1
    [ "$their_token" != "$token" ] && [[ "$their_asked" > "$asked" ]]
}}
stand_in_line() {{
    if newer_waits; then
        if [ -n "$first" ]; then
            first=
            flock --unlock 7
            return
        fi
        if ! flock --nonblock 7; then
            printf 'superseded %s\\n' "$their_claim"
            exit 0
        fi
        first=1
    elif flock --nonblock 7; then
        first=1
    fi
    [ "$their_token" != "$token" ] || return 0
    printf '%s %s %s\\n' "$asked" "$token" "$claim" >next.tmp
    mv next.tmp next
}}
leave_line() {{
    exec 7>&-
    read -r _ their_token _ 2>/dev/null <next || return 0
    [ "$their_token" != "$token" ] || rm -f next
}}
lost() {{
    printf 'lost %s\\n' "$(cat holder)"
    exit 0
}}
end_leftover() {{
    local leftover
    leftover=$(cat change 2>/dev/null)
    for signal in TERM TERM KILL KILL; do
        ! flock --timeout 1 change true || return 0
        # shellcheck disable=SC2046 # one word a process
        kill "-$signal" $(session "$leftover") 2>/dev/null || :
    done
    flock --timeout 5 change true
}}
session() {{
    awk -v session="$1" '{{ pid = $1; sub(/.*\\) /, ""); if ($4 == session) print pid }}' \\
        /proc/[0-9]*/stat 2>/dev/null
}}
# One that was asked for long after it had the lease came from a clock that ran ahead: by then it
# says nothing. Clocks may differ by some minutes.
ran_ahead() {{
    local since
    since=$(sed -n 's/.*"since": "\\([^"]*\\)".*/\\1/p' holder)
    [ "$(date -d "$last_asked" +%s)" -gt $(($(date -d "$since" +%s) + 300)) ]
}}

told='' first=''
until flock --timeout 0.5 9; do
    heard 0.01 || exit 0
    if [ "$way" = resume ]; then
        [ "$(cat token)" = "$token" ] || lost
        kill -KILL "$(cat pid)" 2>/dev/null || :
    fi
    if [ "$(cat holder 2>/dev/null)" != "$told" ]; then
        told=$(cat holder)
        printf 'busy %s\\n' "$told"
    fi
    [ -z "$asked" ] || stand_in_line
done
[ -z "$asked" ] || leave_line
[ "$way" = wait ] || [ "$(cat token)" = "$token" ] || lost
last_asked=$(sed -n 's/.*"asked_at": "\\([^"]*\\)", "supersedes": true.*/\\1/p' holder 2>/dev/null)
if [ "$way" = wait ] && [ -n "$asked" ] && [[ "$last_asked" > "$asked" ]] && ! ran_ahead; then
    printf 'superseded %s\\n' "$(cat holder)"
    exit 0
fi
if [ "$way" = wait ] && on_hold; then
    printf 'on-hold %s\\n' "$(sed 1d hold)"
    exit 0
fi
printf %s "$$" >pid
if [ "$(cat token 2>/dev/null)" != "$token" ]; then
    printf %s "$token" >token.tmp
    sync token.tmp
    [ "$(cat token.tmp)" = "$token" ] || exit {NO_ROOM}
    mv token.tmp token
fi
since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
printf '{{"since": "%s", %s\\n' "$since" "${{claim#?}}" >holder.tmp && mv holder.tmp holder
end_leftover 9>&- || exit {STUCK}
printf 'held\\n'
told=
while heard 1; do
    if [ -n "$asked" ] && [ -z "$told" ] && newer_waits && ! flock --nonblock next.lock true; then
        told=1
        printf 'newer %s\\n' "$their_claim"
    fi
done
"""

_FENCED = f"""\
# only while this run holds the lease
lease=$1 token=$2
shift 2
exec 8>>"$lease/change"
flock 8
[ "$(cat "$lease/token")" = "$token" ] || exit {TAKEN}
! flock --shared --nonblock "$lease/lock" true || exit {UNHELD}
cut -d' ' -f6 "/proc/$$/stat" >"$lease/change"
"$@" 8>&-
"""

_READ = f"""\
# read who has the lease
cd "$1" 2>/dev/null || exit 0
{_ON_HOLD}
[ ! -e lock ] || flock --shared --nonblock lock true || printf 'holder %s\\n' "$(cat holder)"
! on_hold || printf 'hold %s\\n' "$(sed 1d hold)"
"""

_WRITE_HOLD = f"""\
write_hold() {{
    now=$(date +%s) until=0 shown=
    if [ "$1" != 0 ]; then
        until=$((now + $1))
        shown=$(date -u -d "@$until" +%Y-%m-%dT%H:%M:%SZ)
    fi
    since=$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)
    printf '%s\\n{{"since": "%s", "until": "%s", %s\\n' "$until" "$since" "$shown" "${{2#?}}" \\
        >hold.tmp || exit {NO_ROOM}
    sync hold.tmp || exit {NO_ROOM}
    mv hold.tmp hold
    printf 'hold %s\\n' "$(sed 1d hold)"
}}
"""

_HOLD = f"""\
# keep deploys back
umask 077
{_FOLDER}
exec 9>>lock
{_ON_HOLD}
{_WRITE_HOLD}
flock --timeout "$2" 9 || {{
    printf 'holder %s\\n' "$(cat holder)"
    exit {BUSY}
}}
if on_hold; then
    printf 'hold %s\\n' "$(sed 1d hold)"
    exit {BUSY}
fi
# A run that was cut off and comes back finds that somebody else has had the lease.
printf %s "$5" >token.tmp || exit {NO_ROOM}
mv token.tmp token
write_hold "$3" "$4"
"""

_HOLD_WITHIN = f"""\
# keep deploys back from now on; this run has the lease
umask 077
cd "$1" || exit
{_WRITE_HOLD}
write_hold 0 "$2"
"""

_RELEASE = f"""\
# let deploys go on
cd "$1" 2>/dev/null || exit 0
{_ON_HOLD}
! on_hold || printf 'hold %s\\n' "$(sed 1d hold)"
rm -f hold
"""


def take_command(layout: Layout, claim: Claim, way: Way) -> Command:
    """Return the program that waits for the lease and holds it.

    It reads a line every few seconds, any line, and ends when it hears nothing for `SILENCE_S`, or
    its input ends. It writes lines that `parse_said` reads.

    Args:
        layout: Where the application lies.
        claim: Who asks.
        way: `wait` takes it when it is free; `resume` takes it up again after a cut, which only
            works when nobody had it in between.
    """
    asked = claim.asked_at if claim.supersedes else ""
    words = (layout.lease, claim.token, str(SILENCE_S), way, asked, _json(claim))
    return Command(
        bash_script(_TAKE, *words),
        timeout_s=LONGEST_RUN_S,
        meanings={
            NO_FOLDER: f"{layout.lease} cannot be made: the login may not use sudo",
            NO_ROOM: _full(layout),
            STUCK: "what a former owner left running could not be ended",
        },
    )


def fenced(command: Command, layout: Layout, token: str) -> tuple[str, ...]:
    """Return the words that run a command only while the lease is held by this token.

    They end with `TAKEN` when somebody else has had it since, and with `UNHELD` when nobody holds
    it; in both cases the command was not run.
    """
    return script(_FENCED, layout.lease, token, *command.argv)


def read_lease_command(layout: Layout) -> Command:
    """Return the command that reads what `parse_lease` understands."""
    return Command(script(_READ, layout.lease), changes=False)


def hold_command(layout: Layout, claim: Claim, *, wait_s: int, for_s: int) -> Command:
    """Return the command with which a person keeps deploys back.

    Args:
        layout: Where the application lies.
        claim: Who does, and why.
        wait_s: How long to wait for a run that is at work, in seconds; 0 does not wait.
        for_s: How long it shall last, in seconds; 0 means until it is released.
    """
    words = (layout.lease, str(wait_s), str(for_s), _json(claim), claim.token)
    return Command(
        script(_HOLD, *words),
        timeout_s=wait_s + 30,
        meanings={
            NO_FOLDER: f"{layout.lease} cannot be made: the login may not use sudo",
            BUSY: "somebody else has it",
            NO_ROOM: _full(layout),
        },
    )


def hold_within_command(layout: Layout, claim: Claim) -> Command:
    """Return the command with which a run that has the lease keeps deploys back from its end on.

    Args:
        layout: Where the application lies.
        claim: Who does, and why; until somebody releases it.
    """
    words = script(_HOLD_WITHIN, layout.lease, _json(claim))
    return Command(words, meanings={NO_ROOM: _full(layout)})


def release_hold_command(layout: Layout) -> Command:
    """Return the command that lets deploys go on, and tells who held them back."""
    return Command(script(_RELEASE, layout.lease))


def parse_lease(stdout: str) -> LeaseFacts:
    """Return what `read_lease_command` or `hold_command` wrote, as facts."""
    said = dict(parse_said(line) for line in stdout.splitlines())
    return LeaseFacts(holder=said.get("holder"), hold=said.get("hold"))


def parse_said(line: str) -> tuple[str, Holder | None]:
    """Return the word that a line begins with, and whom it is about; None where nobody.

    Words: `busy` (somebody has it: waiting), `on-hold` (a person keeps deploys back), `superseded`
    (a newer deploy waits in our place), `lost` (somebody else had it in between), `held` (it is
    ours), `newer` (it is ours, and a newer deploy waits).

    Example:
        >>> parse_said('busy {"owner": "ada", "since": "2026-11-23T08:00:00Z"}')[1].owner
        'ada'
    """
    word, _, text = line.strip().partition(" ")
    return word, _holder(text)


def _full(layout: Layout) -> str:
    return f"{layout.lease} cannot be written: its file system is full"


def _holder(text: str) -> Holder | None:
    if not text:
        return None
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        return Holder("somebody unknown")
    known = {field.name: str(said[field.name]) for field in fields(Holder) if said.get(field.name)}
    return Holder(**{"owner": "somebody unknown", **known})


def _json(claim: Claim) -> str:
    """Return a claim on one line; its first character is an opening brace."""
    return json.dumps(asdict(claim))
