"""How Faust carries records: as bytes, from where the group has come to, and only what registries committed."""

from typing import Any

import faust

from streams.brokers import Brokers
from streams.topics import Topics

NEVER = 1e6
"""Seconds after which aiokafka would leave the group because nobody polls: it then waits for a poll to come back, and
Faust, which is in a rebalance by then, for its end before it polls. A process that is dead sends no heartbeats."""
COMMITTED = "read_committed"


def _transport(app: Any) -> Any:  # noqa: ANN401  (Faust's app and transport)
    """Reads no record of a transaction that was given up; Faust would only where it writes in transactions itself."""
    from faust.transport.drivers import aiokafka as driver  # noqa: PLC0415  (it runs a programme when it is imported)

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_worker_consumer(self, transport: driver.Transport) -> Any:  # noqa: ANN401  (aiokafka's consumer)
            consumer = super()._create_worker_consumer(transport)
            consumer._isolation_level = COMMITTED  # noqa: SLF001  (its constructor is called in the midst of the method)
            return consumer

    class Consumer(driver.Consumer):
        def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport(app.conf.broker_consumer, app)


def _credentials(brokers: Brokers) -> Any:  # noqa: ANN401  (Faust's credentials)
    context = brokers.context()
    if brokers.username:
        return faust.SASLCredentials(
            username=brokers.username, password=brokers.password, ssl_context=context, mechanism=brokers.mechanism
        )
    return None if context is None else faust.SSLCredentials(context)


def leave(app: Any) -> None:  # noqa: ANN401  (Faust's app)
    """Have the member leave its group as it stops, so that the others get its share at once.

    aiokafka lets none leave that is known over restarts (`_maybe_leave_group`). A killed one keeps its place for its
    session; one that was asked to stop should not.
    """
    consumer = app.consumer._thread._consumer  # noqa: SLF001  (Faust has no other way)
    if consumer is not None and (coordinator := consumer._coordinator) is not None:  # noqa: SLF001  (the same)
        coordinator._group_instance_id = None  # noqa: SLF001  (the same)


def faust_app(topics: Topics, role: str, session: float, instance: str = "") -> Any:  # noqa: ANN401  (Faust's app)
    """Return a member of the role's group.

    `session`: seconds after which one that says nothing is taken for dead; `instance`: how the group knows it over
    restarts.
    """
    app: Any = faust.App(
        topics.group(role),
        broker=[f"kafka://{each.strip()}" for each in topics.address.split(",")],
        broker_credentials=_credentials(topics.brokers),
        store="memory://",
        web_enabled=False,
        processing_guarantee="at_least_once",
        loghandlers=[],
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=2048,
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_commit_every=1000,
        broker_session_timeout=session,
        broker_request_timeout=max(90.0, session),  # Faust's own is 90, and it takes no longer session than that
        broker_heartbeat_interval=session / 10,
        broker_rebalance_timeout=session * 2,
        broker_max_poll_interval=NEVER,
        consumer_group_instance_id=instance or None,
    )
    app.on_first_start = _make_no_folders
    app.transport = _transport(app)
    return app


async def _make_no_folders() -> None:
    """Faust's are for tables, of which there are none, and a role may write nowhere."""
