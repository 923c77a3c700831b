"""Help for authors: new triggers, previews, and rules and differences in words.

Modules:
    scaffold: the files of a new trigger or pack. internal_names: a trigger's name, proposed from its title.
    preview: the messages for invented people.
    starter_values: the values that the texts of a further language begin with.
    rule_sentences, value_words: rules and values in sentences.
    typed_values: amounts, days and times as people type them. cited_acts: a legal basis by act and articles.
    texts_note, note_labels: the texts of all languages as one note, and its labels.
    trigger_form, words_form: a rule, and the words of a language, as fields of a form. condition_form: conditions as
    rows. yaml_edit: changes of single values in a file.
    trigger_diff, pack_diff, text_diff: what changes between two versions.

Inside: event_type_diff, words_diff. More than 15 modules, because each kind of help is one.
"""
