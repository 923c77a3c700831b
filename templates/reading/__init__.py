"""Read packs from disk: documents with places, and the shapes that they must have.

Modules: attributes, benefit_shapes, catalogue, event_shapes, files, findings, json_schema,
    pack_shapes, public_holidays, services_shapes, trigger_shapes, value_kinds, writing, yaml_file.
"""
