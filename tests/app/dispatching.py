"""`habarshy dispatch` as a process whose mail is real and which needs no other provider.

`python -m tests.app.dispatching DATABASE KEY_FILE SMTP_PORT TIME`
"""

import sys
from datetime import datetime
from pathlib import Path

from app.cli.commands.dispatch import dispatch_due
from app.clock import fixed
from app.compose import compose
from app.settings import load_settings
from notifiers.email.config import SmtpOptions
from notifiers.email.notifier import EmailNotifier
from notifiers.port.fake import FakeNotifier
from notifiers.port.routes import single_routes


def main(database: str, key_file: str, port: str, time: str) -> None:
    """Dispatch until it is stopped."""
    clock = fixed(datetime.fromisoformat(time))
    mail = SmtpOptions.model_validate(
        {
            "host": "127.0.0.1",
            "port": int(port),
            "security": "none",
            "sender": "habarshy@example.org",
            "sender_name": "Habarshy",
        }
    )
    platform = compose(load_settings(database=database, key_file=Path(key_file)), clock)
    notifiers = {channel: FakeNotifier(channel, []) for channel in ("push", "sms")}
    dispatch_due(platform, lambda _: single_routes({**notifiers, "email": EmailNotifier(mail, clock)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
