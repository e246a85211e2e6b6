# $1 file, $2 service: starts a second container, waits until it is healthy, stops the first.
# The order is docker-rollout's (https://github.com/wowu/docker-rollout, v0.12, read 2026-11-23), the script is ours: it leaves the
# other services alone and asks for the health four times as often, so that it waits for nothing that it need not.
compose() { docker compose --file "$file" "$@"; }
file=$1 service=$2
compose pull --quiet "$service"
old=$(compose ps --quiet "$service")
compose up --detach --no-deps --no-recreate --scale "$service=2" "$service"
new=$(compose ps --quiet "$service" | grep -vxF "$old")
for _ in $(seq 240); do
    health=$(docker inspect --format '{{.State.Health.Status}}' "$new")
    [ "$health" != healthy ] || break
    sleep 0.25
done
if [ "$health" != healthy ]; then
    docker rm --force "$new" >/dev/null
    echo "rolling: the new container is $health; the old one still serves" >&2
    exit 1
fi
docker stop "$old" >/dev/null
docker rm "$old" >/dev/null
