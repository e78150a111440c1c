"""The tour: the examples of libclient/examples as real processes on the cluster of `./dev up`.

Each act has a sentence, what the processes say with their own times, and what was measured; it checks
what it shows. stage.py has the processes, acts.py the acts, play.py their order.
"""
