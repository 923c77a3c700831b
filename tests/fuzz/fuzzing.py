"""One target's campaign, a process of its own: `python -m tests.fuzz.fuzzing TARGET INPUTS FOLDER`.

`python -m tests.fuzz.fuzzing MODULE` reads such lines from its input and forks a process for each: to read a module
under watch takes longer than a campaign. It answers with the exit code; what the campaign said is in FOLDER/said.

By atheris, which looks for inputs that reach new code, where there is a build of it; elsewhere inputs are blind.
The folder gets the seeds and what grew out of them, and what broke the target.
"""

import os
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

LONGEST = 4096
SECONDS = 30
"""More than this for one input is a hang, on a busy machine too."""
MEGABYTES = 2048
WATCHED = {
    "of_costs": ["domain"],
    "of_answers": ["app.http.gateways", "app.http.receipts", "notifiers"],
    "of_events": ["app.http.binding", "streams.intake.validation", "streams.intake.cloudevents"],
    "of_packs": ["templates"],
    "of_providers": ["domain.nudges.reply_meaning", "domain.core.sms", "email", "notifiers"],
    "of_words": ["jinja2", "markdown_it", "templates"],
}
"""The code in which atheris sees what an input reaches: what reads, and not all that it is built on."""
TARGETS = {
    "event": "of_events",
    "event-batch": "of_events",
    "event-in-headers": "of_events",
    "yaml": "of_packs",
    "pack": "of_packs",
    "condition": "of_packs",
    "smpp": "of_providers",
    "bounce": "of_providers",
    "reply": "of_providers",
    "address": "of_providers",
    "sms": "of_providers",
    "answer": "of_answers",
    "receipt": "of_answers",
    "smpp-link": "of_answers",
    "words": "of_words",
    "value": "of_words",
    "costly-condition": "of_costs",
    "costly-pattern": "of_costs",
}
"""Each target's module: a process reads no other."""


def target_of(name: str, atheris: Any = None) -> Any:
    """The target; what it reads with is watched where atheris is, which would watch all beside a module, too."""
    module, watched = f"tests.fuzz.{TARGETS[name]}", WATCHED[TARGETS[name]]
    with atheris.instrument_imports(include=watched) if atheris else nullcontext():
        for each in watched if all("." in each for each in watched) else [module]:
            import_module(each)
    return import_module(module).TARGETS[name]


def serve(module: str) -> None:
    """Fork a campaign for each line of the input, which names a target of that module."""
    target_of(next(name for name, of in TARGETS.items() if of == module), _atheris())
    for line in sys.stdin:
        name, inputs, folder = line.rstrip("\n").split(" ", 2)
        if not (child := os.fork()):
            _write_to(Path(folder) / "said")
            main(name, int(inputs), Path(folder))
            sys.exit()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201  (the answer)


def _write_to(said: Path) -> None:
    """Have errors written to that file, and nothing to the output, which has the answers."""
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def main(name: str, inputs: int, folder: Path) -> None:
    """Try so many inputs; ends with another exit code than 0 at the first that breaks the target."""
    atheris = _atheris()
    target = target_of(name, atheris)
    attempt = target.prepare(folder)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for at, seed in enumerate(target.seeds):
        (corpus / f"seed-{at}").write_bytes(seed)
    if atheris is None:
        _blindly(attempt, target, inputs, folder)
        return
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    options = {
        "runs": inputs,
        "seed": 1,
        "max_len": LONGEST,
        "timeout": SECONDS,
        "rss_limit_mb": MEGABYTES,
        **({"dict": words} if target.words else {}),
        "artifact_prefix": f"{folder}/broken-",
        "verbosity": 1,
    }
    atheris.Setup([sys.argv[0], *(f"-{option}={value}" for option, value in options.items()), str(corpus)], attempt)
    atheris.Fuzz()


def _atheris() -> Any:
    try:
        import atheris  # noqa: PLC0415  (not for every machine)
    except ImportError:
        return None
    return atheris


def _escaped(word: str) -> str:
    return "".join(f"\\x{each:02x}" for each in word.encode("utf-8", "surrogatepass"))


def _blindly(attempt: Any, target: Any, inputs: int, folder: Path) -> None:
    random, pieces = Random(1), [word.encode("utf-8", "surrogatepass") for word in target.words]  # noqa: S311  (a seeded test)
    for each in (*target.seeds, *(_changed(random, target.seeds, pieces) for _ in range(inputs - len(target.seeds)))):
        (folder / "broken-last").write_bytes(each)
        attempt(each)
    (folder / "broken-last").unlink()
    print(f"Done {inputs} runs", file=sys.stderr)  # noqa: T201  (as the other way ends)


def _changed(random: Random, seeds: Any, pieces: Any) -> bytes:
    """A seed in which some stretches are left out, repeated, or have something else in their place."""
    made = bytearray(random.choice(seeds))
    for _ in range(random.randint(1, 8)):
        start = random.randint(0, len(made))
        end = min(len(made), start + random.choice((0, 1, 2, 8, 40)))
        made[start:end] = random.choice(
            (
                b"",
                random.randbytes(random.randint(1, 4)),
                random.choice(pieces or [b""]),
                bytes(made[start:end]) * 2,
                random.choice(seeds)[start:end],
            )
        )
    return bytes(made[:LONGEST])


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    else:
        serve(sys.argv[1])
