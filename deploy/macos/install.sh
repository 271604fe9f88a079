#!/bin/sh
# Installs a worker on this Mac: a Python environment, settings and two launchd jobs. Run it again after an update or to
# change something: it keeps or renews existing files. docs/mac-workers.md describes every step.
set -eu

name=install.sh
dry=no
python=
prefix=${HOME:?}/.pippin-worker

usage() {
  cat <<'TEXT'
usage: install.sh [--dry-run] [--prefix FOLDER] [--python PROGRAM]
  --dry-run         print every command and the files' contents, change nothing (works on Linux too)
  --prefix FOLDER   where the worker is installed (default: ~/.pippin-worker)
  --python PROGRAM  a Python of version 3.11, 3.12 or 3.13 (default: the first one found)

The settings are asked for, or taken from PIPPIN_REDIS_URL, PIPPIN_BLOBS_URL, PIPPIN_URL and PIPPIN_TOKEN_FILE where
these are set. They are kept in FOLDER/worker.env, which only you can read; delete that file to be asked again.
TEXT
}

folder=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$folder/../.." && pwd)
. "$folder/common.sh"

while [ $# -gt 0 ]; do
  case $1 in
    --dry-run) dry=yes ;;
    --prefix | --python)
      [ $# -ge 2 ] || die "$1 needs a value"
      if [ "$1" = --prefix ]; then prefix=$2; else python=$2; fi
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

logs=$HOME/Library/Logs/Pippin
venv=$prefix/venv
settings=$prefix/worker.env
supported='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'

find_python() {
  for each in ${python:-python3.13 python3.12 python3.11 python3}; do
    if "$each" -c "$supported" 2>/dev/null; then
      python=$each
      return
    fi
  done
  die "Python 3.11, 3.12 or 3.13 is needed${python:+, and $python is none}; get one from python.org, or name one with --python"
}

make_environment() {
  say "installing into $venv (about a minute)"
  run mkdir -p "$prefix/bin" "$logs"
  run chmod 700 "$prefix" "$logs"
  # If launchd created the logs, they could belong to root, and rotate-logs could not empty them.
  run touch "$logs/worker.log" "$logs/rotate-logs.log"
  if [ "$dry" = yes ] || ! "$venv/bin/python" -c "$supported" 2>/dev/null; then
    run "$python" -m venv --clear "$venv"
  fi
  # The lock file contains the packages of the extra `mac`, for macOS only.
  run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    -r "$repository/requirements.lock"
  run "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --force-reinstall "$repository"
  run install -m 755 "$folder/pippin-env" "$folder/rotate-logs" "$prefix/bin/"
}

# ask QUESTION VALUE: sets `answer` to VALUE, or asks if VALUE is empty.
ask() {
  answer=$2
  [ -z "$answer" ] || return 0
  [ -t 0 ] || return 0
  printf '%s: ' "$1"
  IFS= read -r answer || answer=
}

# The same for a secret: the terminal does not show the answer.
ask_secret() {
  if [ -n "$2" ] || [ ! -t 0 ]; then
    answer=$2
    return 0
  fi
  trap 'stty echo' EXIT
  trap 'exit 130' INT TERM
  stty -echo
  ask "$1 (not shown)" ''
  stty echo
  trap - EXIT INT TERM
  echo
}

keep_settings() {
  if [ "$dry" = yes ]; then
    say "would ask for the settings unless $settings is there, and write them to it with mode 600"
    return
  fi
  if [ -f "$settings" ]; then
    say "keeping the settings in $settings"
    chmod 600 "$settings"
    return
  fi
  ask_secret 'Redis, as rediss://worker:password@host:6380/0' "${PIPPIN_REDIS_URL:-}"
  redis=$answer
  [ -n "$redis" ] || die "no address of Redis was given; set PIPPIN_REDIS_URL, or run this in a terminal"
  ask 'Blobs, as https://pippin.example.com or s3://bucket/prefix' "${PIPPIN_BLOBS_URL:-}"
  blobs=$answer
  [ -n "$blobs" ] || die "no place of the blobs was given; set PIPPIN_BLOBS_URL, or run this in a terminal"
  ask 'Service, as https://pippin.example.com (empty for none)' "${PIPPIN_URL:-}"
  service=$answer
  token_file=${PIPPIN_TOKEN_FILE:-}
  umask 077
  if [ -z "$token_file" ]; then
    ask_secret "The worker's token (empty for none)" ''
    if [ -n "$answer" ]; then
      token_file=$prefix/worker.token
      printf '%s\n' "$answer" >"$token_file"
    fi
  fi
  {
    printf 'PIPPIN_REDIS_URL=%s\n' "$redis"
    printf 'PIPPIN_BLOBS_URL=%s\n' "$blobs"
    [ -z "$service" ] || printf 'PIPPIN_URL=%s\n' "$service"
    [ -z "$token_file" ] || printf 'PIPPIN_TOKEN_FILE=%s\n' "$token_file"
  } >"$settings.new"
  mv "$settings.new" "$settings"
  say "the settings are in $settings"
}

rendered() {
  sed -e "s|@PREFIX@|$prefix|g" -e "s|@HOME@|$HOME|g" -e "s|@LOGS@|$logs|g" -e "s|@USER@|$(id -un)|g" "$folder/$1.plist"
}

load() {
  plist=$daemons/$1.plist
  if [ "$dry" = yes ]; then
    say "would write $plist:"
    rendered "$1"
  else
    rendered "$1" >"$prefix/$1.plist"
  fi
  run sudo install -o root -g wheel -m 644 "$prefix/$1.plist" "$plist"
  run sudo launchctl enable "system/$1"
  run sudo launchctl bootstrap system "$plist"
}

need_mac
need_plain "$prefix"
need_plain "$HOME"
find_python
# A running worker starts a new interpreter for each job, which must not load a half-updated environment.
unload "$worker"
unload "$logs_job"
make_environment
keep_settings
say "examining this machine"
run "$prefix/bin/pippin-env" doctor || die "the doctor found a fault, so the worker is not started; correct it and run this again"
load "$worker"
load "$logs_job"
say "the worker runs; its log: $logs/worker.log"
