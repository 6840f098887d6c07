"""The Lab: the interactive experiment, served to a browser on the same machine (`tinygrad-init lab`).

Read `config` (what can be set), `build` (what becomes of it), `experiment` (steps, and the way back), `measure` (what
is seen), `visit` (one page's thread) and `server`. `protocol`, `frames`, `shapes` and `wire` are what goes over the
wire; `asked`, `detail`, `microscope` and `export` what the page may ask for.
"""
