"""The work of erasing persons in bulk, made from the arguments of its job."""

from collections.abc import Mapping
from typing import Any

from msgspec import convert

from app.compose import Platform
from app.identity import erased_list
from domain.core.translatable import Words
from streams.privacy.bulk_erasure import BulkErasure, BulkRequest
from streams.privacy.erasure import Certificate
from streams.queues.jobs import Work


class NotListed(Exception):
    """Raised where an erasure cannot be listed for a restore of an older backup."""


def erasure(platform: Platform, arguments: Mapping[str, Any]) -> Work:
    """Erase the persons of a list; each erasure is listed beside the keys, as that of one person is."""

    def keep(certificate: Certificate) -> None:
        try:
            erased_list.add(platform.settings.key_file, certificate)
        except OSError as error:
            words = Words(
                "the list of erased persons beside the key file cannot be written ({reason}): nobody more is "
                "erased; resume the job in a process that can write it",
                reason=error.strerror,
            )
            raise NotListed(words) from None

    request = convert({name: value for name, value in arguments.items() if name != "job"}, BulkRequest)
    return BulkErasure(platform.privacy.erasure, request, keep)
