"""Reading packs from disk: documents with places, and the shapes that they must have.

Modules:
    files, yaml_file: files as plain data with the place of every value. writing: the way back.
    pack_shapes, event_shapes, trigger_shapes, benefit_shapes, services_shapes, value_kinds: the shapes of files.
    json_schema: the same shapes for editors. findings: errors and warnings with their places.
    pack_content: parts of a pack's plain data.
    catalogue, attributes: from plain data to the domain's catalogue. public_holidays: days off by country.

Inside: mixed_alphabets, which finds words that mix Cyrillic and Latin letters.
"""
