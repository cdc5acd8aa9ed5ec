#!/usr/bin/env sh
':' /* The shell reads on until exec, and what Node.js reads here is a comment. See docs/serving.md
ignored=
while read -r name value; do
  case $name in SigIgn:) ignored=$value && break ;; esac
done 2>/dev/null </proc/self/status
# Some shells drop variables whose names they cannot have themselves: a.b, functions of bash.
odd=
if grep -qazv '^[A-Za-z_][A-Za-z0-9_]*=' "/proc/$$/environ" 2>/dev/null; then
  odd=$(grep -azv '^[A-Za-z_][A-Za-z0-9_]*=' "/proc/$$/environ" | base64)
  if [ ${#odd} -gt 100000 ]; then
    echo 'runlet: variables with unusual names are too large, and are left out' >&2
    odd=
  fi
fi
RUNLET_STARTED_WITH=$$:$(ulimit -Sn):$ignored:$odd
export RUNLET_STARTED_WITH
# Node.js 20 takes --env-file for itself wherever it stands, unless -- is before the program.
exec node -- "$0" "$@"
*/;
