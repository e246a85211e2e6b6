"""`bin/bench`: the wiki's way, a rolling scale-up and ours, side by side on one machine.

Each way has a VM of its own and is asked by a prober of its own, never two at a time. All deploy
the same commits, whose images are built and pushed before and not yet on any VM. `figures` is pure;
the other modules touch the rehearsed world.
"""
