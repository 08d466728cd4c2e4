"""All sentences for users, in English, by key; nodes and browser translate by the same key."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Say = Callable[[str, Mapping[str, object]], str]
"""Render the sentence of a key with its params, in some language."""

ENGLISH: dict[str, str] = {
    # errors: suffixes
    "error.suffix.code": "(RunningHub code {code})",
    "error.suffix.cost": "It cost {cost}.",
    "error.suffix.cost_none": "It cost nothing.",
    "error.suffix.cost_untold": "What it cost is not told yet.",
    "error.suffix.fetch_again": "The same inputs try it once more without paying again; the task can be looked at on the RunningHub site, too.",
    "error.suffix.not_started": "Nothing was started; it is safe to run again.",
    "error.suffix.task": "[task {task_id}]",
    "error.unexpected": "Something unexpected happened.",
    # errors: transport
    "error.unreachable": "RunningHub at {host} cannot be reached: {reason}. Check the connection "
    "and any proxy.",
    "error.tls": "The connection to {host} is not secure, so nothing was sent: {reason}. Check "
    "this machine's date, and whether this network wants a login. Where a proxy or a virus scanner reads "
    "along, name the file of its authority in REQUESTS_CA_BUNDLE.",
    "error.bad_ca_file": "The file of certificate authorities {file} cannot be read; check "
    "REQUESTS_CA_BUNDLE.",
    "error.proxy_kind": "The proxy for {host} is of a kind that cannot be used ({kind}); set an "
    "http proxy.",
    "error.proxy_address": "The address of the proxy for {host} cannot be read. Write it as "
    "http://name:password@proxy:port, with @ / # ? % in a name or password as %40 %2F %23 %3F %25; other "
    "signs than those of western languages cannot be used.",
    "error.too_slow": "The connection to {host} is too slow or has stalled ({reason}).",
    "error.bad_reply": "RunningHub sent an answer that cannot be read (HTTP {status}).",
    "error.page": "A web page came in place of RunningHub's answer (HTTP {status}), as of a network "
    "that wants a login, a proxy or a firewall. Open the site in a browser to see what it says.",
    "error.redirected": "RunningHub sent a call elsewhere (HTTP {status}); it was not followed, "
    "because it carries the key. Check RUNNINGHUB_BASE_URL, and whether this network wants a login.",
    "error.redirected_order": "RunningHub sent a call elsewhere (HTTP {status}); it was not followed, "
    "because it carries the key. Nothing was started or paid. Check RUNNINGHUB_BASE_URL, and whether this "
    "network wants a login.",
    "error.service_fault": "RunningHub reports a fault of its own: {remote}.",
    "error.rate_limited": "RunningHub asks for fewer requests ({remote}). Nothing was started; "
    "wait a moment and run again.",
    "error.rate_limited_until": "RunningHub takes no request for now ({remote}). Nothing was "
    "started; come back in {pause}.",
    "error.pause_minutes": "{count} minutes",
    "error.pause_hours": "{count} hours",
    "error.pause_days": "{count} days",
    "error.queue_full": "The account runs as many tasks as it may ({remote}). Nothing was started.",
    "error.unknown_code": "RunningHub answered with a code that is not documented: {remote}.",
    # errors: refusals, nothing was started
    "error.refused": "RunningHub refused: {remote}. Nothing was started.",
    "error.call_refused": "RunningHub refused to answer about the task: {remote}.",
    "error.call_later": "RunningHub does not answer about the task for now ({remote}); ask again in {pause}.",
    "error.key_refused": "RunningHub does not accept the API key: {remote}. Nothing was started or paid. Check the "
    "key (in the settings, or RUNNINGHUB_API_KEY), and that it belongs to the site that it is used "
    "on (the settings', or RUNNINGHUB_BASE_URL): keys of runninghub.ai and runninghub.cn are not interchangeable.",
    "error.key_refused_asked": "RunningHub does not accept the API key: {remote}. Check the "
    "key (in the settings, or RUNNINGHUB_API_KEY), and that it belongs to the site that it is used "
    "on (the settings', or RUNNINGHUB_BASE_URL): keys of runninghub.ai and runninghub.cn are not interchangeable.",
    "error.plan_refused": "The account's plan does not allow this: {remote}. Nothing was started.",
    "error.free_account": "A free account cannot use RunningHub's API ({remote}): it takes a "
    "membership from the basic plan up, or an enterprise key. Nothing was started.",
    "error.subscription_ended": "This dedicated key has no subscription any more ({remote}). "
    "Nothing was started.",
    "error.shared_key_needed": "Standard models run with an enterprise shared key alone, and this "
    "key is none ({remote}). Nothing was started. Enter such a key in the settings and choose it as "
    "the node's account; workflows and AI apps run with this one.",
    "error.no_balance": "The account's balance is used up: {remote}. Nothing was started; top up "
    "and run again.",
    "error.not_found": "RunningHub does not know this: {remote}.",
    "error.workflow_not_found": "RunningHub has no such workflow ({remote}). Check the id, and "
    "that the workflow is on the same site as the key.",
    "error.workflow_never_run": "This workflow cannot be run over the API yet ({remote}). Save it "
    "on the RunningHub site and run it there once.",
    "error.app_not_found": "RunningHub has no such AI app ({remote}). Check the id and the site.",
    "error.task_not_found": "RunningHub does not know this task (any more): {remote}. Check the id, "
    "and that the task is of this key's account and site; old ones are forgotten.",
    "error.node_info_refused": "RunningHub refused the fields: {remote}. Nothing was started.",
    "error.graph_rejected": "RunningHub refused the workflow: {remote}. Nothing was started.",
    "error.node_rejected": "RunningHub refused node {node} {title} of the graph: {remote}. Nothing "
    "was started.",
    "error.placeholder_refused": "RunningHub did not take a graph under the workflow id {sent}: "
    "{remote}. Save any workflow on the site, run it there once, and put its id into Keys and sites "
    "of ComfyUI's settings or RUNNINGHUB_SEGMENT_WORKFLOW (a program: "
    "extra_data.runninghub.workflow, the command line: --workflow). Nothing was started.",
    "error.instance_not_found": "The account has no machine of this size ({remote}). Keys for "
    "48 GB machines need instance 'plus'.",
    "error.file_too_large": "The file is too large for RunningHub: {remote}.",
    "error.input_too_large": "What goes into {field} of node {node} {title} is a file of {size} MB, "
    "too large for RunningHub: {remote}. It documents 30 MB a file. Nothing was started: fewer "
    "pixels or a shorter piece go through.",
    "error.upload_failed": "RunningHub could not keep the upload: {remote}. Nothing was "
    "started; it is safe to run again.",
    "error.upload_refused": "RunningHub did not take the file {name}: {remote}. It documents JPG, PNG "
    "and WebP pictures, MP3, WAV and FLAC sounds, MP4, AVI, MOV and MKV videos, and ZIP: save it as "
    "one of these. Nothing was started.",
    "error.put_expired": "The address for the upload has expired. Nothing was started; it is "
    "safe to run again.",
    # errors: tasks
    "error.task_unfinished": "The task is not finished yet: {remote}.",
    "error.order_failed": "The order failed. The history keeps no more of the reason; the task's page on the site may tell it.",
    "error.task_failed": "The cloud task failed in node {node} {title} ({node_class}): "
    "{exception}: {remote}",
    "error.task_failed_plain": "The cloud task failed: {remote}.",
    "error.key_refused_running": "RunningHub does not accept the API key any more: {remote}. The "
    "task goes on in the cloud and may cost. With a valid key of the same account its results come "
    "by its id: RunningHub Task on the canvas, task {task_id} --fetch on the command line.",
    "error.content_refused": "RunningHub refused the content: {remote}. Change the prompt or the "
    "picture.",
    "error.task_cancelled": "The task was cancelled in the cloud, but not by this run: on RunningHub's site, or by another program that shares the order. Running it again is a new order.",
    "error.time_limit": "The task ran longer than {seconds} s and is being cancelled.",
    "error.lost_sight": "RunningHub has not answered for ten minutes. The task goes on in the "
    "cloud; the same inputs, with the same seed, take it up, or look at it on the site.",
    "error.lost_sight_state": 'For ten minutes RunningHub has called the state of the task "{state}", which this version does not know. The task may go on in the cloud, and cost; the same inputs, with the same seed, take it up, or look at it on the site. A newer version may know that state.',
    "error.node_errors": "RunningHub took the order but will not run node {node} {title}: {remote}. It is "
    "being cancelled.",
    # duplicate and uncertain orders
    "error.uncertain": "The order may be running, and may cost, but no task id came back: "
    "{reason}. {tasks} It was not sent again. "
    "Look at the call records on {origin} first, then answer for order {order} of the journal, in "
    "RunningHub tasks on the canvas or by task --order {order} on the command line: look again, "
    "name its task, or say that it did not start. To send it again, which may cost twice: “Run again as a new order” "
    "on the node, --again on the command line, extra_data.runninghub.again from a program.",
    "error.task_lost": "RunningHub has not known this task for some minutes, by either way of asking. That proves nothing: it may be running, or be paid for. It is not ordered again by itself; the same inputs look for it once more. Look at the call records on {origin} first, then answer for order {order} of the journal, in RunningHub tasks on the canvas or by task --order {order} on the command line: look again, name its task, or say that it did not start. To send it again, which may cost twice: “Run again as a new order” on the node, --again on the command line, extra_data.runninghub.again from a program.",
    "error.uncertain_before": "An equal order of {when} may be running already, or be paid for; "
    "it is not sent again by itself. {tasks} Look at the call "
    "records on {origin} first, then answer for order {order} of the journal, in RunningHub tasks on "
    "the canvas or by task --order {order} on the command line: look again, name its task, or say "
    "that it did not start. To send it again, which may cost twice: “Run again as a new order” on the node, --again "
    "on the command line, extra_data.runninghub.again from a program.",
    "error.tasks_before_and_now": "The account had {before} tasks before and has {now} now.",
    "error.tasks_before": "The account had {before} tasks before it.",
    "error.tasks_now": "The account has {now} tasks now; how many it had before is not known.",
    "error.tasks_unknown": "How many tasks the account had before is not known.",
    "error.order_being_made": "Order {order} is being sent this moment, maybe by another process. Look again when it is {seconds} s old.",
    "error.order_settled": "There is no open question about order {order}.",
    "error.task_of_other_order": "Task {id} belongs to another order, number {order}.",
    "error.task_of_other_program": "Task {id} is not of order {order}: its results are of nodes {nodes}, none of which that one has. "
    "Nothing was changed. They can be fetched by the task's id; the order is still to be answered.",
    "error.order_twin": "Order {order} cannot be answered now: an equal order is under way, or somebody has answered it this moment. Look again when that one is over.",
    "error.order_seen": "Order {order} did start if it is task {id}, which was seen running, so it stays in the journal. "
    "If that is another one's: name the right task (task --order {order} --is TASK), or, when that is over, run the same "
    "inputs as a new order (“Run again as a new order”, --again).",
    "error.ordered_again": "No task id came back, so nobody knows whether it was placed; an equal order was placed since. "
    "What is held for it stays held until it is told what became of it.",
    "error.task_id_taken": "RunningHub named task {id} for order {order}, which is the task of "
    "order {other}.",
    "error.book_set_aside": "The journal was damaged, or of a newer version, and was set aside "
    "as {file}. It may hold an equal order that is running or paid for, so nothing was ordered. "
    "Look at the call records on {origin}. To order all the same: Run again as a new order in the node's menu, "
    "--again on the command line, extra_data.runninghub.again from a program; when nothing is running, remove that file.",
    "error.detached": "No longer waiting. The task goes on in the cloud; the same inputs, with the same "
    "seed, take it up. In the panel “Use these inputs” brings them back, and “Now” fetches its results.",
    "error.batch_failed": "{count} of {total} items failed. The results of the others are kept: "
    "run again to order only the failed. {items}",
    "error.batch_failed_whole": "All {total} items failed. {items}",
    "error.batch_cost": "The others cost {cost}.",
    "error.batch_item": "Item {numbers}: {reason}",
    "error.batch_items": "Items {numbers}: {reason}",
    # errors: results
    "error.no_output": "The task finished but saved nothing. Does the workflow have a save node?",
    "error.no_output_read": "The task finished and lists {count} results, of which none has an address or a text. "
    "Fetching the task later may bring them without paying; the task's page on the RunningHub site may show them.",
    "error.no_output_before": "An equal order finished without a result that could be read, and the service still "
    "lists none. It is not ordered again by itself: “Run again as a new order” on the node, --again on the "
    "command line, extra_data.runninghub.again from a program.",
    "error.result_unavailable": "A result could not be fetched: {reason}.",
    "error.result_later": "A result cannot be fetched for now: {reason}. The same inputs bring "
    "it in {pause}; nothing is paid again.",
    "error.result_is_page": "{host} sent a web page or an error instead of the result.",
    "error.result_empty": "{host} sent an empty file as result.",
    "error.too_many_redirects": "A result could not be fetched: {host} redirects too often.",
    "error.address_unreadable": "A result or socket has an address that cannot be read: {url}.",
    "error.address_insecure": "A result or socket has an address that is not {scheme} on its usual port, so it was not asked: {url}.",
    "error.host_refused": "A result or socket is on a host that is not RunningHub's: {host}. "
    "{url} If you trust it, add the host to RUNNINGHUB_RESULT_HOSTS and run again: nothing is "
    "paid again.",
    "error.disk_full": "The disk is full. The task is finished: make room and run again to fetch "
    "its results without paying again.",
    "error.folder_not_writable": "The folder {folder} cannot be written.",
    # errors: input
    "error.bad_input": "This cannot be used: {reason}",
    "error.no_key": "No RunningHub API key is set. Enter one on the page Keys and sites of ComfyUI's settings, "
    "or try the sandbox, which needs none. On the command line: RUNNINGHUB_API_KEY, or python -m rh_api demo.",
    "error.bad_key": "This is no RunningHub API key: a key has {expected} letters and digits, "
    "this has {length} characters.",
    "error.bad_switch": '{name} is on or off, not "{value}".',
    "error.bad_registry": 'RUNNINGHUB_MODEL_REGISTRY is on, off or an https address, not "{value}".',
    "error.native_https": "The native route has the key in its addresses and is used over https alone; {host} is asked over plain http. Set RUNNINGHUB_BASE_URL to an https address, or use the route task.",
    "error.native_failed": "The prompt failed, and the native route did not tell why: its history is empty. The route task tells the reason of the same graph.",
    "error.bad_submit": 'RUNNINGHUB_SUBMIT is v1, auto or v2, not "{value}".',
    "error.bad_webhook_url": 'The webhook address (RUNNINGHUB_WEBHOOK_URL) is the public https address of your listener, without a question mark, not "{value}".',
    "error.bad_webhook_port": 'RUNNINGHUB_WEBHOOK_PORT is a number from 1 to 65535, not "{value}".',
    "error.webhook_port_taken": "Port {port} of this machine cannot be used for webhooks: {reason}. Choose another.",
    "error.webhook_port": "Port {port} is ComfyUI's own. It must never be reached from outside: whoever reaches it can run anything on this machine. Give webhooks a port of their own, such as 8191, and lead your tunnel there.",
    "error.native_absent": "The native route lists this prompt neither as waiting, nor as running, nor as over. Its ComfyUI may have been started anew or another one have answered, so that proves nothing: it may be running, or be paid for. It is not sent again by itself.",
    "error.native_stop": "Another prompt waits behind this one, and the cloud's ComfyUI is not known to look at the prompt that it shall interrupt: it might have stopped the other one.",
    "error.native_missing": "{host} has no native route ({remote}). Use the route task. Nothing was started.",
    "error.native_graph_only": "The native route runs whole graphs and marked parts of one, nothing else. Use the route task.",
    "error.native_ultra": "The native route has machines of 24 and 48 GB alone. Choose default or plus, or use the route task.",
    "error.native_option": "The native route takes no {name}. Leave it out, or use the route task.",
    "error.native_limit": "Orders of the native route tell no cost, so that no limit could be held to, and there is a limit of {limit}. Nothing was uploaded or ordered. Use the route task, or remove the limit.",
    "error.native_batch": "Node {node} makes a batch of {count}: on the native route a batch size of 1 alone is known to work. Set it to 1 and order several times, or use the route task. Nothing was uploaded or ordered.",
    "error.bad_route": 'RUNNINGHUB_ROUTE is task, native or auto, not "{value}".',
    "error.bad_models": 'RUNNINGHUB_MODELS is warn or strict, not "{value}".',
    "error.state_relative": 'RUNNINGHUB_STATE is a whole path, such as /home/me/runninghub, not "{value}": each folder that a command is typed in would have its own journal, and pay anew.',
    "error.bad_origin": "RUNNINGHUB_BASE_URL must look like https://www.runninghub.ai, not "
    "{value!r}.",
    "error.key_in_clear": "{origin} is not encrypted: whoever is on the way could read the key, so nothing was sent. Write https://{host}; http is for this machine and its own network.",
    "error.wrong_site": "This link belongs to {host}, but the key is for {configured}. Use a profile "
    "with a key of the link's site, or set RUNNINGHUB_BASE_URL to that site and use its key.",
    "error.sandbox_link": "{value} belongs to the built-in emulator, which a real key cannot "
    "reach. Set the profile to sandbox to try it, or paste a link of your own.",
    "error.foreign_link": "This link leads to {host}, which is not RunningHub.",
    "error.workflow_blank": "Which workflow? Paste its id or its link from the RunningHub site.",
    "error.workflow_id": "{value!r} is neither the id nor the link of a RunningHub workflow.",
    "error.workflow_is_app": "This is the link of an AI app, not of a workflow.",
    "error.app_blank": "Which AI app? Paste its id or its link from the RunningHub site.",
    "error.app_id": "{value!r} is neither the id nor the link of a RunningHub AI app.",
    "error.app_is_workflow": "This is the link of a workflow, not of an AI app.",
    "error.app_id_is_workflow": "{value} is a workflow, not an AI app: use RunningHub Remote "
    "Workflow, or `run` on the command line.",
    "error.workflow_id_is_app": "{value} is an AI app, not a workflow: use RunningHub AI App, or "
    "`app` on the command line.",
    "error.quick_blank": 'Which module? Paste what the "call API" button gives on a page of Quick '
    "Create on the RunningHub site.",
    "error.quick_unreadable": 'This is not what the "call API" button of a Quick Create page gives: '
    "no whole JSON object is in it. Copy all of it, from its first sign to its last.",
    "error.quick_incomplete": "The module's call example does not work: {name} is missing or not what "
    'it has to be. Copy all of it from the page\'s "call API" button.',
    "error.quick_is_app": "This is the call example of AI app {id}: it has no quickCreateCode. Use "
    "RunningHub AI App, or `app` on the command line.",
    "error.quick_options": "Quick Create takes no options: neither a machine nor a queue, a retained "
    "machine or a webhook. Leave them out; nothing was ordered.",
    "error.quick_refused": "RunningHub refused this module of Quick Create: {remote}. Nothing was "
    "started. It may have changed on the site: paste its call example anew.",
    "error.app_no_form": "RunningHub answered without the app's fields. Nothing was started.",
    "error.app_field_unknown": '"{field}": the app offers no such field. Nearest: {near}.',
    "error.no_webhook": "RunningHub has no webhook for this task: it was ordered without an address to call, or another account's.",
    "error.webhook_url": '"{value}" is no address that RunningHub could call: it begins with https:// or http://.',
    "error.webhook_unreadable": "This is no message of RunningHub about the end of a task.",
    "error.upload_without_url": "Field {field} loads from the web, but RunningHub gave no address "
    "for the upload. Use a workflow that loads an uploaded file instead.",
    "error.since": '"{value}" is no date and no time ago: 2026-11-25, or 12h, 7d, 2w.',
    "error.task_id": '"{value}" is no id of a task: it is a long number, such as '
    "1900000000000000301.",
    "error.file_unreadable": "The file {name} cannot be read.",
    "error.file_empty": "The file {name} is empty or no file.",
    "error.file_changed": "The file {name} changed before all of it was uploaded. Nothing was started; run again.",
    "error.store_in_use": "The journal in {folder} is {reason} and another process uses it. "
    "Close the other ComfyUI and start again: no order is placed without the journal.",
    "error.store_newer": "The journal {file} was written by a newer version of RunningHub Remote: update this copy. The journal stays as it is, and no order is placed without it.",
    "error.store_unavailable": "The journal in {folder} cannot be used: {reason}. No order is "
    "placed without it, so that none is paid twice. See that this program may write there; "
    "RUNNINGHUB_STATE names another folder, which knows none of the orders so far.",
    # errors: fields and outputs
    "error.bad_field": '"{field}" cannot be set.',
    "error.field_name": '"{field}" names no field: write <nodeId>.<fieldName>, such as 6.text.',
    "error.field_node": '"{field}": the workflow has no node {wanted}. Nearest: {near}. What is muted or bypassed on the site, notes and frames of groups are not in its API format; nodes of a subgraph have ids such as 12:3.',
    "error.field_unknown": '"{field}": node {node} has no field "{name}" in the workflow\'s API format. Nearest: {near}.',
    "error.field_front_end": '"{field}" cannot be set: "{name}" of node {node} exists only in the browser, the workflow\'s API format does not have it.',
    "error.field_link": '"{field}" of node {node} cannot be set: its value comes from node {source}.',
    "error.field_type": '"{field}" of node {node} takes {expected}, not "{value}".',
    "error.field_whole": '"{field}" of node {node} takes whole numbers only, not {value}.',
    "error.field_range": '"{field}" of node {node}: {value} is out of range. It takes {low} to {high}.',
    "error.field_finite": '"{field}" of node {node}: {value} is not a finite number.',
    "error.field_media": '"{field}" of node {node} takes {expected}; {given} cannot go there.',
    "error.field_media_kind": '"{field}" of node {node} loads {expected}; {given} does not fit.',
    "error.field_unsupported": '"{field}" of node {node}: {given} cannot be sent to RunningHub, which takes no upload of that type.',
    "error.field_url": '"{field}" of node {node} takes the name of an uploaded file, not a URL. Connect the {expected} itself, or use a node that loads from a URL in the workflow.',
    "error.field_blank": '"{field}" of node {node} is blank: it needs {expected}, the name of an uploaded file or, at a URL loader, a URL.',
    "error.field_option": '"{field}" of node {node}: "{value}" is not one of its choices. Nearest: {near}.',
    "error.outputs_twice": "Output node {wanted} is listed twice.",
    "error.outputs_many": "{count} output nodes are listed; at most {limit} can be.",
    "error.outputs_unknown": "Output node {wanted} is not in the workflow. Nearest: {near}.",
    "error.form_unreadable": "The form of node {node} cannot be read: the file was damaged or edited. "
    "Choose the node's fields and outputs anew.",
    "error.form_socket": "A link starts at output {slot} of node {node}, which has {count} of them. "
    "Connect it anew.",
    "error.links_many": "Node {node} has {count} linked fields; at most {limit} can be linked.",
    # models
    "error.catalogue_refused": "What came as the catalogue of models ({source}) cannot be used: {reason}. The one at hand stays.",
    "error.model_endpoint": '"{value}" is no endpoint of a model.',
    "error.model_blank": "Which model? Give its endpoint, its name or a link to its page on the RunningHub site.",
    "error.model_link": '"{value}" does not lead to a model of RunningHub.',
    "error.model_page_unknown": "No model of the catalogue has the page {page}. Refresh the models, or give the endpoint that the page shows.",
    "error.model_ambiguous": 'Several models are called "{value}". Give the endpoint of one: {near}.',
    "error.model_unknown": 'No model is called "{value}". Nearest: {near}.',
    "error.model_task": '"{value}" is no task of a model. Nearest: {near}.',
    "error.model_gone": "RunningHub no longer offers the model {model}. {successor} follows it.",
    "error.model_gone_alone": "RunningHub no longer offers the model {model}, and nothing follows it.",
    "error.model_field_unknown": '"{field}" is no parameter of {model} that the catalogue knows. Nearest: {near}. Newer ones go into extra.',
    "error.model_field_unlisted": 'The catalogue knows no parameters of {model}, so that "{field}" cannot be checked. Is the endpoint right? If there is such a model, its parameters go into extra, a JSON object. Nothing was started.',
    "error.model_field_missing": '"{field}" of {model} is missing.',
    "error.model_field_one_of": "One of these must be given for {model}: {field}.",
    "error.model_fields_exclude": "These cannot be given together for {model}: {field}.",
    "error.model_fields_together": "These go together for {model}, all or none: {field}.",
    "error.model_field_type": '"{field}" takes {expected}, not "{value}".',
    "error.model_field_list": '"{field}" takes one value, not {count}.',
    "error.model_field_option": '"{field}": "{value}" is not one of the choices of {model} that the catalogue knows. Nearest: {near}.',
    "error.model_field_range": '"{field}": {value} is out of the range that the catalogue knows for {model}: {low} to {high}.',
    "error.model_field_length": '"{field}" has {count} characters; the limit that the catalogue knows for {model} is {limit}.',
    "error.model_field_count": '"{field}" has {count} items; {model} takes at most {limit} as far as the catalogue knows.',
    "error.model_field_size": 'The file for "{field}" has {size} MB; the limit that the catalogue knows for {model} is {limit} MB.',
    "error.model_field_format": 'The file for "{field}" is {value}; the formats that the catalogue knows for {model} are {expected}.',
    "error.model_field_address": '"{field}" of {model} takes the address of a file; "{value}" is none.',
    "error.model_doubtful": "{reason}. Nothing was started. The catalogue may be older than the service: choose to send anyway if you know better.",
    "error.model_extra": "extra must be a JSON object, without NaN and not nested too deeply.",
    "error.model_extra_key": '"{field}" cannot be a key of extra.',
    "error.model_extra_twice": '"{field}" stands both among the fields and in extra.',
    "error.model_not_active": "RunningHub refused: {remote}. Either the API key is wrong, or this model is not activated for it. Nothing was started.",
    "error.bad_parameters": "RunningHub does not take these parameters: {remote}. Nothing was started.",
    "error.real_person": "RunningHub refused a picture that shows a real person: {remote}. Use another picture.",
    "error.model_timed_out": "The model did not finish in time: {remote}. Running again is a new order.",
    "model.unlisted": "The catalogue does not know this model. Its parameters go into extra, as JSON.",
    "model.incomplete": "The catalogue does not know all parameters of this model. Others go into extra, as JSON.",
    "model.changes": "+{added} models, {changed} changed, {gone} gone.",
    "model.unchanged": "The models are as they were.",
    "model.price_unknown": "The price is not known beforehand.",
    "model.price_about": "about",
    "model.price_from": "from",
    "model.price_run": "{about} {rate} CNY (price list of {date})",
    "model.price_image": "{about} {rate} CNY an image (price list of {date})",
    "model.price_images": "{about} {rate} CNY an image · {amount} for {units} (price list of {date})",
    "model.price_second": "{about} {rate} CNY a second (price list of {date})",
    "model.price_seconds": "{about} {rate} CNY a second · {amount} for {units} s (price list of {date})",
    "model.price_five_seconds": "{about} {rate} CNY for 5 seconds (price list of {date})",
    "model.price_chars": "{about} {rate} CNY for 1000 characters (price list of {date})",
    "model.price_text": "{about} {rate} CNY for 1000 characters · {amount} for this text (price list of {date})",
    # money
    "error.several_journals": "There are several journals of orders: {folders}. Limits and what was paid hold for one of them: set RUNNINGHUB_STATE to the one that this command shall use. At a terminal a command asks, and remembers it.",
    "error.key_in_field": "Your API key stands in {field}. Results and the history would keep it, so nothing was ordered: take it out. Its place is the settings, or RUNNINGHUB_API_KEY.",
    "error.not_unicode": "This text cannot be sent, since it has half a character or bytes that are no text in it: {text}. Nothing was started.",
    "error.bad_amount": '"{value}" is no sum: write a number and a unit, such as 50 coins, 5 CNY or 5 USD; several units with commas between.',
    "error.in_variable": "{name} of the environment: {error}.",
    "error.cost_unit": "A limit of cost has no unit, and what this key pays in is not known: write it as 50 coins, 5 CNY or 5 USD.",
    "money.not_sent": "uploaded or ordered",
    "money.not_ordered": "ordered",
    "error.cost_order": "Nothing was {done}. This may cost {needed}, and one order may cost {limit}. The limit is at: {where}.",
    "error.cost_prompt": "Nothing was {done} for this, which may cost {needed}. {spent} of the {limit} that one run or command may cost are spent or held: other orders of it may be stopped now, and cost what they ran. The limit is at: {where}.",
    "error.cost_day": "Nothing was {done}. This may cost {needed}. {spent} of the {limit} that a day may cost are spent or held. The limit is at: {where}.",
    "error.cost_prompt_over": "Nothing was {done} for this. {spent} of the {limit} that one run or command may cost are spent or held already: other orders of it may be stopped now, and cost what they ran. The limit is at: {where}.",
    "error.cost_day_over": "Nothing was {done}. {spent} of the {limit} that a day may cost are spent or held already. The limit is at: {where}.",
    "error.cost_other_unit": "Nothing was {done}. This is paid in {unit}, and what limits there are name only {limits}: none of them would hold. Give a limit in {unit} as well, or remove them.",
    "error.limit_other_unit": "This key pays in {unit}, so that a limit in {named} would never hold. Nothing was stored. Write a sum in {unit}; others may stand beside it.",
    "error.cost_unbounded": "Nothing was {done}. Nobody can say what {program} costs at most, and there is a limit of {limit}. Allow this program a sum by name (settings, RunningHub: Costs; on the command line: limits --allow {program}=SUM), or remove the limit.",
    "error.cost_rate_unknown": "Nothing was {done}. What a second of running costs this account is not known before its first run here, so that a limit of {limit} bounds nothing yet. Allow {program} a sum by name (settings, RunningHub: Costs; on the command line: limits --allow {program}=SUM), or remove the limit.",
    "error.cost_overdue": "The earlier order {order}, task {id}, may have run longer than was held for it, and cannot be looked at now. Nothing new is ordered under a limit until it is known to be over: look at it in RunningHub tasks, cancel it there, run its inputs again where RunningHub does not know it, or let this run pass the limit.",
    "error.cost_time": "The limits of cost pay for {seconds} s of running, and those are over: the task is being cancelled.",
    "error.cost_time_unseen": "RunningHub has not told whether the task runs. If it does, the {seconds} s of running that the limits of cost pay for are over: the task is being cancelled.",
    "money.page": "settings, RunningHub: Costs; on the command line: limits",
    "money.coin": "{amount} coin",
    "money.coins": "{amount} coins",
    "money.unit_coins": "coins",
    "money.unit_cny": "CNY",
    "money.unit_usd": "USD",
    "money.wallet": "{amount} of the wallet",
    "quote.runs": "about {amount} ({range}, by {runs} own runs)",
    "quote.run": "about {amount} ({range}, by one own run)",
    "quote.preview": "{amount} (asked of the service)",
    "quote.list": "about {amount} (price list)",
    "quote.rate": "{rate} a second on {size} (observed, not documented), sum not known yet",
    "quote.emulated": "nothing is paid: it runs in the sandbox",
    "quote.unknown": "cost not known beforehand",
    "quote.span": "{low} to {high}",
    "quote.from": "from {low}",
    "quote.total": "about {amount}, {orders}",
    "quote.total_more": "about {amount} or more, {orders}",
    "quote.total_none": "{orders}, cost not known",
    "quote.total_unknown": "about {amount} and what is not known, {orders}",
    "quote.order": "1 order",
    "quote.orders": "{count} orders",
    "quote.at_least": "at least {orders}",
    "quote.each": "{orders}, each: {quote}",
    "progress.balance_low": "balance: {left} left, below {floor}",
    "progress.cost_bound": "limit: runs at most {seconds} s, for {sum}",
    "progress.cost_warning": "the limit of cost stops this after {seconds} s of running",
    # progress
    "progress.preparing": "preparing",
    "progress.uploading": "uploading {percent} %",
    "progress.places": "{used} of {limit}",
    "progress.waiting_slot": "waiting for a free slot ({places} used)",
    "progress.waiting_foreign": "waiting for a free slot: the account is busy with other tasks "
    "(ours: {places})",
    "progress.ordering": "ordering",
    "progress.queued": "queued",
    "progress.no_news": "no news from RunningHub; the task may go on there",
    "progress.key_refused": "RunningHub does not accept the key any more; the task goes on there and may cost, and its "
    "results come once the key is accepted again",
    "progress.running": "running {node}",
    "progress.downloading": "downloading {done} of {total} {size}",
    "progress.megabytes": "· {mb} of {all} MB",
    "progress.batch": "{done} of {total} done{failed}, {running} running{uploading}",
    "progress.also_failed": ", {count} failed",
    "progress.also_uploading": ", {count} uploading",
    "progress.reading": "reading results",
    "progress.picture_fitted": '"{field}": the picture had {before} MB as PNG and was sent as {format} with '
    "{after} MB, since fit_pictures is on.",
    "progress.sound_packed": '"{field}": the sound had {before} MB as WAV, more than RunningHub takes, and was sent as FLAC of {bits} bits with {after} MB.',
    "progress.sound_cut": '"{field}": the sound had {before} MB as WAV, more than RunningHub takes, and was sent as FLAC of {bits} bits with {after} MB, which cuts off what is louder than full scale.',
    "progress.field_outside": "{field} ({node}) was {value}, and the class here takes {low} to "
    "{high}: RunningHub's may take more, or refuse it.",
    "progress.looks_cut": "{names} ends in the middle and was delivered as it is: the service has "
    "no better copy. Fetching task {task_id} again may bring one; nothing is paid for that.",
    "progress.incomplete": "The service listed no result of node {nodes}. What is there was "
    "delivered. Fetching task {task_id} later may bring the rest without paying; “Run again as a new "
    "order” pays anew.",
    "progress.not_fetched": "Result {number} of {total} ({name}, node {node}) did not come, and the others were "
    "delivered. {reason} Fetching task {task_id} again tries it once more without paying; “Run again as a new order” pays anew.",
    "progress.cost_measured": "What it cost was measured, by the account's balance before and after it: the native route does not tell.",
    "progress.cost_untold": "What it cost is not told: the native route does not, and the account's balance did not show it for this order alone.",
    "progress.native_taken": "RunningHub does not take this graph under the workflow id {sent} ({remote}). As its route is auto it goes by the native route now, which tells no cost and no place in the queue.",
    "progress.done": "done",
    # pictures and masks
    "media.empty_picture": "There is no picture in this input: its shape is {shape}.",
    "media.not_an_image": "This input is not an IMAGE (batch, height, width, channels): its shape "
    "is {shape}.",
    "media.wrong_channels": "A picture has 1 to 4 channels; this one has {channels}.",
    "media.wrong_samples": "A picture or mask must hold decimal numbers from 0 to 1; this one "
    "holds {dtype}.",
    "media.not_a_mask": "This input is not a MASK (batch, height, width): its shape is {shape}.",
    "media.does_not_fit": "The picture cannot be made to fit: the model takes {limit} MB ({formats}).",
    "media.mask_size": "The mask is {mask} but the picture is {picture}; scale the mask to the "
    "picture first.",
    "media.mask_count": "{masks} masks do not fit {pictures} pictures: give one mask, or one for "
    "each picture.",
    "media.too_many_pixels": "{file} has more than the {limit} pixels that are read as pictures; "
    "it is kept as a file.",
    "media.too_many_pictures": "With {file} the pictures take more than the {limit} GiB that are read at once; it is kept as a file.",
    "media.unreadable_picture": "{file} cannot be read as a picture: {reason}.",
    "media.not_a_tensor": "This input is not a picture or mask but {type}.",
    # sound and video
    "media.not_a_sound": "This input is not an AUDIO (batch, channels, samples): its shape is {shape}.",
    "media.empty_sound": "There is no sound in this input: its shape is {shape}.",
    "media.sound_samples": "A sound must hold decimal numbers; this one holds {dtype}.",
    "media.sound_channels": "A sound may have up to {most} channels here; this one has {channels}.",
    "media.sound_rate": "A sample rate is a whole number from {low} to {high}; this one is {rate}.",
    "media.sound_too_large": "This sound lasts {seconds} s and has {size} MB as WAV. At most {limit} MB are taken, about {fits} s of it as {format}: send a shorter piece.",
    "media.sound_too_long": "This sound is too long for a WAV file: {samples} samples in {channels} channels. Cut it.",
    "media.too_much_sound": "{file} holds more than the {limit} samples that are read as sound; use it as a file.",
    "media.unreadable_sound": "{file} cannot be read as sound: {reason}.",
    "media.no_sound": "There is no sound in {file}.",
    "media.unreadable_video": "{file} cannot be read as a video: {reason}.",
    "media.no_video": "There are no pictures in {file}.",
    "media.too_much_video": "{file} says it has {frames} frames of {width}x{height}, more than the {limit} GiB that are read into memory; use it as a file.",
    "media.unwritable_video": "The video could not be written: {reason}.",
    "media.empty_video": "There are no pictures to make a video of.",
    "media.not_a_frame": "A video's picture has height, width and 1 to 4 channels; this one's shape is {shape}.",
    "media.frame_too_large": "A side of a video may have up to {most} pixels; this picture's shape is {shape}.",
    "media.frame_sizes": "The pictures of a video must all have one size.",
    "media.frame_rate": "A video has from {low} to {high} frames a second; this one has {rate}.",
    # command line
    "cli.usage": "{reason}; see {command} --help",
    "cli.set_form": '"{given}" is no field with a value: write --set 6.text="a cat", or '
    "--set 10.image=@photo.png for a file.",
    "cli.set_twice": '"{field}" is set twice.',
    "cli.file_missing": "There is no file {path}.",
    "cli.file_folder": "{path} is a folder, not a file.",
    "cli.placed": "task {task_id}",
    "cli.finished": "Task {task_id} took {seconds} s and cost {cost}.",
    "cli.cost_coins": "{amount} coins",
    "cli.cost_coin": "{amount} coin",
    "cli.cost_third_party": "{amount} for third-party models",
    "cli.finished_kept": "Task {task_id} ran before ({seconds} s); nothing was paid now.",
    "cli.finished_shared": "Task {task_id} took {seconds} s; its cost is told once, with the equal order.",
    "cli.cost_unknown": "an amount that was not said",
    "cli.made_nothing": "Node {node} made nothing.",
    "cli.not_saved": "The results could not be saved in {folder}: {reason}. They are paid for, and "
    "lie in {kept}.",
    "cli.stopping": "Stopping; a task in the cloud is being cancelled. Ctrl-C again leaves at "
    "once.",
    "cli.stopped": "Stopped. The task was cancelled in the cloud.",
    "cli.stopped_too_late": "Stopped, but the task had ended before it could be stopped, and cost {cost}. Run the same again to get its results without paying again.",
    "cli.stopped_before": "Stopped. Nothing was started in the cloud.",
    "cli.stopped_fetching": "Stopped. The task was over; run the same again to fetch its results.",
    "cli.stopped_unsure": "Stopped, but RunningHub did not confirm that the task was cancelled: it "
    "may be running, and cost. Look at it on the site.",
    "cli.stopped_goes_on": "Stopped waiting. RunningHub did not stop the task, which is a standard model's: it goes on and costs. Run the same again to get its result without paying again.",
    "cli.stopped_unknown": "Stopped while the order was being placed, and no task id came back: a "
    "task may be running, and cost. Look at the call records on the site.",
    "cli.other_stopped": "Task {task_id} was cancelled in the cloud, too.",
    "cli.other_too_late": "Task {task_id} ended before it could be stopped and cost {cost}; run the same again to get its results without paying again.",
    "cli.other_unsure": "RunningHub did not confirm that task {task_id} was cancelled: it may be "
    "running, and cost.",
    "cli.output_lost": "The output cannot be written ({reason}), and is lost; the command itself goes on.",
    "cli.left": "Left at once: a task in the cloud may be running, and cost. `{command} --list` shows what is open.",
    "cli.left_tasks": "Left at once: task {tasks} may be running, and cost. `{command} --list` shows what is open; `{command} ID` with --cancel ends a task, with --follow takes it up.",
    "cli.workflow_fields": "Fields of workflow {workflow}, to be set with --set NAME=VALUE:",
    "cli.workflow_outputs": "Outputs, in their order:",
    "cli.quick_fields": "Fields of module {module}; set them with --set:",
    "cli.quick_file": "{file} cannot be read as text: {reason}.",
    "cli.quick_which": "Which module? Give its call example, or --styles with a webappId.",
    "cli.quick_either": "--styles lists and runs nothing: leave the module and its options out.",
    "cli.quick_no_styles": "No styles of type {type} are told for {id}.",
    "cli.app_fields": "Fields of AI app {app}, to be set with --set NAME=VALUE:",
    # graphs of other packs
    "migrate.no_graph": "There is no graph in it: a workflow of the canvas or a prompt in API format is needed.",
    "migrate.unreadable": "This is no JSON, and no picture, video or sound of a kind that can be read.",
    "migrate.stays": "stays: {node}: {why}",
    "migrate.note_seeds": "As before, the service draws the seeds that you do not set, so each run is an order of its own; switch reroll_seeds off to keep the stored ones and be served equal runs without paying again.",
    "migrate.note_app_form": "The app's whole form is sent: what you do not set has the value that the app stores. As before, each run is an order of its own; switch reroll_seeds off to be served equal runs without paying again.",
    "migrate.note_site": "The old settings named {site}; the stored key or profile has to be of that site. The old key is not carried over.",
    "migrate.note_first": "As the old uploader did, only the first picture of a batch is sent; set batch to each for an order a picture.",
    "migrate.note_audio": "The sound goes up as WAV without loss, where the old node sent the file itself.",
    "migrate.note_limit": "concurrency_limit is not needed: the account's own limit is read from the service.",
    "migrate.note_saves": "The old node also saved what came into the output folder; connect a saver for that.",
    "migrate.note_placeholders": "What a run does not bring stays empty, where the old node gave grey pictures, silence or the text null.",
    "migrate.note_frames": "The frames come out of the video by ComfyUI's Get Video Components.",
    "migrate.note_videos": "The output video carries all videos, where the old node had one output for each.",
    "migrate.note_lost": "The link from output {slot} to {reader} goes: no node of ours has such an output.",
    "migrate.note_empty": "An entry without a node or a field ({name}) is left out.",
    "migrate.note_twice": "The field {name} was in the list twice; the last value counts.",
    "migrate.note_instance": "The old node asked for the machine {sent}, which the service does not document; plus is what it means.",
    "migrate.note_pick": "Of pictures of different sizes, each comes alone and the first of each is picked.",
    "migrate.note_gone": "The service no longer offers {model}; in its place: {other}.",
    "migrate.note_skip_error": "skip_error goes: a failed run says why and holds up only what hangs on it, and no placeholder goes on as a result.",
    "migrate.note_persons": "real_person_mode goes: pictures and videos are sent as they are, not first turned into assets of the old pack's group. Where the service refuses them because of real persons, keep the old node.",
    "migrate.note_idle_seed": "Its seed was never sent and only made ComfyUI run it again; reroll_seeds does that.",
    "migrate.note_ratio": "The old node wrote the aspect ratio into the prompt; now it is sent as the parameter that it is.",
    "migrate.note_files": "The old output gave an address; files gives the path of what was fetched.",
    "migrate.stays_chosen": "you chose so",
    "migrate.stays_linked": "what {name} is comes over a link, and has to be known beforehand",
    "migrate.stays_no_target": "its settings name no workflow and no app",
    "migrate.stays_no_settings": "it is not connected to a settings node of its pack in this graph",
    "migrate.note_outside": "Its settings node stands outside of the subgraph and stays connected to it: delete it, and the key in it.",
    "migrate.stays_settings_differ": "its subgraph is used several times with different settings",
    "migrate.stays_no_media": "nothing is connected to {name}",
    "migrate.stays_list": "its list of fields comes from {node}, which can only be asked by running it; it stays linked",
    "migrate.stays_field_name": "{name} is no field of a numbered node",
    "migrate.stays_needed": "a node that stays reads from it",
    "migrate.stays_unread": "nothing reads from it",
    "migrate.stays_off": "it is muted or bypassed, so it orders nothing now",
    "migrate.stays_path": "it reads a path anywhere on this machine, and ComfyUI's loaders only its input folder",
    "migrate.stays_helper": "it orders nothing, and is as useful as before",
    "migrate.stays_latent": "no documented upload takes latents",
    "migrate.stays_batch": "each of its orders has fields of its own; connect a batch to a field of a RunningHub node instead",
    "migrate.stays_tasks": "the command RunningHub: tasks shows and cancels tasks",
    "migrate.stays_address": "no output of ours is an address; what came is there already",
    "migrate.stays_assets": "it takes ids of assets, which only their service resolves",
    "migrate.stays_unknown_model": "the catalogue does not know the parameters of this model",
    "keys.found": "key {veiled} ({surety}): {places}",
    "keys.certain": "certain",
    "keys.likely": "likely",
    "keys.maybe": "maybe, or just a checksum",
    "keys.no_file": "This saved workflow is not there any more.",
    "keys.revoke": "Whoever got one of these files has the key. If one was published, revoke the key on the site (API console) and make a new one.",
    "cli.migrate_nothing": "{file}: no old nodes.",
    "cli.migrate_written": "{file}: written.",
    "cli.migrate_backup": "{file}: changed; the file as it was is {backup}.",
    "cli.migrate_backup_key": "{backup} still holds the key: delete it when all is well.",
    "cli.migrate_beside": "{file}: the new {graph} is longer than its place in this file, which stays as it was; it is {beside}.",
    "cli.migrate_look": "Nothing was changed. --out DIR writes the new files there, --yes replaces these and keeps a copy of each.",
    "cli.migrate_ask": "Replace them in {file}, and keep a copy?",
    "cli.migrate_no_files": "{path}: no JSON in this folder, and no picture, video or sound of a kind that can be read.",
    "cli.migrate_others": "{path}: files of other kinds were not read: {count}.",
    "cli.migrate_same": "{path}: --out is the folder that the file is in; choose another one, or leave --out away.",
    "cli.migrate_closed": "The file, or a new one for it, cannot be read or written: {reason}.",
    "cli.migrate_failed": "{count} of {all} files could not be read or written; each is named above, with the reason.",
    "cli.scrub_none": "{file}: no key.",
    "cli.scrub_ask": "Take this key out of {file}?",
    "cli.scrub_left": "{file}: {veiled} stays; --key {start} takes it out.",
    "cli.scrub_keys": "Keys taken out: {count}.",
    "cli.models_found": "{count} models, as of {date}.",
    "cli.model_fields": "Parameters of {model} ({names}), to be set with --set NAME=VALUE; * is required:",
    "cli.model_unlisted": "The catalogue does not know {model}: if there is such a model, it runs with --extra, a JSON object of its parameters. Nearest: {near}.",
    "cli.model_incomplete": "The catalogue does not know all of its parameters: others go into --extra.",
    "cli.app_protected": "It is protected: put its password into RUNNINGHUB_ACCESS_PASSWORD.",
    "cli.task_state": "state",
    "cli.task_cost": "cost",
    "cli.task_seconds": "seconds",
    "cli.task_failure": "failure",
    "cli.task_link": "link",
    "cli.task_results": "Results, fetched by {command}:",
    "cli.task_over": "The task was over already; there is nothing to cancel.",
    "cli.cancel_unsure": "RunningHub did not confirm that the task was cancelled: it may be running, "
    "and cost. Look at it on the site, or cancel again.",
    "cli.task_left": "No longer waiting. The task goes on in the cloud.",
    "cli.orders_open": "Nobody waits for these. Follow, fetch or cancel one by its "
    "id, answer a question by its order: {command} --help",
    "cli.orders_none": "No order is open.",
    "cli.order_cancelling": "cancelling",
    "cli.ordered_before": "This command had ordered before that: task {tasks}. What is done of it is not paid again when you run the same again without --again.",
    "cli.order_asked": "What you found out is said by: {command} --is TASK, or "
    "{command} --not-started",
    "cli.order_is": "Order {order} is task {task_id} from now on: run the same "
    "again to take it up. Until it is over another answer takes this one's place.",
    "cli.order_not_started": "Order {order} came to nothing: run the same again to order it.",
    "cli.sight_before": "tasks of the account when it was sent: {count}",
    "cli.sight_now": "tasks of the account now: {count}",
    "cli.sight_ours": "of these known here: {count}",
    "cli.history_none": "No order fits. The journal is {path}.",
    "cli.history_more": "There are more: --before {order}, or more words.",
    "cli.history_ordered": "ordered",
    "cli.history_program": "program",
    "cli.history_inputs": "Fields:",
    "cli.history_results": "Results:",
    "cli.history_owed": "Not here yet: {command}",
    "cli.history_question": "Nobody knows what became of it: {command}",
    "cli.history_file": "a file, not kept here",
    "cli.spend_none": "Nothing that ended in the last {days} days is in the journal {path}.",
    "cli.spend_total": "together",
    "cli.spend_untold": "{count} of these ended without a word of their cost.",
    "cli.uploaded": "{file}: {name} {url}",
    "cli.lora": "{file}: {name}",
    "cli.unknown": "unknown",
    "cli.account_kind": "kind",
    "cli.account_coins": "coins",
    "cli.account_money": "money",
    "cli.account_currency": "currency",
    "cli.account_limit": "tasks at once",
    "cli.account_running": "running",
    "cli.account_queued": "queued",
    "cli.account_instances": "machines",
    "cli.webhooks_begin": "Webhooks are received on http://127.0.0.1:{port} for the journal in {folder}, until Ctrl-C.",
    "cli.webhooks_url": "Orders that are placed with RUNNINGHUB_WEBHOOK_URL={url} call it: your tunnel must lead from there to here.",
    "cli.webhooks_no_url": "Lead a tunnel of yours to http://127.0.0.1:{port}, and set RUNNINGHUB_WEBHOOK_URL to its public address where orders are placed.",
    "cli.webhooks_ended": "Task {task_id} is over, says a webhook.",
    "cli.webhooks_end": "Webhooks are not received any more; {count} tasks were told of.",
    "cli.webhook_to": "--to names where a webhook is sent again; it goes with --resend.",
    "cli.webhook_state": "state",
    "cli.webhook_url": "address",
    "cli.webhook_answer": "answer",
    "cli.webhook_tries": "tries again",
    "cli.webhook_created": "created",
    "cli.webhook_updated": "updated",
    "cli.webhook_resent": "It is being sent again to {url}; ask once more for how that went.",
    "cli.key_masked": "key",
    "cli.key_name": "name",
    "cli.key_status": "status",
    "cli.key_quota_used": "used",
    "cli.key_quota_limit": "quota",
    "cli.key_expires": "expires",
    "cli.key_created": "created",
    "mcp.no_limit": 'Nothing limits what an agent may spend, so nothing was ordered: start the server with --max-cost, such as --max-cost "20 coins", or set a limit with `python -m rh_api limits`.',
    "mcp.outside": "{path} is not below {folder}: files are taken from there alone.",
    "mcp.no_name": '"{value}" names nothing: it is empty or begins with a dash.',
    "mcp.no_sdk": 'The Model Context Protocol needs one more package: python -m pip install "mcp>=2.3,<3"',
    "mcp.serving": "Serving at {address} with the header Authorization: Bearer {token}",
    "cli.demo_begins": "A picture is redrawn by the built-in emulator: no key, no network.",
    "cli.demo_ends": "The same with RunningHub itself: put a key into RUNNINGHUB_API_KEY, then "
    "python -m rh_api run --help.",
    "cli.no_pillow": "The built-in emulator draws with Pillow, which is not installed: python -m "
    "pip install Pillow",
    "cli.no_viewer": "No program was found that shows {path}.",
    "cli.emulator_begins": "A RunningHub for trying out is at {address}, with the key {key}. "
    "Ctrl-C ends it.",
    "cli.emulator_comfyui": "Graphs run on the ComfyUI at {url}.",
    "cli.no_comfyui": "No ComfyUI answers at {url}: {reason}",
    "cli.emulator_workflows": "Its workflows:",
    "cli.emulator_accounts": "Its keys, one for each kind of account:",
    "cli.emulator_try": "Try, in another terminal with these variables:",
    "cli.emulator_ends": "The emulator has ended.",
    "cli.port_taken": "Port {port} of {host} cannot be used: {reason}. Choose another one.",
    # segments: eligibility and results
    "cli.prompt_unreadable": "{path} holds no graph in ComfyUI's API format.",
    "cli.offload_unmarked": "Which nodes? Nothing in this file is marked: name them with --nodes 3,6,8.",
    "cli.offload_nothing": "Nothing of this graph would run in the cloud. {told}",
    "cli.offload_file": 'There is no file "{name}", neither in --input nor beside the prompt.',
    "cli.offload_profile": 'The part of node {id} is to be paid by the account "{name}", whose key is not here: put it into {variable}, or name no profile. Nothing was ordered.',
    "cli.max_cost_accounts": "--max-cost counts what one account pays, and these parts are paid by several ({names}). Order them one by one, or set limits of the accounts. Nothing was ordered.",
    "cli.offload_local": "Node {node} would have to run here, for input {input} of node {reader}, and there is no ComfyUI. Name it in --nodes as well.",
    "cli.offload_held_up": "Order {id} is not placed: what it takes did not come.",
    "cli.offload_waits": "Node {node} reads what came back; it runs only in a ComfyUI.",
    "cli.explain_segment": "Order {id}, on machine {size}:",
    "cli.explain_nodes": "runs in the cloud: {nodes}",
    "cli.explain_pulled": "goes along: {node}: {reason}",
    "cli.explain_up": "goes up: {what}",
    "cli.explain_known": "there already",
    "cli.explain_back": "comes back: {kind} of {node} for {to}",
    "cli.explain_saved": "saved here: {nodes}",
    "cli.explain_usual": "usually: {seconds} s (runs: {runs})",
    "cli.choose_journal": "Which of these journals shall commands use from here on? 1 to {most}, then Enter:",
    "cli.chose_journal": "It is remembered in {file}; RUNNINGHUB_STATE overrides it.",
    "cli.explain_quote": "costs: {quote}",
    "cli.journal_lost": "A journal that could not be used was set aside as {file}: its orders are not known here, and its limits of cost hold no more until they are set anew; remove that file when none of its orders is running.",
    "cli.limits_none": "No limit is set.",
    "cli.limits_today": "today: {sum}",
    "cli.explain_local": "Runs here: {nodes}",
    "segment.no_key": "This part of the graph is marked to run on RunningHub, and no API key is set here. Enter a key in the RunningHub settings (or set RUNNINGHUB_API_KEY), or choose to run it locally. Nothing was run.",
    "segment.bad_workflow": "extra_data.runninghub.workflow must be the id or the link of a workflow.",
    "segment.file_missing": 'The file "{name}" that is to go to RunningHub is not in ComfyUI\'s folders.',
    "segment.file_no_media": 'The file "{name}" is no picture, sound or video, so it is not sent to RunningHub. Choose another one on the node.',
    "segment.model_unlisted": 'RunningHub does not list a model "{name}", which node {node} loads. Nearest: {near}. It was asked for all the same, for the list is not complete. A file that is not there is refused before the run, at no cost; a run that fails for it later may be billed. To refuse instead, say "strict": extra_data.runninghub.models, models of a mark, or RUNNINGHUB_MODELS.',
    "segment.class_unlisted": 'The class "{name}" of node {node} is not in the cloud\'s list of today. The list may not be complete, so the order is placed all the same.',
    "segment.file_unlisted": 'The file "{name}", which node {node} loads, is not in the cloud\'s list of today. Nearest: {near}. The list may not be complete, so the order is placed all the same.',
    "segment.model_missing": 'RunningHub has no model "{name}", which node {node} loads. Nearest: {near}.',
    "segment.list_came": "{count} items came as a list for input {input} of node {node}; a part that runs on RunningHub takes one. Nothing was ordered. Run it locally, or make the list a batch first.",
    "segment.wrong_value": "Input {input} of node {node} takes {type} in the cloud, but {given} came. Nothing was ordered.",
    "segment.video_made": "The video for input {input} of node {node} is made of pictures and has no file, so it would lose quality on its way. Mark the node that makes it as well. Nothing was ordered.",
    "segment.no_text": "The result {name} holds no text that can be a value.",
    "segment.bad_text": '"{value}" came back where {type} was expected.',
    "segment.nothing_made": "The task ran to its end, but none of its nodes gave anything that comes back, as one does that finds nothing to work on. It is over and billed as any other.",
    "segment.nothing_came": "The task finished, but the results of node {node} are not among what it made.",
    "segment.sounds_differ": "The sounds that came back differ in length or rate, so they are no batch.",
    "media.sizes_differ": "{count} pictures of different sizes came back where one batch was expected.",
    # nodes
    "node.comfyui_too_old": "RunningHub nodes need ComfyUI 0.11 or newer; nothing was loaded.",
    "node.second_copy": "RunningHub Remote is here twice: {folder} was not loaded, because {other} is. Remove one of the two folders from custom_nodes and restart ComfyUI. The orders and keys of both are the same, and stay.",
    "node.folder_name": "ComfyUI serves no scripts from {folder}, because that name has a blank or a letter outside ASCII in it: on the canvas the nodes have no inputs, settings or panel. Name the folder runninghub-remote and restart ComfyUI.",
    "node.prompt_refused": "The prompt was not queued: {reason}",
    "node.batch_lengths": "Fields that hold several items must hold equally many, for they go in "
    "step; they hold: {lengths}.",
    "node.batch_many": "This would place {count} orders, and each costs; max_orders allows {most}. "
    'Raise it, or set "batch" to "first" to send the first item alone: both are among the '
    "advanced inputs of the node, which its menu shows.",
    "node.field_empty": 'Nothing came through the link at "{field}".',
    "node.field_media": '"{field}": {reason}',
    "node.bad_choice": '"{name}" is one of {choices}, not "{value}".',
    "node.bad_type": '"{name}" cannot be "{value}".',
    "node.mistyped": '"{field}" is neither a field nor an option of this node. Nearest: {near}. Nothing was started.',
    "node.null": '"{name}" has no value (null). Give it one, or leave it out. Nothing was started.',
    "node.unread": "This node names another program, {program}, than the one whose inputs it shows. "
    "Wait until it is read, or choose again; nothing was sent.",
    "node.too_small": '"{name}" must be at least {least}, not {value}.',
    "node.bad_retain": '"retain_seconds" is 0 (off) or {low} to {high}, not {value}.',
    "node.no_profile": 'There is no stored profile "{value}". Add it in the settings of '
    "RunningHub, or leave it empty to use the default one.",
    "node.no_default": "None of the stored accounts ({names}) is the default one, and none is named here. "
    "Name one, or make one the default on the page Keys and sites of ComfyUI's settings. Nothing was ordered.",
    "node.bad_profile_name": "A profile needs a name of 1 to {most} readable characters.",
    "node.reserved_profile": 'No profile can be named "{value}": it stands for something else.',
    "node.no_site": "The address of the site is missing, such as https://www.runninghub.ai.",
    "node.bad_site": "A site must look like https://www.runninghub.ai, not {value!r}.",
    "node.lora_there": "at RunningHub as {name}",
    "node.uploaded": "uploaded: {count}",
    "node.key_in_graph": "Your API key stands in {node}. ComfyUI would keep it in its history and write it into pictures. Take it out: its place is ComfyUI's settings, under RunningHub. Nothing was started.",
    "node.key_on_canvas": "Your API key stands in a node or a note of this workflow, which ComfyUI would write into pictures. Take it out (*RunningHub: clean keys* in the menu finds it): its place is ComfyUI's settings, under RunningHub. Nothing was started.",
    "node.key_beside_graph": "Your API key stands in the request's extra_data, which ComfyUI would keep in its history and may write into pictures. Take it out: its place is ComfyUI's settings, under RunningHub, or RUNNINGHUB_API_KEY. Nothing was started.",
    "node.key_for_site": "Enter the key of {site}: a key is never tried on another site.",
    "node.bad_password": "An access password has at most {most} characters.",
    "node.bad_kind": 'A program is a "workflow" or an "app", not "{value}".',
    "node.app_protected": "This AI app runs only with the password that its author gave it.",
    "node.profiles_unreadable": "The stored keys in {file} cannot be read. Repair or remove that "
    "file; nothing was changed.",
    "node.route_host": "This ComfyUI does not know itself as {host}, so the page may be a stranger's. "
    "Open it by its address, or name the host in RUNNINGHUB_HOSTS and restart.",
    "node.route_origin": "Another page than this ComfyUI's called; it gets no answer.",
    "node.route_type": "The request must be JSON.",
    "node.route_body": "The request's JSON must be an object.",
    "node.route_token": "ComfyUI was restarted, or the page is a stranger's. Reload the page.",
    "node.no_report": "Nothing is known of a failure of this node since ComfyUI started.",
    "node.no_loras": "There is no LoRA file in ComfyUI's models/loras. Put one there and reload "
    "the page.",
    "node.lora_unknown": 'There is no LoRA file "{name}" in ComfyUI\'s models/loras.',
    "node.unreadable": "A result cannot be used: {reason} It was kept in ComfyUI's output folder: "
    "{files}.",
    "node.not_kept": "A result could not be written into {folder} ({reason}). Its task is finished and "
    "paid: mend that, such as by making room, and run the same again, which costs nothing. For now "
    "the result lies at {file}.",
    "node.not_produced_by_any": "None of the {count} orders made anything for these outputs: "
    "{outputs}.",
    "node.not_all": "not all results came",
    "node.not_produced": "Task {task_id} made nothing for these outputs: {outputs}.",
    "node.over_done": "Done: its results wait to be fetched.",
    "node.over_failed": "It failed in the cloud.",
    "node.over_cancelled": "It was cancelled.",
    "node.no_order": "Order {order} is not in the journal (any more).",
    "node.no_result": "This result of order {order} is not on this machine. Fetch it first.",
    "node.no_loader": "No node of ComfyUI's own loads {name}.",
    "node.input_folder": "The file could not be put among ComfyUI's inputs: {reason}.",
    "node.inputs_gone": "The files of {fields} are not in the cloud any more, and the history keeps only their hashes. Use these inputs on the canvas, connect the files again, and run.",
    "node.example_not_kept": "An older version ran this module and did not keep its call example. Paste that into a Quick Create node and run it.",
    "node.graph_not_kept": "The history does not have all of this graph: an older version did not keep it, or it is very long. Open that workflow and run it.",
    "node.key_not_here": "Order {order} was paid by a key for {origin} that is not stored here (any more).",
    "node.running": "running",
    "node.one_answer": "One answer is needed: the task's id, or that it did not start.",
    "node.task_left": "No longer waiting. Task {tasks} goes on in the cloud, unless it was over.",
    "node.elapsed": "{line} · {seconds} s",
    "node.elapsed_of": "{line} · {seconds} s of about {usual} s",
    "node.queued": "queued ({running} of the account's tasks run, {queued} wait)",
    "node.bad_again": "extra_data.runninghub.again must be a list of node ids.",
    "node.kept": "nothing was paid now: kept from an equal order before",
    "node.stopped_before": "stopped · nothing was ordered",
    "node.stopped": "stopped · cancelled in the cloud",
    "node.stopped_too_late": "stopped too late: the task was over; the same inputs and seed bring its results, which are not paid again",
    "node.stopped_unsure": "stopped · not confirmed: the task may run and cost; it is cancelled again once RunningHub answers",
    "node.stopped_unrecorded": "stopped · not confirmed, and the disk has no room to note it for the next start: task {task_id} may run and cost; stop it with the command RunningHub: tasks, or on the site",
    "node.stopped_goes_on": "stopped waiting · RunningHub does not stop this task: it goes on and costs; the same inputs and seed bring its result without paying again",
    "node.all_stopped": "{count} of {total} tasks: cancelled in the cloud",
    "node.all_too_late": "{count} of {total} tasks: over already; the same inputs and seeds bring their results, which are not paid again",
    "node.all_unsure": "{count} of {total} tasks: not confirmed, may run and cost; they are cancelled again once RunningHub answers",
    "node.all_unrecorded": "{count} of {total} tasks: not confirmed, may run and cost, and the disk has no room to note it for the next start: {task_id}; stop them with the command RunningHub: tasks, or on the site",
    "node.all_go_on": "{count} of {total} tasks: RunningHub does not stop them, they go on and cost; the same inputs and seeds bring their results without paying again",
    "node.cost_untold": "cost not told",
    "node.done": "done",
    "node.taken_up": "done · it was ordered before, nothing was ordered now",
    "node.orders_taken_up": "{count} were ordered before",
    "node.orders_done": "{count} orders done",
    "node.shared": "done together with an equal node, which tells the cost; nothing was paid twice",
    "node.orders_shared": "{count} of them ordered and told by an equal node",
    "node.orders_kept": "{count} of them kept from before",
    "node.done_in": "done in {seconds} s",
    "node.coins": "{value} coins",
    "node.coin": "{value} coin",
    "node.money": "paid {value}",
    "node.third_party": "{value} for third-party models",
    # segments: cutting
    "segment.cannot": "This cannot run on RunningHub.",
    "segment.own_node": "Node {node} cannot run on RunningHub: it is a RunningHub node itself. Take its mark off.",
    "segment.own_node_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but it is a RunningHub node itself. Take the mark off {other}.",
    "segment.unknown_class": "Node {node} cannot be sent to RunningHub: its class is not known here, so nobody can tell what it needs. Install its pack, or take its mark off.",
    "segment.unknown_class_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but its class is not known here. Install its pack, or take the mark off {other}.",
    "segment.api_node": "Node {node} cannot run on RunningHub: it calls another paid service with your account of that service. Take its mark off.",
    "segment.api_node_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but it calls another paid service. Take the mark off {other}.",
    "segment.needs_window": "Node {node} cannot run on RunningHub: it needs something in this browser (a camera, a microphone, an editor or a 3D view). Take its mark off.",
    "segment.needs_window_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but it needs something in this browser. Take the mark off {other}.",
    "segment.local_disk": "Node {node} cannot run on RunningHub: it reads or writes a path on this machine's disk. Take its mark off.",
    "segment.local_disk_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but it reads or writes this machine's disk. Take the mark off {other}.",
    "segment.side_effect": "Node {node} cannot run on RunningHub: it is an output node, and what it does cannot be brought back. Take its mark off; it then runs here.",
    "segment.side_effect_follows": "Node {node} would have to go to RunningHub too, because {type} cannot cross between it and node {other}, but it is an output node whose results cannot be brought back. Take the mark off {other}.",
    "segment.only": "Only marked nodes may go to RunningHub, but {type} cannot cross between node {node} and node {other}. Mark {node} too, or allow that unmarked nodes go along.",
    "segment.cycle": "Nothing can run: node {node} needs its own result. Remove one link of the circle.",
    "segment.no_output": "Nothing would come of this: the prompt has no output node. Add one that saves or shows the result of {node}.",
    "segment.no_source": '"{input}" of node {node} reads from node {other}, which is not there. Connect it anew.',
    "segment.no_output_slot": "Node {node} reads output {slot} of node {other}, which has no such output. Connect it anew.",
    "segment.input_missing": 'Node {node} lacks its input "{input}". Connect it, or un-mute what it reads from.',
    "segment.no_model": "Node {node} names no model in \"{input}\", and this ComfyUI may have none to choose. Name one of RunningHub's: on the canvas by the node's menu, “Find a model in the cloud”.",
    "segment.too_small": '"{input}" of node {node} is {value}; at least {least} is allowed. Nothing was sent.',
    "segment.too_large": '"{input}" of node {node} is {value}; at most {most} is allowed. Nothing was sent.',
    "segment.file_linked": '"{input}" of node {node} names a file through a link, so it cannot be told which file has to go up. Choose the file on the node itself.',
    "segment.outlets_many": "Too much comes back from the segment of node {node}: {count} values, at most {limit} can. Mark more of what reads them, or make two segments.",
    "segment.inlets_many": "Too much goes into the segment of node {node}: {count} values, at most {limit} can. Mark more of what they come from, or make two segments.",
    "segment.orders_many": "The marks make {count} orders or more, and each costs; at most {limit} are placed at once. Mark nodes that touch, or fewer.",
    "segment.unwritable": "The segment of node {node} holds a value that cannot be sent, such as an infinite number.",
    "segment.unreadable": "This is no segment that this version has written. Queue the workflow again.",
    "segment.bad_segments": "extra_data.runninghub must be an object, and its segments a list.",
    "segment.bad_word": 'extra_data.runninghub has a word "{word}", which is none of {known}. Nothing was run.',
    "segment.bad_segment": "Segment {number} of extra_data.runninghub must be an object with nodes (a list of node ids) and nothing but instance, models, name, only, profile, route, timeout, use_personal_queue and workflow beside it.",
    "segment.bad_mark": 'A mark must have a name of 1 to 200 letters, and "only" must be true or false. Mark the node anew.',
    "segment.bad_instance": 'A mark\'s instance is one of {choices}, not "{value}". Mark the node anew.',
    "segment.bad_option": '"{name}" of a mark cannot be "{value}". Mark the node anew.',
    "segment.bad_route": "extra_data.runninghub.route is one of {choices}.",
    "segment.bad_models": "extra_data.runninghub.models is one of {choices}.",
    "segment.no_nodes": "Segment {number} of extra_data.runninghub names no nodes.",
    "segment.unknown_node": "Segment {number} names node {node}, which is not in the prompt. Nearest: {near}.",
    "segment.twice": "Node {node} is in two segments. Leave it in one.",
    "segment.inlet_empty": "Nothing came for {inlet}.",
    "segment.one_only": "{count} values came for {inlet}, which takes one.",
    "segment.channels": "A picture for {inlet} has {channels} channels; 3 or 4 go up as they are, and all of a batch alike.",
    "segment.sound_channels": "The sound for {inlet} has {channels} channels, but at most {limit} come back. Make it stereo first.",
    "segment.not_of_cloud": "This node saves what its own part of the graph made in the cloud, and nothing else. Nothing was saved.",
    "segment.result_gone": "A result is no longer in ComfyUI's temp folder, which was emptied. Queue the same again: it is laid there anew, and nothing is ordered.",
    "segment.helper": "{title}, in a step of our own that carries its value",
    "segment.not_plain": "What came for {inlet} is {given}, not a text, a number or a switch.",
    "segment.not_finite": "{inlet} cannot be {value}: only finite numbers go up.",
    "segment.pulled_reader": "{node} goes along: it needs the {type} of {other}, which cannot cross.",
    "segment.pulled_source": "{node} goes along: {other} needs its {type}, which cannot cross.",
    "segment.opens_here": "{node} runs here, so that pictures and sound go up and not a video made of them.",
    "segment.saves_here": "{node} is not ordered: nothing of its part makes what it reads. It runs in ComfyUI on this machine, at no cost.",
    "segment.runs_here": "{node} runs here too: its result is needed here and costs nothing.",
    "segment.changes": "{node} may give another value each time it runs. In the cloud it runs once for equal orders, which are kept; order anew for another value.",
    "segment.each_turn": "{node} runs this part in each turn of its loop. Each turn that brings other inputs is an order of its own, and costs.",
    "segment.changes_twice": "{node} may give another value each time it runs, and it runs here as well as in the cloud, so one run may use two values. What runs in the cloud is kept for equal orders.",
    "segment.unused": "{node} is marked but does not run: no output needs it.",
    "segment.one_item": "What {node} reads comes as a list: it may hold one item only.",
    "segment.kept_apart": "{other} is an order of its own: {node} may give nothing for {reader}, and would hold it up.",
    "segment.blocks_all": "If {node} gives nothing for {reader}, nothing of this part runs, though {other} does not need it: as orders of their own, they would sample the same twice. Mark the two under different names to keep them apart all the same.",
    "segment.unchecked": "Nobody can look up beforehand whether RunningHub has these models: {names}.",
    "segment.loss_image": "The pictures of {node} come back as 8-bit PNG, without what lies outside 0 to 1.",
    "segment.loss_mask": "The masks of {node} come back in 256 levels, rounded.",
    "segment.loss_audio": "The sound of {node} comes back as FLAC: 16 bit, 1 or 2 channels, cut at full volume. More channels come back mixed up, as noise of another length: make it stereo first.",
    "segment.loss_video": "The video of {node} comes back in a new container, its pictures and sound untouched.",
    "segment.unproven_text": "The value of {node} comes back as a text result, which is known from other programs only and not proven.",
    "segment.file_unnamed": '"{input}" of node {node} names no file. Choose one.',
    "segment.bad_prefix": '"{input}" of node {node} is "{value}", under which nothing can be saved: it leads out of the output folder, is too long, or no name of a file. Nothing was sent.',
    "segment.prefix_linked": '"{input}" of node {node} comes from node {other} in a way that cannot cross. Write the prefix on the node itself.',
    "segment.pulled_cheap": "{node} goes along: it only counts or writes, and the order would have to be cut in two for it.",
    # names of the sandbox's samples
    "sample.text_to_image": "Text to image",
    "sample.invert_a_picture": "Invert a picture",
    "sample.inpaint": "Inpaint",
    "sample.two_pictures": "Two pictures",
    "sample.text_to_image_with_your_lora": "Text to image with your LoRA",
    "sample.picture_from_an_address": "Picture from an address",
    "sample.text": "Text",
    "sample.subgraph": "Subgraph",
    "sample.image_to_image": "Image to image",
    "sample.example_app": "Example app",
    "sample.redraw_a_picture": "Redraw a picture",
    "sample.redraw_in_a_style": "Redraw in a style",
    "sample.blend_two_pictures": "Blend two pictures",
}


def english(key: str, params: Mapping[str, object]) -> str:
    """The English sentence of `key` with `params` filled in; an unknown key is returned as is."""
    return fill(ENGLISH[key], params) if key in ENGLISH else key


def fill(template: str, params: Mapping[str, object]) -> str:
    """Fill `params` into a template of any language; white space collapses to one line."""
    return " ".join(template.format_map(_Blank(params)).split())


class Words(str):
    """A param that is text itself, in English; `tell` renders it in another language."""

    tell: Callable[[Say], str]

    @classmethod
    def of(cls, tell: Callable[[Say], str]) -> Words:
        words = cls(tell(english))
        words.tell = tell
        return words


class _Blank(dict[str, object]):
    """Renders a missing param as an ellipsis: formatting an error must never raise."""

    def __missing__(self, key: str) -> str:
        return "…"
