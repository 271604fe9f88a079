# Shared by install.sh and uninstall.sh, which set `name` to their own and `dry` to yes or no.
# shellcheck shell=sh

worker=local.pippin.worker
logs_job=local.pippin.logs
daemons=/Library/LaunchDaemons

say() {
  echo "$name: $1"
}

die() {
  echo "$name: $1" >&2
  exit 1
}

# Quotes a word for a shell.
quoted() {
  case $1 in
    '' | *[!A-Za-z0-9/._=:,+@-]*) printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf %s "$1" ;;
  esac
}

# Runs a command; in a dry run prints it instead.
run() {
  if [ "$dry" = no ]; then
    "$@"
    return
  fi
  printf '+'
  for word in "$@"; do
    printf ' '
    quoted "$word"
  done
  printf '\n'
}

# Stops where this is not a Mac; a dry run works anywhere.
need_mac() {
  [ "$dry" = yes ] || [ "$(uname -s)" = Darwin ] || die "this is not a Mac; --dry-run shows what the script would do on one"
  [ "$(id -u)" != 0 ] || [ "$dry" = yes ] || die "run it as the user of the worker, not as root; it calls sudo itself"
}

# Paths are written into property lists without escaping, so only plain characters are allowed.
need_plain() {
  case $1 in
    /*) ;;
    *) die "$1 is not an absolute path" ;;
  esac
  case $1 in
    *[!A-Za-z0-9/._-]*) die "$1 contains characters other than letters, digits, dots, dashes and underscores; choose another folder with --prefix" ;;
  esac
}

is_loaded() {
  [ "$dry" = no ] && launchctl print "system/$1" >/dev/null 2>&1
}

# Stops a launchd job and waits until it has ended: before that, bootstrap fails with "Input/output error".
unload() {
  if [ "$dry" = yes ]; then
    run sudo launchctl bootout "system/$1"
    return
  fi
  is_loaded "$1" || return 0
  sudo launchctl bootout "system/$1" || true
  tries=0
  while is_loaded "$1"; do
    tries=$((tries + 1))
    [ "$tries" -le 45 ] || die "$1 does not stop; see: launchctl print system/$1"
    sleep 1
  done
}
