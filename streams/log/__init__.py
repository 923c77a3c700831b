"""The log: the append-only facts that everything else is derived from, and their protection.

Modules:
    log: `Log`, which appends and reads facts; appending: facts about nudges, with their views.
    recorder: stored facts and their positions.
    mapper, decoding: facts to bytes and back; loads: historical loads.
    fact_events: facts as the events of eventsourcing's aggregates; fact_mapper: these as rows of the log.
    person_keys, master_key, rewrap: encryption, a key for each person, wrapped by a master key.
    row_codes, forgeries, first_codes: a keyed code on each row, so that forged rows are ignored.
    chain, chain_builder, signing, audit: signed blocks over the log, and checking them.
    watermark: notices a database restored from a backup. damaged: `DamagedFact`.

More than 15 modules, because each kind of protection is one idea of its own.

Tables: log, log_forged, log_coded, person_keys, period_keys, made_with, erasures, blocks.
Facts: all are written through `Log`; this package writes none of its own.
"""
