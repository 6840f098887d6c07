"""The Lab: the interactive experiment, served to a browser on the same machine (`tinygrad-init lab`).

Read `messages.config` (what can be set), `experiment.build` (what becomes of it), `experiment.experiment` (steps, and
the way back), `looking.measure` (what is seen), `serving.session` (one page's thread) and `serving.server`. What goes
over the wire is in `messages`; what the page may ask for in `serving.answers`, `serving.export`, `looking.selection`
and `looking.microscope`.
"""
