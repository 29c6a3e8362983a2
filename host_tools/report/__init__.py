"""`fxnn report`: one self-contained page about a packed network, and `fxnn compare`: two networks side by side.

facts.py     what the packed file says: ops, graph, memory plan, weights
measured.py  what running it says: cycles, activations, noise per op, accuracy
verdicts.py  which boards can hold it, and how fast they would be
page.py      facts to HTML (page.html.j2)
"""
