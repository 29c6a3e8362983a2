# The board runs this at every start, before main.py. fxnn needs nothing here.
# It is the place for what the board itself needs first, such as a faster clock:
# import machine
# machine.freq(200_000_000)
