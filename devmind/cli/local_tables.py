"""What `up`, `down` and `status --memory` show to people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from devmind.cli import tables
from devmind.local.first_answers import Asked, FirstAnswers
from devmind.local.memory import ServiceMemory
from devmind.local.up import Running

_SHOWN = 100


class Teller:
    """Tells each step on a console: with a spinner on a terminal, as plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._step = ""

    def began(self, step: str) -> None:
        """Show that a step has begun."""
        self._step = step
        if self._console.is_terminal:
            self._status = self._console.status(f"[bold]{step}[/bold]")
            self._status.start()
        else:
            self._console.print(f"{step} ...")

    def says(self, text: str) -> None:
        """Show what the step does now; only a terminal has room for that."""
        if self._status is not None:
            self._status.update(f"[bold]{self._step}[/bold]  {_plain(text)}")

    def ended(self, step: str, result: str, seconds: float) -> None:
        """Show how a step ended."""
        self.stop()
        first, *more = result.splitlines() or [""]
        self._console.print(
            f"[green]✓[/green] {step:<8} {_plain(first)}  [dim]{seconds:.1f} s[/dim]"
        )
        for line in more:
            self._console.print(f"  [yellow]{escape(line)}[/yellow]")

    def stop(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()
            self._status = None


def running(service: Running) -> Iterable[RenderableType]:
    """Show a service that answers: predictions, addresses, times, memory."""
    if service.answers is not None:
        yield from answers(service.answers)
    yield _addresses(service)
    yield seconds(service)
    yield memory(service.memory)


def answers(first: FirstAnswers) -> Iterable[RenderableType]:
    """Show the three predictions."""
    if first.duration is not None:
        yield tables.duration(first.duration, about=_about(first.asked))
    if first.failure is not None:
        yield tables.failure(first.failure, about=_about(first.asked))
    if first.asked_tests is None:
        yield "[dim]Which tests: no test results are recorded (`devmind record tests`).[/dim]"
    elif first.tests is not None:
        yield tables.selection(first.tests, about=_about(first.asked_tests))


def seconds(service: Running) -> RenderableType:
    """Show how long each step took."""
    steps = ", ".join(f"{name} {value:.1f}" for name, value in service.seconds.items())
    return f"First answer after [bold]{service.first_answer_s:.1f} s[/bold] (seconds: {steps})"


def memory(use: ServiceMemory) -> RenderableType:
    """Show how much memory the service takes."""
    if not use.parts:
        return "Memory: nothing that `devmind up` started runs here, or this is no Linux."
    table = Table("Memory", "Processes", "Own (USS)", "With shared part (PSS)")
    for part in use.parts:
        table.add_row(
            part.name, str(part.processes), _megabytes(part.uss_bytes), _megabytes(part.pss_bytes)
        )
    count = sum(part.processes for part in use.parts)
    total = (_megabytes(use.uss_bytes), _megabytes(use.pss_bytes))
    table.add_section()
    table.add_row("the whole service", str(count), *total, style="bold")
    return table


def _addresses(service: Running) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, address in service.addresses.items():
        table.add_row(name, f"[link={address}]{address}[/link]")
    table.add_row("", f"[dim]Ray's dashboard asks for the token in {service.token}[/dim]")
    return table


def _about(asked: Asked) -> str:
    build = asked.build
    change = (build.message.splitlines() or [""])[0][:60] or build.commit[:12]
    named = f"{asked.project}, {build.pipeline}" + (f", “{change}”" if change else "")
    return f"simulated: {named}" if asked.simulated else named


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _plain(text: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return escape(shown)
