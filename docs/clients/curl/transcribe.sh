#!/usr/bin/env bash
# Transcribe a recording with curl: transcribe.sh RECORDING [FORMAT]
#
# FORMAT is json, text, srt, vtt or verbose_json, or stream: server-sent events while the text appears.
# Reads OPENAI_BASE_URL, OPENAI_API_KEY and MODEL. Exits with curl's code, 22 where the server refuses.
set -euo pipefail

recording=${1:?Usage: transcribe.sh RECORDING [FORMAT]}
format=${2:-text}
fields=(-F "model=${MODEL:-whisper-1}")
if [ "$format" = stream ]; then
  fields+=(-F stream=true)
else
  fields+=(-F "response_format=$format")
fi

# <(…): a key on the command line would be shown to everybody by ps
exec curl --silent --show-error --no-buffer --fail-with-body \
  --header @<(printf 'Authorization: Bearer %s\n' "${OPENAI_API_KEY:-none}") \
  --form "file=@\"$recording\"" "${fields[@]}" \
  "${OPENAI_BASE_URL:-http://127.0.0.1:8000/v1}/audio/transcriptions"
