"""Epilogs of `--help`: examples, environment variables, exit codes."""

from __future__ import annotations

from .exit_codes import MEANINGS

PROGRAM = "python -m rh_api"
EXITS = "exit codes:\n" + "\n".join(f"  {code:<4} {text}" for code, text in MEANINGS.items())
ENVIRONMENT = """\
environment:
  RUNNINGHUB_API_KEY          the key; it is never an argument
  RUNNINGHUB_BASE_URL         the site, https://www.runninghub.ai unless set
  RUNNINGHUB_STATE            folder of the journal
  RUNNINGHUB_RESULT_HOSTS     more hosts that results may come from
  RUNNINGHUB_MAX_RESULT_GB    largest result without a length; 1 for a picture, else 20 unless set
  RUNNINGHUB_ACCESS_PASSWORD  for a protected workflow or app
  RUNNINGHUB_SEGMENT_WORKFLOW workflow that `offload` sends graphs under
  RUNNINGHUB_MAX_COST_ORDER   what one order may cost: 50 coins, 5 CNY, 5 USD
  RUNNINGHUB_MAX_COST_PROMPT  what one command may cost
  RUNNINGHUB_MAX_COST_DAY     what a day may cost
  RUNNINGHUB_MAX_TASKS        most tasks at once of this process; what the account allows unless set
  RUNNINGHUB_ROUTE            task, native or auto: how graphs go out; task unless set
  RUNNINGHUB_MODELS           strict: refuse models that are not listed; warn unless set
  RUNNINGHUB_SUBMIT           v2: order workflows and apps by the V2 routes; v1 unless set
  RUNNINGHUB_WEBHOOK_URL      address that the service calls at each order's end
"""
_PAID = """\
With --json, `paid` is true only if this command placed an order. A repeat returns the earlier
result, free; `cost` is what its task cost then.

"""
RUN_EXAMPLE = f"""\
example:
  {PROGRAM} run 1900000000000000109 --set 3.text="a cat" --set 10.image=@photo.png

`@` uploads a file, `@@` begins a text with an @. `{PROGRAM} workflow ID` lists the fields.

{_PAID}"""
TASKS = f"""\
examples:
  {PROGRAM} task 1900000000000000301 --fetch --out results
  {PROGRAM} task --list
  {PROGRAM} task --order 7 --is 1900000000000000301

If the reply to an order was lost, it may have started. It is not sent again until you settle it with
--is or --not-started, or use `run --again`; the money held for it stays held until it is settled.
Look at the call records on the site first. An answer by --is can be corrected until the task is
over; --not-started is final.

{_PAID}"""
OFFLOAD = f"""\
examples:
  {PROGRAM} offload prompt.json --nodes 3,6,8 --explain
  {PROGRAM} offload prompt.json --nodes 3,6,8 --out results

Nodes that the chosen ones cannot do without go along. Nodes that read their results run only in
ComfyUI.

{_PAID}"""
MIGRATE = f"""\
examples:
  {PROGRAM} migrate workflow.json
  {PROGRAM} migrate workflow.json picture.png --out migrated
  {PROGRAM} migrate --scrub ComfyUI/user/default/workflows

Nothing is changed before you have seen what would be: --out writes new files, --yes replaces these
and keeps a copy of each. --scrub takes out keys that are certain or likely; a doubtful one, which
may be a checksum, only when you confirm it or name it with --key. It cleans copies (.bak) too.
Where nobody can be asked, --yes or --out take them out; else they stay, and the exit code is 2.
Of several files or a folder, one that cannot be read or written is named, and the others go on; the
exit code then is 2.

"""
APP_EXAMPLE = f"""\
The id alone lists the app's form and runs nothing; with any of the options above except --json the
app is run. --run alone runs it with the values that its form stores.

example:
  {PROGRAM} app 1900000000000000202
  {PROGRAM} app 1900000000000000202 --set 10.image=@photo.png --out results

{_PAID}"""
QUICK = f"""\
MODULE is what the "call API" button of a Quick Create page gives, JSON or a curl line: a file of it,
the text itself, or - for stdin. Alone it lists the module's form and runs nothing. A key in it is
not read. --styles lists what a module's library offers for its fields.

examples:
  {PROGRAM} quick module.json
  {PROGRAM} quick module.json --set 10.image=@photo.png --out results
  {PROGRAM} quick --styles 1900000000000000302

{_PAID}"""
HISTORY = f"""\
examples:
  {PROGRAM} history
  {PROGRAM} history cat 2026-11 --state done
  {PROGRAM} history ">20" --since 7d
  {PROGRAM} history 12

All words must match: parts of names, ids and of your own texts, the name of a state, a day or a
month, a cost in coins or money. The number of one order, or its task's id, shows all of it.

"""
MODELS = f"""\
examples:
  {PROGRAM} models kling 3.0 pro
  {PROGRAM} models 文生图 --task text-to-image

"""
QUOTE = f"""\
example:
  {PROGRAM} quote run 1900000000000000109 --set 10.image=@photo.png

A quote is based on what earlier runs here cost, on a model's price, or on the machine's rate. Only a
model's price may come from the service itself.

"""
LIMITS = f"""\
examples:
  {PROGRAM} limits --day "200 coins" --order "20 coins"
  {PROGRAM} limits --allow app/1900000000000000202="30 coins"

A sum is a number and a unit: coins, CNY or USD; several with commas between. Of several limits the
lowest applies. They apply to this key and this machine's journal.

"""
MODEL_EXAMPLE = f"""\
The endpoint alone lists the model's form and its price and runs nothing; with --set, --extra, --out
or --run it is run, which costs. A parameter that takes a list is set once for each item.

example:
  {PROGRAM} model rhart-image-n-pro/edit --set prompt="as a watercolour" --set imageUrls=@a.png \
--set imageUrls=@b.png --out results

{_PAID}"""
DOCTOR = f"""\
examples:
  {PROGRAM} doctor
  {PROGRAM} doctor --workflow 1900000000000000109 --upload 30
  {PROGRAM} doctor --workflow 1900000000000000109 --paid "5 coins"

Sources disagree on some facts of the service; docs/unknowns.md lists them. Each is asked about, and
the answer compared with what is assumed here. A question that fails does not end the others.
--paid orders the workflow twice with its stored values, within that sum: one order is followed by
both polls, the next one is cancelled at once. Both are in the history, like any other.
--report shows a file of the exchanges, then writes it. Of values it keeps codes, states, sizes and
times; keys, ids, names, texts and addresses are replaced.

"""
MCP = f"""\
It needs: python -m pip install "mcp>=2.3,<3" Pillow. No order is placed without a cost
limit: give --max-cost, or set one with `{PROGRAM} limits` or in the environment.

"""
