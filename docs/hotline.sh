#!/usr/bin/env bash
# The HTTP API by curl, from the first complaint to the result of an import. A test runs these lines.
#   URL=http://127.0.0.1:8000 KEY=xb_… FILE=complaints.csv bash docs/hotline.sh
set -euo pipefail
: "${URL:?address of the service}" "${KEY:?an API key with the scopes triage, cases.store, cases.read, cases.import}"
: "${FILE:?a CSV file with a column 投诉内容}"
# 429 and 503 say with Retry-After when to come again, and curl does. What is sent again is kept once.
auth=(--silent --show-error --fail --retry 5 --header "Authorization: Bearer $KEY")
json=(--header "Content-Type: application/json")

# Who am I, and what may I do?
curl "${auth[@]}" "$URL/v1/me"

# Triage alone: nothing is kept.
curl "${auth[@]}" "${json[@]}" "$URL/v1/triage" --data '{"text": "卡里少了三千块，我没有转过"}'

# Triage and keep. Sent twice, it is kept once: is_new is false the second time.
complaint='{"text": "存三年定期，回家一看是保险，我都六十八了", "external_id": "H20261130-0001", "source": "hotline"}'
curl "${auth[@]}" "${json[@]}" "$URL/v1/triage?store=true" --data "$complaint"
curl "${auth[@]}" "${json[@]}" "$URL/v1/triage?store=true" --data "$complaint"

# Several at once; each has its own answer or error.
curl "${auth[@]}" "${json[@]}" "$URL/v1/triage/batch?store=true&detail=full" \
  --data '{"items": [{"text": "柜台排队两小时", "external_id": "H20261130-0002"}, {"text": ""}]}'

# Open cases that mention 保险, and one of them with its history.
curl "${auth[@]}" --get "$URL/v1/cases" --data-urlencode "words=保险" --data "status=open" --data "limit=1" | tee cases.json
case_id=$(python3 -c 'import json; print(json.load(open("cases.json"))["cases"][0]["id"])')
curl "${auth[@]}" "$URL/v1/cases/$case_id"

# A file of complaints: look at it first, import it, wait, fetch what became of each row.
curl "${auth[@]}" --header "Content-Type: text/csv" --data-binary "@$FILE" "$URL/v1/cases/import/preview"
curl "${auth[@]}" --form "file=@$FILE;type=text/csv" "$URL/v1/cases/import" | tee job.json
job_id=$(python3 -c 'import json; print(json.load(open("job.json"))["id"])')
until curl "${auth[@]}" "$URL/v1/imports/$job_id" | grep --quiet '"state":"done"'; do sleep 1; done
curl "${auth[@]}" "$URL/v1/imports/$job_id/result?format=csv"

# High-risk cases and alerts as they happen (an event stream does not end by itself: three seconds are enough here).
curl "${auth[@]}" --retry 0 --max-time 3 --no-buffer "$URL/v1/events" || true
