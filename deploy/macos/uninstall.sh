#!/bin/sh
# Stops the worker and removes what install.sh has installed. Settings and logs stay, unless --purge; PIPPIN_HOME stays.
set -eu

name=uninstall.sh
dry=no
purge=no
prefix=${HOME:?}/.pippin-worker

usage() {
  cat <<'TEXT'
usage: uninstall.sh [--dry-run] [--prefix FOLDER] [--purge]
  --dry-run         print every command, change nothing (works on Linux too)
  --prefix FOLDER   where the worker was installed (default: ~/.pippin-worker)
  --purge           remove its settings and its logs too
TEXT
}

folder=$(cd "$(dirname "$0")" && pwd)
. "$folder/common.sh"

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=yes ;;
    --purge) purge=yes ;;
    --prefix)
      [ $# -ge 2 ] || die "$1 needs a value"
      prefix=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

need_mac
need_plain "$prefix"
for job in "$worker" "$logs_job"; do
  unload "$job"
  run sudo rm -f "$daemons/$job.plist"
  run rm -f "$prefix/$job.plist"
done
run rm -rf "$prefix/venv"
run rm -f "$prefix/bin/pippin-env" "$prefix/bin/rotate-logs"
if [ "$purge" = yes ]; then
  run rm -f "$prefix/worker.env" "$prefix/worker.token"
  run rm -rf "$HOME/Library/Logs/Pippin"
else
  say "kept: $prefix/worker.env and the logs in $HOME/Library/Logs/Pippin (--purge removes them)"
fi
say "the worker is gone; its copies of datasets and models are in ~/.pippin/cache"
