"""The structure of the code in numbers: what is counted, its limit today, and its goal."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from tests.structure import measures


@dataclass(frozen=True)
class Row:
    """`limit`: follows the number down and never goes up without a reason beside it."""

    name: str
    count: Callable[[], int | Sized]
    limit: int
    goal: str

    def now(self) -> int:
        counted = self.count()
        return counted if isinstance(counted, int) else len(counted)

    def listed(self) -> list[str]:
        """What was counted, one by one, where it is a list."""
        counted = self.count()
        return [str(entry) for entry in counted] if isinstance(counted, list) else []


ROWS = (
    # 7 for what an order costs: held before it, counted, booked after it.
    # 1 for connections that are opened before they are needed, 1 for the ways of asking about a
    # task, which differ by its route, 1 for the line of who waits for a place.
    # 3 for files that change before they go up, halves of results, and results of which some are
    # here: each is more than a module of its subject could hold.
    # 1 for hosts of which an address leads nowhere: urllib3 alone does not go around it.
    Row("files that one order of a picture executes", measures.picture_files, 58, "36"),
    # 4 for those connections: of orders, of uploads, of results.
    # 2: how a followed task is doing is noted for the panel, and people say how long things stay.
    # 5 for the native route: what a file is called is asked of one place, and so is a task.
    # 1 for what a process left that died in the middle of a transfer, which the net removes.
    # 2 for that line: it is asked about before an order, and left at the end.
    # 2 for a caller's own function that is told of progress: its errors stop no order.
    # 2 for the bytes of a download, which a large one tells as they come.
    # 3 for those modules.
    # 1 for the name of a new journal, which Windows may refuse for a moment.
    # 1 for the clock that tells when results are to be tidied again.
    Row("pairs of calling and called file in it", measures.picture_pairs, 142, "75"),
    Row("modules of over 400 lines among them", measures.long_picture_files, 0, "0"),
    # Above it are the journal, transfers and money, each a subject that a cut would spread over
    # files which one order then runs through as well. So are connections opened ahead,
    # the schedule of polls, since it knows of webhooks, and submitting, since there is a V2.
    # So is what asks about a task and orders one, since there is a native route.
    Row("median of their lines", measures.median_picture_lines, 192, "150"),
    Row("circles of imports", lambda: measures.circles("rh_api", "nodes"), 0, "0"),
    # One for the names of models, which a page asks for and no start waits for; one for the
    # emulator, which a page need not wait for either; one for keys, which only prompts with a node
    # of ours are searched for; one for the forms of models, and one for what ComfyUI's classes say,
    # which only some prompts ask for.
    Row("import statements in functions of nodes/", measures.local_imports, 10, "10"),
    Row("places that change an error", measures.changed_errors, 0, "0"),
    Row("lambdas over the journal", measures.journal_lambdas, 0, "0"),
    Row("names that say nothing", measures.vague_names, 0, "0"),
    Row("files of tests of over 600 lines", measures.long_test_files, 0, "0"),
    # What fixes and new features took in modules that were there; new modules are not counted.
    # A docstring that ran over 100 columns is two lines; heads of the modules that were split.
    # 510 for the native route, which goes through what there was and is no second path.
    # 190 for webhooks: a row of the journal, settings, a schedule that relies on them.
    # 60 for a model's price that is asked of what goes out, and pictures that are made to fit.
    # 70 for the route of an account and of a marked part on the canvas, and for hints of what the
    # native route lists.
    # 10 for modules of Quick Create that the history can order again, 20 for halves of files that a
    # killed process left.
    # 10 for an emulator and a catalogue that are read faster or later.
    # 24 for where another workflow id is named when the service refuses a part's.
    # 20 for graphs that the history can order again, and what the journal takes of them.
    # 64 for thousands of orders, which wake the journal's thread and are woken together.
    # 10 for what is made once and not with each order or answer.
    # 150 for what a new user met: money in words of each language and with its currency, equal
    # items that count once, sentences that say of a task only what is known, and a service that
    # is away.
    # 80 for two processes at one account's limit: each has its share of the places.
    # 450 for a service and clocks that are hostile: limits hold for what nobody follows, on
    # any clock and in any unit; Stop and failures tell what became of the money, task by task.
    # 500 for what is hostile or odd beside the service: prompts that name files, keys in the wrong
    # place, files of any kind, values that did not come, stops that nobody confirms.
    # 121 for slow and lost lines, whose transfers go on, for signals and outputs that end no order,
    # and for bytes of downloads.
    # 256 for what scripts send and nobody meant, for money that is told once and by whom, accounts
    # of which none is the default, sounds and failures of parts on the command line, second copies.
    # 310 for outputs that keep their nodes, files of savers as they would be here, Stops that
    # nobody confirms, and bodies that stores pack in their own way.
    # 298 for a service that is not in step with itself: tasks that it does not know yet, ends that
    # it does not mean, results of which some are gone; and for answers that can be taken back.
    # 140 for what other packs and the newest ComfyUI bring: inputs that grow, loops, LoRAs in rows,
    # accounts of comfy.org, types of any kind.
    # 44 for files that somebody has open, and names that are none, on Windows.
    # 43 for weeks in one process: bounds of what is kept, costs that are never told, midnight.
    # 70 for what thousands of orders share: commits of the journal, threads of transfers.
    # 24 for several pages and ComfyUIs at once: prompts of no page, keys that two of them save.
    # 17 for libraries that change under what was paid.
    # 30 for longer names, which say what they hold, and adapters that fit their own files.
    # 68 for networks as they are: dead addresses, proxies and pages of whoever stands between,
    # polls that hang, pauses of a day, rows that are blank.
    # 2 for what a part was warned of before it was refused.
    # 60 for networks as they are: dead addresses, proxies and pages of whoever stands between.
    # 5 for a page that was opened anew and hears of a Stop, and for what is told as "0" and is not.
    # 48 for parts that several accounts pay, on the command line.
    # 19 for what a node that runs twice in one prompt was given already, and for several users.
    # 8 for names of samples in the language of the page.
    # 5 for videos that are read in a sixth less time.
    # 12 for orders that only load files, which are named before they are paid.
    # 32 for parts that are refused before an earlier one is paid: their models, and their route.
    # 7 for tasks that failed with a refusal's code, for which nothing is ordered or denied.
    # 12 for readings of the service that hurt: reasons that are texts, files that it could not
    # process, megabytes of either size, webhooks ahead of polls.
    # 9 for sentences in a row, with the gaps of their language.
    # 13 for bounds of what weeks of orders would leave behind.
    # 56 for a model's price after runs with other options, which no list has in that currency.
    # 22 for linked pictures that are muted, for which no stored one is ordered.
    # 6 for a second Ctrl-C while a drive hangs.
    # 6 for pipes on consoles with a code page of their own.
    # 7 for copies of files that others may not read.
    # 13 for folders of journals that may not be read.
    # 4 for a Ctrl-C while a cancel hangs.
    # 32 for packs beside this one, which change what is everybody's.
    # 24 for media as cameras, phones and editors write them, and texts that begin like one.
    # 4 for users without a home, as in a container.
    # 3 for a ComfyUI whose web server does not run.
    # 9 for prompts that come past our handler.
    # 26 for tasks that a full disk did not take.
    # 36 for stops of orders without a task id, which are told with how to settle them.
    # 15 for refusals that are told though nothing can be read about them, and ends by a task's id.
    # 24 for a Ctrl-C over several accounts, which is told once all have ended.
    # 3 for a close that waits for orders however far they have come.
    # 2 for the last word of a socket whose follower has left.
    Row("lines of rh_api and nodes", measures.program_lines, 30_655, "<21115"),
)
